"""Continuations of a generation, which the engine samples together from its current position."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.pixels import ContinuePixels, PixelsContinued
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.pixels.navigator import PixelNavigator


class PixelContinuations(QObject):
    """Samples continuations and keeps those that have come so far.

    Attributes:
        sampled: continuations so far, or None.

    Signals:
        changed: ``sampled`` or ``running``.
        failed: why the engine samples none, a sentence.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, link: EngineLink, navigator: PixelNavigator, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sampled: PixelsContinued | None = None
        self._navigator = navigator
        self._num_started = 0
        self._request = Request(link, self)
        self._request.replied.connect(self._on_continued)
        self._request.failed.connect(self._on_failed)

    @property
    def running(self) -> bool:
        """More of them are expected."""
        return self._request.busy

    def start(self, count: int) -> None:
        """Continue from the current position: with the most likely values, and with draws, new ones each time."""
        state = self._navigator.state
        if state is None or not self._navigator.usable or state.finished:
            return
        self._navigator.pause()
        self._num_started += 1
        seed = (self._navigator.seed + self._num_started) % (MAX_SEED + 1)
        command = ContinuePixels(
            session=state.session, count=count, seed=seed, temperature=self._navigator.temperature, greedy_first=True
        )
        self._request.send(command)
        self.sampled = None
        self.changed.emit()

    def clear(self) -> None:
        """Drop them and end the engine's work on more."""
        self._request.cancel()
        self.sampled = None
        self.changed.emit()

    def lose(self) -> None:
        """Drop unfinished ones, which the engine that is gone cannot complete."""
        if self.running:
            self._request.drop()
            self.sampled = None
            self.changed.emit()

    def _on_continued(self, event: PixelsContinued) -> None:
        self.sampled = event
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self.sampled = None
        self.changed.emit()
        self.failed.emit(failure.message)
