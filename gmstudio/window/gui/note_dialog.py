"""Window in which the whole note of a run is written."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.gui.run_text import run_name
from gmstudio.window.state.runs.run_edits import RunEdits

WIDTH, HEIGHT = 420, 240
SAVE_KEY = "Ctrl+Return"


def write_note(info: RunInfo, edits: RunEdits, parent: QWidget) -> None:
    """Open the window of a run's note; what is saved there can be undone.

    Args:
        info: description of the run.
        edits: change the run.
        parent: over which the window opens.
    """
    dialog = NoteDialog(info, parent)
    dialog.accepted.connect(lambda: edits.change([info.run], "Write a note", note=dialog.note))
    dialog.show()


class NoteDialog(QDialog):
    """Window in which the note of a run is written, of any number of lines.

    Args:
        info: description of the run.

    Signals:
        accepted: the note is to be kept.
    """

    def __init__(self, info: RunInfo, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("note_dialog")
        self.setWindowTitle(f"Note: {run_name(info)}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(False)
        self._text = QPlainTextEdit(info.note, self)
        self._text.setAccessibleName("Note")
        self._text.setTabChangesFocus(True)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Save | kinds.Cancel, self)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        save = buttons.button(kinds.Save)
        save.setShortcut(QKeySequence(SAVE_KEY))
        save.setToolTip(f"Keep the note ({save.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})")
        layout = QVBoxLayout(self)
        layout.addWidget(self._text)
        layout.addWidget(buttons)
        self.resize(WIDTH, HEIGHT)

    @property
    def note(self) -> str:
        """Text as it was written."""
        return self._text.toPlainText().strip()
