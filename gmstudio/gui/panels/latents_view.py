"""What every view below the decoded image is: a page of a few lines, and what stands beside the image while it is open."""

from PySide6.QtWidgets import QWidget


class LatentView(QWidget):
    """Base of the views, one tab each.

    Attributes:
        beside: a widget that needs more room than a few lines (a map, a canvas); the panel shows it beside the image
            while the view's tab is open. None: nothing.
    """

    beside: QWidget | None = None
