"""Menu that exports the rounds of a guess: film and strip."""

from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.window.gui.widgets.save_dialog import ask_path
from gmstudio.window.state.pixels.film_export import SUFFIXES, Content, FilmExport

TITLES: dict[Content, str] = {"gif": "Film as GIF…", "mp4": "Film as MP4…", "strip": "Strip as PNG…"}


def export_menu(parent: QWidget, export: FilmExport) -> QMenu:
    """Create the menu of what can be exported; what cannot is disabled, with the reason.

    Args:
        parent: of the menu and its dialogs.
        export: writes the files.
    """
    menu = QMenu(parent)
    menu.setObjectName("pixels.guess.export_menu")
    menu.setToolTipsVisible(True)
    for content, title in TITLES.items():
        action = menu.addAction(title)
        action.setObjectName(f"pixels.guess.export_{content}")
        problem = export.problem(content)
        action.setEnabled(not problem)
        action.setToolTip(problem or "With the run, the settings and the seed in the file.")
        start = partial(export.start, content)
        action.triggered.connect(partial(ask_path, parent, title.removesuffix("…"), "rounds", SUFFIXES[content], start))
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
