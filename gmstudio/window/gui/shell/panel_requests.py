"""Requests of panels for other panels: exploring a run, setting up a run of a family, showing a panel."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject

from gmstudio.protocol.run_spec import RunSpec
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.places import Place, SetsUpRuns
from gmstudio.window.gui.shell.run_opener import RunOpener
from gmstudio.window.state.studio import Studio

TRAIN = "train"
LATENTS = "latents"


class PanelRequests(QObject):
    """Answers what panels ask of the window.

    Args:
        places: entries of the panels, by name.
        studio: has their states.
        opener: opens runs.
        build_panel: builds a panel unless it is built.
        show_panel: shows a panel.
    """

    def __init__(
        self,
        places: Mapping[str, Place],
        studio: Studio,
        opener: RunOpener,
        build_panel: Callable[[str], None],
        show_panel: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._places, self._studio, self._opener = places, studio, opener
        self._build_panel, self._show_panel = build_panel, show_panel

    def add_panel(self, panel: Panel) -> None:
        """Answer the requests of a panel."""
        panel.run_wanted.connect(self._opener.explore)
        panel.training_wanted.connect(self.set_up_training)
        panel.setup_wanted.connect(self.set_up_run)
        panel.panel_wanted.connect(self.show_panel)
        panel.dimension_wanted.connect(self.show_dimension)

    def show_panel(self, name: str) -> None:
        """Show a panel; a name that no panel has, for example in a text, is ignored."""
        if name in self._places:
            self._show_panel(name)

    def set_up_training(self, family: str) -> None:
        """Choose a family in the panel that sets up runs, and show that panel."""
        for place in self._places.values():
            state = place.state_in(self._studio)
            if isinstance(state, SetsUpRuns):
                self._build_panel(place.name)
                state.set_up(family)
                self._show_panel(place.name)
                return

    def set_up_run(self, spec: RunSpec) -> None:
        """Fill Train with the settings of a run, and show it; one that the engine cannot train is ignored."""
        from gmstudio.window.state.training.state import TrainingState

        self._show_panel(TRAIN)
        setup = self._studio.state(TrainingState).setup
        if setup.knows(spec):
            setup.take(spec)

    def show_dimension(self, run: str, dim: int) -> None:
        """Show a run in Latents, with one of its dimensions as the chosen one."""
        from gmstudio.window.state.latents.state import LatentsState

        self._show_panel(LATENTS)
        self._studio.state(LatentsState).explore_dim(run, dim)
