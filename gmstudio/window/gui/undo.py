"""Keys of undo and redo, in fields of text and elsewhere.

The history itself is ``gmstudio.window.state.history``, one for the window. A panel's state records its edits
(``gmstudio.window.state.edits``), and the panel calls ``self.record_edits(state.edits)`` once. What a control changes
without the state recording it is recorded by ``ControlEdits``. Widgets keep no history of their own; text fields undo
their text while they have the focus and text to undo.
"""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QWidget

UNDO, REDO = "Ctrl+Z", "Ctrl+Shift+Z"


class FieldUndo(QObject):
    """Leaves the keys of undo and redo to the window where the field with the focus has nothing to undo or redo.

    A field takes them always: after a number was typed and set, nothing would be undone until the focus moves.

    Args:
        parent: window.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus_changed)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the key from the field before it claims it."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            field = _field_of(watched)
            pressed = QKeySequence(event.keyCombination())
            if field is not None and (
                (pressed == QKeySequence(UNDO) and not field.isUndoAvailable())
                or (pressed == QKeySequence(REDO) and not field.isRedoAvailable())
            ):
                event.ignore()
                return True
        return super().eventFilter(watched, event)

    def _on_focus_changed(self, old: QWidget | None, new: QWidget | None) -> None:
        if old is not None:
            old.removeEventFilter(self)
        if new is not None and _field_of(new) is not None:
            new.installEventFilter(self)


def _field_of(widget: QObject) -> QLineEdit | None:
    if isinstance(widget, QAbstractSpinBox):
        return widget.lineEdit()
    return widget if isinstance(widget, QLineEdit) else None
