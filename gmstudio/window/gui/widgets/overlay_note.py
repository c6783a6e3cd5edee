"""Sentence that lies over the upper end of another widget, so that nothing moves when it appears."""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QWidget

from gmstudio.window.gui.theme import GRID


class OverlayNote(QFrame):
    """Sentence with an optional button over a widget, as wide as that; hidden while there is no sentence.

    Args:
        host: the widget below.
        button: shown behind the sentence, or None.
    """

    def __init__(self, host: QWidget, button: QWidget | None = None) -> None:
        super().__init__(host)
        self.setAutoFillBackground(True)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._host = host
        self.label = QLabel()
        self.label.setProperty("role", "error")
        self.label.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        row.addWidget(self.label, 1)
        if button is not None:
            row.addWidget(button)
        host.installEventFilter(self)
        self.hide()

    def set_sentence(self, sentence: str) -> None:
        """Show a sentence; "" hides the note."""
        self.label.setText(sentence)
        self.setVisible(bool(sentence))
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the size of the widget below."""
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        width = self._host.width()
        height = max(self.heightForWidth(width), self.sizeHint().height())
        self.setGeometry(0, 0, width, height)
        self.raise_()
