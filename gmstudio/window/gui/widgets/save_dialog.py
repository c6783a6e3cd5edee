"""Dialog that asks for the place of a file to be written, without blocking the window."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

_folders: dict[str, str] = {"last": ""}
"""Folder of the file that was saved last, where the next dialog opens."""


def ask_path(parent: QWidget, title: str, name: str, suffix: str, then: Callable[[str], object]) -> QFileDialog:
    """Ask for the path of a file; the dialog asks itself before a file is replaced.

    Args:
        parent: of the dialog.
        title: of the dialog.
        name: file name that is offered, without its suffix.
        suffix: format, for example ``png``.
        then: called with the chosen path.
    """
    dialog = QFileDialog(parent, title, _folders["last"], f"{suffix.upper()} (*.{suffix})")
    dialog.setObjectName("save_dialog")
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix)
    dialog.selectFile(f"{name}.{suffix}")
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def on_selected(path: str) -> None:
        _folders["last"] = str(Path(path).parent)
        then(path)

    dialog.fileSelected.connect(on_selected)
    dialog.setModal(False)
    dialog.show()
    return dialog
