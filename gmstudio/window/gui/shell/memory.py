"""Memory of the window from one start to the next: runs on display, states of the panels, and their controls."""

from collections.abc import Sequence
from functools import partial
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QObject, QTimer

from gmstudio.window.gui.control_values import control_value, is_set, set_control_value
from gmstudio.window.gui.panel import Control, Panel
from gmstudio.window.gui.places import Place, RunState
from gmstudio.window.gui.shell.settings import CHECKPOINTS, CONTROLS, RUN_OF_PANEL, STATES, Values, WindowSettings
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.turns import MANY


@runtime_checkable
class KeepsChoices(Protocol):
    """State of a panel with choices that outlive the window."""

    def choices(self) -> Values:
        """Choices as JSON values."""

    def restore_choices(self, values: Values) -> None:
        """Take choices that were kept, perhaps by another version."""


class WindowMemory(QObject):
    """Restores what the window showed when it was closed last, and saves it.

    Args:
        library: runs that the panels can show.
        places: the panels.
        settings: file in which it is kept.
    """

    def __init__(self, library: RunLibrary, places: Sequence[Place], settings: WindowSettings, parent: QObject) -> None:
        super().__init__(parent)
        self._library = library
        self._settings = settings
        self._places = {place.name: place for place in places}
        self._states: dict[str, object] = {}
        self._panels: dict[str, Panel] = {}
        self._runs_due: set[str] = {place.name for place in places if place.shows is not None}
        self._controls = settings.get(CONTROLS).copy()
        self._library.changed.connect(self._restore_runs_later)
        library.checkpoints.restore(settings.get(CHECKPOINTS))
        if library.home:
            library.checkpoints.choose_due()

    def add_state(self, name: str, state: object) -> None:
        """Restore the choices of the state of a panel that is about to be built."""
        self._states[name] = state
        kept = self._settings.get(STATES)
        if name in kept and isinstance(state, KeepsChoices):
            state.restore_choices(kept[name])

    def add_panel(self, panel: Panel) -> None:
        """Restore the controls and the run of a panel that was built."""
        self._panels[panel.name] = panel
        # Later, as a page that adds a control is not connected to it yet; and before the controls are restored, among
        # which are tabs that build the page that was open.
        panel.control_remembered.connect(
            lambda control: QTimer.singleShot(0, panel, partial(self._restore_control, control))
        )
        for control in panel.remembered:
            self._restore_control(control)
        self._restore_runs_later()

    def save(self) -> None:
        """Write everything to the settings; what was not shown this time stays as it was."""
        runs = {name: state.run for name, state in self._states.items() if isinstance(state, RunState) and state.run}
        self._settings.put(RUN_OF_PANEL, self._settings.get(RUN_OF_PANEL) | runs)
        self._settings.put(CHECKPOINTS, self._library.checkpoints.to_keep)
        states = {name: state.choices() for name, state in self._states.items() if isinstance(state, KeepsChoices)}
        self._settings.put(STATES, self._settings.get(STATES) | states)
        for panel in self._panels.values():
            for control in filter(is_set, panel.remembered):
                self._controls[control.objectName()] = control_value(control)
        self._settings.put(CONTROLS, self._controls)

    def _restore_runs_later(self) -> None:
        """After the run choosers of the panels, which at the same signal choose the newest run."""
        if self._runs_due and self._library.home:
            QTimer.singleShot(0, self, self._restore_runs)

    def _restore_runs(self) -> None:
        """Show in each panel the run that it showed last; where it shows none, the newest that it can show."""
        if self._library.turns.waiting:
            self._restore_runs_later()
            return
        remembered = self._settings.get(RUN_OF_PANEL)
        for name in self._runs_due & set(self._panels):
            self._runs_due.discard(name)
            place, state = self._places[name], self._states[name]
            assert place.shows is not None and isinstance(state, RunState)
            if self._library.live:
                continue  # the panel shows what is in training
            known = self._library.info(remembered.get(name, ""))
            if known is not None and place.shows(self._library, known):
                state.choose_run(known.run)
            elif not state.run:
                shown = (info.run for info in self._library.runs if place.shows(self._library, info))
                first = next(shown, "")
                if first:
                    state.choose_run(first)
            if len(self._library.runs) >= MANY:  # what follows a choice takes long
                self._restore_runs_later()
                return

    def _restore_control(self, control: Control) -> None:
        if control.objectName() in self._controls:
            set_control_value(control, self._controls[control.objectName()])
