"""Undo history of a panel: the edits of its state as commands of a ``QUndoStack``.

To adopt it, a panel's state records its edits (``gmstudio.window.state.edits``) and the panel calls
``self.record_edits(state.edits)`` once. The window's Edit menu then undoes and redoes them by name while the panel is
shown. Widgets keep no history of their own; text fields undo their text while they have the focus.
"""

from PySide6.QtGui import QUndoCommand, QUndoStack

from gmstudio.window.state.edits import Edit, EditRecorder

MAX_EDITS = 100


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
