"""The rule by which runs are opened: in the panel that showed the run last, else in the first one that can show it."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from gmstudio.media.provenance import Provenance
from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import OpenRun, RunInfo, RunOpened
from gmstudio.window.client.request import Request
from gmstudio.window.gui.places import Place, RunState, explores
from gmstudio.window.gui.shell.picture_settings import restore_settings
from gmstudio.window.gui.shell.settings import PANEL_OF_RUN, WindowSettings
from gmstudio.window.state.studio import Studio

MAX_REMEMBERED = 200
"""Runs whose last panel is kept in the settings; the ones seen longest ago are dropped."""


class RunOpener(QObject):
    """Opens runs from anywhere, and remembers the panel in which each run was last seen.

    Args:
        studio: has the library, and the client that opens runs.
        places: the panels, in their order.
        settings: file in which the last panels are kept.

    Signals:
        found: name of the panel for a run that was opened, and the name of the run; ``choose`` shows it there.
        failed: folder of a run that cannot be shown, and a sentence that says why; also where settings of a picture
            cannot be restored.
        restored: sentence on the seed and settings of a picture that were set.
    """

    found = Signal(str, str)
    failed = Signal(str, str)
    restored = Signal(str)

    def __init__(
        self, studio: Studio, places: Sequence[Place], settings: WindowSettings, parent: QObject | None
    ) -> None:
        super().__init__(parent)
        self._library = studio.library
        self._settings = settings
        self._places = {place.name: place for place in places if place.shows is not None}
        self._states: dict[str, RunState] = {}
        self._panel_of = settings.get(PANEL_OF_RUN).copy()
        self._panel = self._folder = ""
        self._origin: Provenance | None = None
        self._opening = Request(studio.client, self)
        self._opening.replied.connect(self._on_reply)
        self._opening.failed.connect(self._on_failed)

    def add_state(self, name: str, state: object) -> None:
        """Follow the state of a panel that is about to be built; no effect for one that shows no runs."""
        if name in self._places:
            assert isinstance(state, RunState), f"the state of {name} shows no runs"
            self._states[name] = state
            state.run_changed.connect(self._note)

    def open(self, folder: str, origin: Provenance | None = None) -> None:
        """Have the engine open a run; ``found`` or ``failed`` follows. A newer one supersedes it.

        Args:
            folder: of the run.
            origin: of a picture: the run is shown in its panel where that can show it, with its seed and settings.
        """
        self._folder, self._origin = str(Path(folder)), origin
        opened = self._library.opened.get(self._folder)
        if opened is not None:
            self._show(opened.info)
        else:
            self._opening.send(OpenRun(run=self._folder))

    def explore(self, run: str) -> None:
        """Show a run of the library in the panel that its model is for; ``found`` follows.

        That is one that comes ``first`` for it, or is named by its ``first_for``, else the first made for exploring it.
        """
        info = self._library.info(run)
        able = info.capabilities if info is not None else ()
        made = sorted(
            filter(explores, self._places.values()), key=lambda place: (not place.first, place.first_for not in able)
        )
        place = next(
            (p for p in made if info is not None and p.shows is not None and p.shows(self._library, info)), None
        )
        if place is None:
            self.failed.emit(run, "No panel can explore this run: it is not in the library, or has no weights yet.")
        else:
            self.found.emit(place.name, run)

    def choose(self, name: str, run: str) -> None:
        """Show a run in a panel that was built."""
        self._states[name].choose_run(run)

    def set_panel(self, name: str) -> None:
        """Note that a panel, or another page, is in front: the run that it shows is seen there."""
        self._panel = name
        self._note()

    def save(self) -> None:
        """Write the last panels to the settings."""
        self._settings.put(PANEL_OF_RUN, self._panel_of)

    def place_for(self, info: RunInfo) -> Place | None:
        """Return the place of the panel for a run; None when no panel can show it."""
        last = self._places.get(self._panel_of.get(info.run, ""))
        candidates = [*([last] if last is not None else []), *self._places.values()]
        return next((p for p in candidates if p.shows is not None and p.shows(self._library, info)), None)

    def _note(self) -> None:
        state = self._states.get(self._panel)
        if state is not None and state.run:
            self._panel_of.pop(state.run, None)
            self._panel_of[state.run] = self._panel
            while len(self._panel_of) > MAX_REMEMBERED:
                del self._panel_of[next(iter(self._panel_of))]

    def _on_reply(self, event: Event) -> None:
        if isinstance(event, RunOpened):
            self._show(event.info)

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason not in (Reason.ENGINE_GONE, Reason.INTERNAL):  # which the engine's state reports
            self.failed.emit(self._folder, failure.message)

    def _show(self, info: RunInfo) -> None:
        origin, self._origin = self._origin, None
        place = self._place_of(origin, info) or self.place_for(info)
        if place is None:
            self.failed.emit(self._folder, f"No panel can show {info.title}, a run of {info.family_title}.")
            return
        self.found.emit(place.name, info.run)
        if origin is not None and place.name == origin.panel and place.name in self._states:
            try:
                words = restore_settings(place.name, self._states[place.name], origin)
            except ValueError as error:
                self.failed.emit(self._folder, str(error))
            else:
                self.restored.emit(f"As in the picture: {words}" if words else "")

    def _place_of(self, origin: Provenance | None, info: RunInfo) -> Place | None:
        """Return the place of the panel that a picture is from, where it can show the run."""
        place = self._places.get(origin.panel) if origin is not None else None
        return place if place is not None and place.shows is not None and place.shows(self._library, info) else None
