"""Newest weights of the selected run: their training step, and their use as they come while it trains."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import EngineReported
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.runs.library import RunLibrary


class NewestWeights(QObject):
    """Weights of the run's training, or of its last checkpoint.

    Args:
        events: link to the engine.
        library: has the run.
        navigator: of the generation that uses weights of the run.
        run: returns the path of the run, or "".

    Attributes:
        following: newer weights are used by themselves while the run trains.

    Signals:
        changed: the run in training made steps, or ``following``.
        wanted: newer weights are to be used now.
    """

    changed = Signal()
    wanted = Signal()

    def __init__(
        self,
        events: EngineLink,
        library: RunLibrary,
        navigator: PixelNavigator,
        run: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.following = False
        self._library, self._navigator, self._run = library, navigator, run
        self._live_step = -1
        events.on(EngineReported).connect(self._on_reported)

    @property
    def step(self) -> int:
        """Their training step, or that of the chosen checkpoint; −1 when unknown."""
        run = self._run()
        if run in self._library.checkpoints.steps:
            return self._library.checkpoints.steps[run]
        if run and run == self._library.live:
            return self._live_step
        info = self._library.info(run)
        return max(info.checkpoint_steps, default=-1) if info is not None else -1

    @property
    def are_newer(self) -> bool:
        """The run was trained beyond the weights in use."""
        state = self._navigator.state
        return state is not None and self.step > state.weights_step

    def set_following(self, following: bool) -> None:
        """Use newer weights by themselves, about twice a second, while nothing else moves; or stop that."""
        self.following = following
        self._follow()

    def _on_reported(self, event: EngineReported) -> None:
        if event.state in ("training", "paused") and event.step != self._live_step:
            self._live_step = event.step
            self._follow()

    def _follow(self) -> None:
        navigator = self._navigator
        idle = navigator.usable and not (navigator.busy or navigator.playing or navigator.finishing)
        if self.following and idle and self.are_newer:
            self.wanted.emit()
        self.changed.emit()
