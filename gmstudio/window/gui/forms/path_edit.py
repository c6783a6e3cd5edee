"""Editor of the path of a folder or file."""

from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QToolButton, QToolTip, QWidget

from gmstudio.window.gui.forms.editors import TextEdit


class FolderEdit(QWidget):
    """Path of a folder, or of a file where those are accepted, typed or browsed for.

    Args:
        files: accept files, too.
        folders: accept folders.

    Signals:
        edited: the path changed.
    """

    edited = Signal()
    elsewhere = ""
    """Sentence on the machine whose paths are written, for all editors; "" where it is this one."""

    def __init__(self, *, files: bool = False, folders: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.line = TextEdit(parent=self)
        what = " or ".join(word for word, accepted in (("folder", folders), ("file", files)) if accepted)
        self.line.setPlaceholderText(f"Path of a {what}")
        self.line.edited.connect(self.edited)
        self.browse = QToolButton(self)
        self.browse.setText("Browse…")
        self.browse.setAccessibleName(f"Browse for the {what}")
        self.browse.setToolTip(f"Choose the {what} in a dialog.")
        self.browse.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        if files and folders:
            menu = QMenu(self)
            menu.addAction("Folder…", self._ask_folder)
            menu.addAction("Archive or file…", self._ask_file)
            self.browse.setMenu(menu)
            self.browse.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        else:
            self.browse.clicked.connect(self._ask_folder if folders else self._ask_file)
        self.setFocusProxy(self.line)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.line, 1)
        layout.addWidget(self.browse)

    @property
    def value(self) -> str:
        """The path as typed."""
        return self.line.text()

    def set_value(self, value: Any) -> None:
        """Show a path."""
        self.line.set_value(value)

    def text(self) -> str:
        """Text of the line."""
        return self.line.text()

    def _ask_folder(self) -> None:
        if self._is_elsewhere():
            return
        dialog = self._dialog("Folder of images", QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly, True)
        dialog.show()

    def _is_elsewhere(self) -> bool:
        """Say that the path is one of another machine, where it is; a dialog would show the files of this one."""
        if FolderEdit.elsewhere:
            QToolTip.showText(QCursor.pos(), FolderEdit.elsewhere, self.browse)
            self.line.setFocus()
        return bool(FolderEdit.elsewhere)

    def _ask_file(self) -> None:
        if self._is_elsewhere():
            return
        self._dialog("File", QFileDialog.FileMode.ExistingFile).show()

    def _dialog(self, title: str, mode: QFileDialog.FileMode) -> QFileDialog:
        """Make a non-modal dialog, which sets the path."""
        dialog = QFileDialog(self, title, self.value)
        dialog.setFileMode(mode)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowModality(Qt.WindowModality.NonModal)
        dialog.fileSelected.connect(self.set_value)
        return dialog
