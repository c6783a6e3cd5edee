"""Menu of the files that can be written of what is shown."""

from collections.abc import Mapping
from functools import partial
from typing import Protocol, TypeVar

from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.window.gui.widgets.save_dialog import ask_path

Content = TypeVar("Content", bound=str)
PROVENANCE = "With the run, the settings and the seed in the file."


class Exporter(Protocol[Content]):
    """What writes the files."""

    @property
    def suffixes(self) -> Mapping[Content, str]:
        """Content of a file → suffix of its name."""

    def problem(self, content: Content) -> str:
        """Reason why nothing of this kind can be written now; "": it can."""

    def start(self, content: Content, path: str) -> None:
        """Write a file."""


def export_menu(
    parent: QWidget,
    exporter: Exporter[Content],
    name: str,
    titles: Mapping[Content, str],
    files: Mapping[Content, str],
    tip: str = PROVENANCE,
) -> QMenu:
    """Create the menu of what can be exported; what cannot is disabled, with the reason.

    Args:
        parent: of the menu and its dialogs.
        exporter: writes the files.
        name: beginning of the object names, ``NAME_menu`` and ``NAME_CONTENT``.
        titles: content → title of the action.
        files: content → name of the file that is proposed, without suffix.
        tip: tooltip of what can be exported.
    """
    menu = QMenu(parent)
    menu.setObjectName(f"{name}_menu")
    menu.setToolTipsVisible(True)
    for content, title in titles.items():
        action = menu.addAction(title)
        action.setObjectName(f"{name}_{content}")
        problem = exporter.problem(content)
        action.setEnabled(not problem)
        action.setToolTip(problem or tip)
        start = partial(exporter.start, content)
        suffix = exporter.suffixes[content]
        action.triggered.connect(partial(ask_path, parent, title.removesuffix("…"), files[content], suffix, start))
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
