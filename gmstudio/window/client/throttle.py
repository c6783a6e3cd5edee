"""Throttled requests, for decoding in the background of a dragged slider."""

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins

FRAME_MS = 16.0
SLOW_PAUSE_MS = 150


class Throttle(QObject):
    """Sends the newest of the submitted commands at a limited rate; slow ones only after a pause in the submissions.

    Args:
        events: connection to the engine.
        lead_ms: delay of the first command.
        gap_ms: shortest time between two commands.
        share: share of the engine's time that they take at most, approximately.
        parent: owner.

    Attributes:
        answered: the command that the last ``replied`` or ``failed`` answers.

    Signals:
        replied: the ``Decoded``.
        failed: the ``CommandFailed`` in place of a reply.
    """

    replied = Signal(object)
    failed = Signal(object)

    def __init__(
        self, events: EngineLink, *, lead_ms: int, gap_ms: int, share: float, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.answered: Decode | None = None
        self._lead_ms = lead_ms
        self._budget = Budget(share, gap_s=gap_ms / 1000)
        self._pending: Decode | None = None
        self._sent: Decode | None = None
        self._slow = False
        self._latest = LatestWins(events, self)
        self._latest.replied.connect(self._on_replied)
        self._latest.failed.connect(self._on_failed)
        self._gap = QTimer(self, singleShot=True)
        self._gap.timeout.connect(self._send)

    @property
    def idle(self) -> bool:
        """No command is pending or in flight, and no pause is due."""
        return self._pending is None and not self._latest.busy and not self._gap.isActive()

    def submit(self, command: Decode) -> None:
        """Send a command when it is due, unless a newer one is submitted."""
        self._pending = command
        if self._slow:
            self._gap.start(max(SLOW_PAUSE_MS, self._gap.remainingTime()))
        elif not (self._gap.isActive() or self._latest.busy):
            if self._lead_ms:
                self._gap.start(self._lead_ms)
            else:
                self._send()

    def halt(self) -> None:
        """Drop the pending command and the one in flight."""
        self._pending, self._slow = None, False
        self._gap.stop()
        self._latest.reset()

    def _send(self) -> None:
        if self._pending is not None and not self._latest.busy:
            self._sent, self._pending = self._pending, None
            self._latest.submit(self._sent)

    def _start_pause(self, took_ms: float) -> None:
        """Start the pause after a command of this duration."""
        self.answered, self._slow = self._sent, took_ms > FRAME_MS
        self._gap.start(round(1000 * self._budget.end(took_ms / 1000)))

    def _on_replied(self, event: Decoded) -> None:
        self._start_pause(event.engine_ms)
        self.replied.emit(event)

    def _on_failed(self, event: CommandFailed) -> None:
        self._start_pause(0.0)
        self.failed.emit(event)
