"""Text field for a name that is opened over a label and closed afterwards."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QLineEdit, QWidget

MAX_NAME = 40


class NameEditor(QLineEdit):
    """Name field: Return, or leaving it, enters the name; Escape cancels. Then the previous widget gets the focus back.

    Args:
        object_name: object name of the field.

    Signals:
        entered: the name; "" removes it.
    """

    entered = Signal(str)

    def __init__(self, object_name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName(object_name)
        self.setAccessibleName("Name")
        self.setToolTip("A name, saved with the run; empty removes it. Return enters it.")
        self.setPlaceholderText("name")
        self.setMaxLength(MAX_NAME)
        self._before: QWidget | None = None
        self._open = False
        self.hide()
        self.returnPressed.connect(self._enter)

    def begin(self, name: str, x: int, y: int, width: int, height: int) -> None:
        """Open the field in a rectangle of the parent."""
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
        """Close the field without entering a name."""
        self._open = False
        if self.hasFocus():  # hiding it would move the focus to the next widget, and make that one's dimension current
            if self._before is not None and self._before.isVisible():
                self._before.setFocus(Qt.FocusReason.OtherFocusReason)
            else:
                self.clearFocus()
        self.hide()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Enter the typed name."""
        super().focusOutEvent(event)
        if event.reason() not in (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason):
            self._enter()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Cancel by Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)
