"""Title of a field, which keeps its room when it becomes bold."""

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QLabel, QWidget


class FieldTitle(QLabel):
    """Wrapping label as high as its text in bold: fields below do not move when the value is no longer the default."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setWordWrap(True)

    def heightForWidth(self, width: int) -> int:
        """Height of the text in bold."""
        bold = QFont(self.font())
        bold.setBold(True)
        room = QRect(0, 0, width, 1 << 16)
        needed = QFontMetrics(bold).boundingRect(room, Qt.TextFlag.TextWordWrap, self.text()).height()
        return max(super().heightForWidth(width), needed)
