"""Undo history of a panel: the edits of its state as commands of a ``QUndoStack``.

To adopt it, a panel's state records its edits (``gmstudio.window.state.edits``) and the panel calls
``self.record_edits(state.edits)`` once. The window's Edit menu then undoes and redoes them by name while the panel is
shown. Widgets keep no history of their own; text fields undo their text while they have the focus and text to undo.
"""

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QKeyEvent, QKeySequence, QUndoCommand, QUndoStack
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QWidget

from gmstudio.window.state.edits import Edit, EditRecorder

MAX_EDITS = 100
UNDO, REDO = "Ctrl+Z", "Ctrl+Shift+Z"


class EditCommand(QUndoCommand):
    """An edit that was made already.

    Args:
        recorder: of the state.
        edit: made.
    """

    def __init__(self, recorder: EditRecorder, edit: Edit) -> None:
        super().__init__(edit.name)
        self._recorder, self.edit = recorder, edit
        self._undone = False

    def undo(self) -> None:
        """Restore what was before."""
        self._undone = True
        self._recorder.restore(self.edit.before)

    def redo(self) -> None:
        """Restore what was after; the first time, when the stack takes the command, that is there."""
        if self._undone:
            self._recorder.restore(self.edit.after)

    def id(self) -> int:
        """Return 1 for edits that may merge, else -1."""
        return 1 if self.edit.key else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take a later edit of the same key in; both vanish where they lead back to the beginning."""
        if not isinstance(other, EditCommand) or other.edit.key != self.edit.key:
            return False
        self.edit = self.edit.merged(other.edit)
        self.setText(self.edit.name)
        self.setObsolete(self.edit.empty)
        return True


def record_edits(stack: QUndoStack, recorder: EditRecorder) -> None:
    """Keep the edits of a state on a stack, and clear it when they no longer apply."""
    recorder.edited.connect(lambda edit: stack.push(EditCommand(recorder, edit)))
    recorder.cleared.connect(stack.clear)


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
