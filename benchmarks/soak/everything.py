"""Each panel, family, form of export and action of a soak once, none of it left to chance."""

from collections.abc import Iterator

from benchmarks.soak.actions import FAMILIES, LONG_S, SLIDER, Actions
from gmstudio.window.gui.places import PLACES
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.run_exports import RunExports
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.studio import Studio
from gmstudio.window.state.training.state import TrainingState

PANEL_S, ONCE_S, TRAINED_S, EXPORT_S = 3.0, 0.5, 8.0, 4.0
"""Time for each panel, action, training and export."""
PLAYED, PLAYED_HZ = 8, 1000.0
"""Generations played of each run, and their speed: some hundred pixels, and the seconds that compiling takes."""


class Everything:
    """A tour of every panel, family, form of export and action.

    Args:
        window: the window.
        studio: its state.
        actions: of the soak.
    """

    def __init__(self, window: MainWindow, studio: Studio, actions: Actions) -> None:
        self._window, self._studio, self._actions = window, studio, actions

    def use(self) -> Iterator[tuple[str, float]]:
        """Go through all of it.

        Yields:
            What was begun, and the seconds that it may take before the next.
        """
        training = self._studio.state(TrainingState)
        for place in PLACES:
            self._window.show_panel(place.name)
            yield f"panel {place.name}", PANEL_S
        for family in FAMILIES:
            training.stop()
            yield "stop", ONCE_S
            self._actions.train(family)
            yield f"train {family}", TRAINED_S
            for name in ("drag a slider", "drag a slider", "time travel"):
                self._actions.do(name)
                yield name, ONCE_S
            yield from self._play_pixels(family)
        training.stop()
        yield "stop", ONCE_S
        for family in FAMILIES:  # none can be exported in all forms, and what a form needs depends on it
            yield from self._export_in_every_form(family)
        for name in self._actions.names:
            self._actions.do(name)
            yield name, LONG_S if name == SLIDER else ONCE_S

    def _play_pixels(self, family: str) -> Iterator[tuple[str, float]]:
        """Generate images of a family's run until its pixel steps are compiled, where they can be."""
        run = self._run_of(family, "pixel_session")
        if not run:
            return
        self._window.show_panel("pixels")
        pixels = self._studio.state(PixelsState)
        pixels.choose_run(run)
        yield f"open pixels of {family}", PANEL_S
        pixels.navigator.set_speed(PLAYED_HZ)
        for _ in range(PLAYED):
            pixels.navigator.play()
            yield f"play pixels of {family}", PANEL_S

    def _export_in_every_form(self, family: str) -> Iterator[tuple[str, float]]:
        library = self._studio.state(RunsState)
        exports = library.page(RunExports)
        library.choose_run(self._run_of(family))
        exports.list_forms()
        yield f"list the exports of {family}", EXPORT_S
        for form in exports.forms:
            if self._actions.export_as(form):
                yield f"export as {form.name}", ONCE_S
                while exports.busy:
                    yield f"export as {form.name}", ONCE_S

    def _run_of(self, family: str, capability: str = "") -> str:
        """The newest run of a family; empty: there is none."""
        return next((info.run for info in self._actions.runs(capability) if info.spec.family == family), "")
