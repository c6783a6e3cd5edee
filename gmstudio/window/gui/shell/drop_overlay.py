"""Sentence over the window that says what a drop does, while files are dragged over it."""

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel, QWidget

from gmstudio.window.gui.theme import GRID

MARGIN = 3 * GRID


class DropOverlay(QLabel):
    """Frame over a widget with one sentence; drags and clicks pass through it.

    Args:
        host: the widget below.
    """

    def __init__(self, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        self.setObjectName("drop_overlay")
        self.setAccessibleName("What the drop does")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        host.installEventFilter(self)
        self.hide()

    def show_sentence(self, sentence: str) -> None:
        """Show what the drop does; "" hides the frame."""
        self.setText(sentence)
        self.setVisible(bool(sentence))
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the widget below."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.setGeometry(self._host.rect().adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN))
        self.raise_()
