"""The command palette of the main window: its entries, what it does with the one chosen, and the recent ones."""

from collections.abc import Callable, Iterator, Mapping

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.places import Place
from gmstudio.window.gui.shell.palette.popup import PalettePopup
from gmstudio.window.gui.shell.palette.sources import menu_entries, panel_entries, run_entries
from gmstudio.window.gui.shell.settings import PALETTE, WindowSettings
from gmstudio.window.state.palette import PaletteEntry, PaletteSource
from gmstudio.window.state.studio import Studio

MAX_RECENT = 20


class CommandPalette(QObject):
    """Opens the palette on everything that the window has at the moment.

    Panels and states that are a ``PaletteSource`` add their entries, without being named here.

    Args:
        window: main window; its menus are read each time.
        places: entries of the panels, by name.
        panels: panels that are built, by name.
        studio: has the states of the panels, and the library of runs.
        settings: file in which the entries chosen last are kept.
        open_run: opens a run in the panel that fits.
        show_panel: shows a panel.
    """

    def __init__(
        self,
        window: QMainWindow,
        places: Mapping[str, Place],
        panels: Mapping[str, Panel],
        studio: Studio,
        settings: WindowSettings,
        open_run: Callable[[str], None],
        show_panel: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._window, self._places, self._panels, self._studio = window, places, panels, studio
        self._settings, self._open_run, self._show_panel = settings, open_run, show_panel
        self._sources: list[PaletteSource] = []
        self._own: QAction | None = None
        self.popup = PalettePopup(window)
        self.popup.chosen.connect(self._do)

    def add_source(self, source: object) -> None:
        """Add the entries of a panel or state, if it has any."""
        if isinstance(source, PaletteSource) and source not in self._sources:
            self._sources.append(source)

    def set_action(self, action: QAction) -> None:
        """Set the action that opens the palette, which is no entry of it."""
        self._own = action

    def toggle(self) -> None:
        """Open the palette, or close it."""
        if self.popup.isVisible():
            self.popup.close_back()
        else:
            self.popup.open(self.entries(), self._recent())

    def entries(self) -> Iterator[PaletteEntry]:
        """Yield all entries, one by one; those of one id once."""
        seen: set[str] = set()
        for entry in self._all():
            if entry.id not in seen:
                seen.add(entry.id)
                yield entry

    def _all(self) -> Iterator[PaletteEntry]:
        yield from menu_entries(self._window.menuBar(), self._own)
        for name, panel in tuple(self._panels.items()):
            place = self._places[name]
            yield from panel_entries(place, panel, place.state_in(self._studio))
        for source in self._sources:
            yield from source.palette_entries()
        yield from run_entries(self._studio.library, self._open_run)

    def _recent(self) -> list[str]:
        kept: list[str] = self._settings.get(PALETTE)
        return kept

    def _do(self, entry: PaletteEntry) -> None:
        recent = [entry.id, *(name for name in self._recent() if name != entry.id)]
        self._settings.put(PALETTE, recent[:MAX_RECENT])
        if entry.panel:
            self._show_panel(entry.panel)
        entry.run()
