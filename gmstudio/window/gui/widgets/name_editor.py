"""A field that appears over a label, takes a name, and goes away."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

MAX_NAME = 40


class NameEditor(QLineEdit):
    """Return, or leaving it, enters the name; Escape leaves it as it was. The focus goes back to where it was before.

    Args:
        object_name: for tests and tools.

    Signals:
        entered: the name; "" takes it away.
    """

    entered = Signal(str)

    def __init__(self, object_name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(object_name)
        self.setAccessibleName("Name")
        self.setToolTip("A name of your own, kept with the run; empty takes it away. Return enters it.")
        self.setPlaceholderText("name")
        self.setMaxLength(MAX_NAME)
        self._before: QWidget | None = None
        self._open = False
        self.hide()
        self.returnPressed.connect(self._enter)

    def begin(self, name: str, x: int, y: int, width: int, height: int) -> None:
        """Take a name at a place in the parent."""
        if not self._open:
            self._before, self._open = QApplication.focusWidget(), True
        self.setText(name)
        self.setGeometry(x, y, width, height)
        self.show()
        self.raise_()
        self.selectAll()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _enter(self) -> None:
        if self._open:
            self.dismiss()
            self.entered.emit(self.text().strip())

    def dismiss(self) -> None:
        """Go away without entering anything."""
        self._open = False
        if self.hasFocus():  # hiding would give it to the next widget, and turn to that one's dimension
            if self._before is not None and self._before.isVisible():
                self._before.setFocus(Qt.FocusReason.OtherFocusReason)
            else:
                self.clearFocus()
        self.hide()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Leaving it enters what was typed."""
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self._enter()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leaves the name as it was."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)
