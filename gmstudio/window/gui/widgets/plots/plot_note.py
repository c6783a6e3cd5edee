"""A remark over the curves of a plot."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

MARGIN_X, MARGIN_Y = 8, 2


class PlotNote(QLabel):
    """Sentences at the upper right of a plot, over the curves, which do not move when they appear.

    Args:
        view: the plot's; calls ``place`` when its size changes.
    """

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self._view = view
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setProperty("role", "muted")
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setWordWrap(True)
        self.hide()

    def show_sentences(self, sentences: Sequence[str]) -> None:
        """Show sentences; none hide the note."""
        self.setText(" ".join(sentences))
        self.setVisible(bool(sentences))
        self.place()

    def place(self) -> None:
        """Take the right three quarters of the view."""
        width = self._view.width() * 3 // 4
        self.setGeometry(self._view.width() - width - MARGIN_X, MARGIN_Y, width, self.heightForWidth(width))
