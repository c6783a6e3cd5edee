"""Continuations of a generation: the engine goes on from where it stands in several ways at once."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.pixels import ContinuePixels, PixelsContinued
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.state.pixels.navigator import PixelNavigator


class PixelContinuations(QObject):
    """Asks for continuations and keeps those that have come so far.

    Attributes:
        found: continuations so far, or None.
        running: whether more of them are on their way.

    Signals:
        changed: ``found`` or ``running``.
        failed: why the engine makes none, a sentence.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, events: EngineLink, navigator: PixelNavigator, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.found: PixelsContinued | None = None
        self.running = False
        self._events = events
        self._navigator = navigator
        self._request = 0
        self._num_started = 0
        events.on(PixelsContinued).connect(self._on_forked)
        events.on(CommandFailed).connect(self._on_failed)

    def start(self, count: int) -> None:
        """Continue from where the navigator stands: the most likely way, and draws, other ones each time."""
        state = self._navigator.state
        if state is None or not self._navigator.usable or state.finished:
            return
        self._navigator.pause()
        self._num_started += 1
        seed = (self._navigator.seed + self._num_started) % (MAX_SEED + 1)
        command = ContinuePixels(
            session=state.session, count=count, seed=seed, temperature=self._navigator.temperature, likeliest=True
        )
        self._request = self._events.send(command)
        self.found, self.running = None, True
        self.changed.emit()

    def clear(self) -> None:
        """Forget them, and those that are on their way."""
        self.found, self.running, self._request = None, False, 0
        self.changed.emit()

    def _on_forked(self, event: PixelsContinued) -> None:
        if event.request and event.request == self._request:
            self.found, self.running = event, not event.done
            self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        if event.request and event.request == self._request:
            self.clear()
            self.failed.emit(event.message)
