"""Menu that exports the rounds of a guess: film and strip."""

from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.window.gui.widgets import export_menu as menus
from gmstudio.window.state.pixels.film_export import FilmExport

TITLES = {"gif": "Film as GIF…", "mp4": "Film as MP4…", "strip": "Strip as PNG…"}


def export_menu(parent: QWidget, export: FilmExport) -> QMenu:
    """Create the menu; see ``menus.export_menu``."""
    return menus.export_menu(parent, export, "pixels.guess.export", TITLES, dict.fromkeys(TITLES, "rounds"))
