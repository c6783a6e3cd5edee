"""Links between panels: dropped data sets to Data, dropped weights to Runs, and data sets from Data to Train."""

from collections.abc import Callable

from PySide6.QtCore import QObject

from gmstudio.protocol.run_spec import RunSpec
from gmstudio.window.state.studio import Studio

DATA, RUNS, TRAIN = "data", "runs", "train"
QUEUE = "queue"
"""Page of the Runs panel."""


class DataLink(QObject):
    """Imports dropped data sets, and sets Train up with the data set that is open.

    Args:
        studio: holds the states.
        show_panel: shows a panel by its name, built if it is not.
    """

    def __init__(self, studio: Studio, show_panel: Callable[[str], None], parent: QObject) -> None:
        super().__init__(parent)
        self._studio, self._show_panel = studio, show_panel

    def add_state(self, name: str, state: object) -> None:
        """Connect the state of the Data panel when it is created."""
        if name == DATA:
            from gmstudio.window.state.data.state import DataState

            assert isinstance(state, DataState)
            state.train_wanted.connect(self._train_on)
        elif name == RUNS:
            from gmstudio.window.state.runs.state import RunsState

            assert isinstance(state, RunsState)
            state.next_spec = self._next_spec

    def show_queue(self) -> None:
        """Show the queue of runs."""
        from gmstudio.window.state.runs.state import RunsState

        self._show_panel(RUNS)
        self._studio.state(RunsState).page_wanted.emit(QUEUE)

    def _next_spec(self) -> RunSpec | None:
        """Return the settings that the next run has in Train."""
        from gmstudio.window.state.training.state import TrainingState

        setup = self._studio.state(TrainingState).setup
        return setup.spec if setup.entry is not None else None

    def import_files(self, path: str) -> None:
        """Show the import of files."""
        from gmstudio.window.state.data.state import DataState

        self._show_panel(DATA)
        self._studio.state(DataState).import_files(path)

    def import_weights(self, path: str) -> None:
        """Show the import of a file of weights."""
        from gmstudio.window.state.runs.state import RunsState
        from gmstudio.window.state.runs.weights import PAGE, WeightsState

        self._show_panel(RUNS)
        runs = self._studio.state(RunsState)
        runs.page_wanted.emit(PAGE)
        runs.page(WeightsState).choose_file(path)

    def _train_on(self, data: str, config: object) -> None:
        from gmstudio.window.state.training.state import TrainingState

        assert isinstance(config, dict)
        self._show_panel(TRAIN)
        self._studio.state(TrainingState).setup.take_data(data, config)
