"""Menu of the files that can be written of what is shown."""

from collections.abc import Mapping
from functools import partial
from typing import Protocol

from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.window.gui.widgets.save_dialog import ask_path


class Exporter(Protocol):
    """What writes the files."""

    @property
    def suffixes(self) -> Mapping[str, str]:
        """Content of a file → suffix of its name."""

    def problem(self, content: str) -> str:
        """Reason why nothing of this kind can be written now; "": it can."""

    def start(self, content: str, path: str) -> None:
        """Write a file."""


def export_menu(
    parent: QWidget, exporter: Exporter, name: str, titles: Mapping[str, str], files: Mapping[str, str]
) -> QMenu:
    """Create the menu of what can be exported; what cannot is disabled, with the reason.

    Args:
        parent: of the menu and its dialogs.
        exporter: writes the files.
        name: beginning of the object names, ``NAME_menu`` and ``NAME_CONTENT``.
        titles: content → title of the action.
        files: content → name of the file that is proposed, without suffix.
    """
    menu = QMenu(parent)
    menu.setObjectName(f"{name}_menu")
    menu.setToolTipsVisible(True)
    for content, title in titles.items():
        action = menu.addAction(title)
        action.setObjectName(f"{name}_{content}")
        problem = exporter.problem(content)
        action.setEnabled(not problem)
        action.setToolTip(problem or "With the run, the settings and the seed in the file.")
        start = partial(exporter.start, content)
        suffix = exporter.suffixes[content]
        action.triggered.connect(partial(ask_path, parent, title.removesuffix("…"), files[content], suffix, start))
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
