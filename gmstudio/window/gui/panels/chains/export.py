"""Menu that exports a trajectory: film, frame, strip and curve."""

from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.state.chains.export import SUFFIXES, Content, TrajectoryExport

TITLES: dict[Content, str] = {
    "gif": "Film as GIF…",
    "mp4": "Film as MP4…",
    "frame": "This frame as PNG…",
    "strip": "Strip as PNG…",
}


def export_menu(parent: QWidget, export: TrajectoryExport) -> QMenu:
    """Create the menu of what can be exported; what cannot is disabled, with the reason.

    Args:
        parent: of the menu and its dialogs.
        export: writes the files.
    """
    menu = QMenu(parent)
    menu.setObjectName("chains.export_menu")
    menu.setToolTipsVisible(True)
    for content, title in TITLES.items():
        action = menu.addAction(title)
        action.setObjectName(f"chains.export_{content}")
        problem = export.problem(content)
        action.setEnabled(not problem)
        action.setToolTip(problem or "With the run, the settings and the seed in the file.")
        name = {"frame": "frame", "strip": "strip"}.get(content, "trajectory")
        action.triggered.connect(
            partial(ask_path, parent, title.removesuffix("…"), name, SUFFIXES[content], partial(export.start, content))
        )
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
