"""Base of the views below the decoded image."""

from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.widgets.active_widget import ActiveWidget


class LatentView(ActiveWidget):
    """Base of the views, one tab each: a page of a few lines, and a widget beside the image.

    Attributes:
        beside: a widget that needs more room than the images (a map); the stage shows it beside them while the view's
            tab is open. None: nothing.
        instead: a widget that is shown in place of the original (a canvas), of the same size. None: nothing.
    """

    beside: QWidget | None = None
    instead: QWidget | None = None
