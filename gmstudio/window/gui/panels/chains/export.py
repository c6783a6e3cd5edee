"""Menu that exports a trajectory: film, frame and strip."""

from PySide6.QtWidgets import QMenu, QWidget

from gmstudio.window.gui.widgets import export_menu as menus
from gmstudio.window.state.chains.export import TrajectoryExport

TITLES = {
    "gif": "Film as GIF…",
    "mp4": "Film as MP4…",
    "frame": "This frame as PNG…",
    "strip": "Strip as PNG…",
}
FILES = {"gif": "trajectory", "mp4": "trajectory", "frame": "frame", "strip": "strip"}


def export_menu(parent: QWidget, export: TrajectoryExport) -> QMenu:
    """Create the menu; see ``menus.export_menu``."""
    return menus.export_menu(parent, export, "chains.export", TITLES, FILES)
