"""Decoding in the background of a dragged slider, whose own image goes first."""

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins

FRAME_MS = 16.0
REST_MS = 150


class Throttle(QObject):
    """Sends the newest of the commands, not too often, and slow ones only when no newer comes for a moment.

    Args:
        events: where commands go and replies come from.
        lead_ms: how long the first waits.
        gap_ms: commands are at least so far apart.
        share: they take at most about this share of the engine's time.
        parent: owns it.

    Attributes:
        answered: the command that the last ``replied`` or ``failed`` answers.

    Signals:
        replied: the ``Decoded``.
        failed: the ``CommandFailed`` that came instead.
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
        self._wanted: Decode | None = None
        self._sent: Decode | None = None
        self._slow = False
        self._latest = LatestWins(events, self)
        self._latest.replied.connect(self._on_replied)
        self._latest.failed.connect(self._on_failed)
        self._gap = QTimer(self, singleShot=True)
        self._gap.timeout.connect(self._send)

    @property
    def idle(self) -> bool:
        """Whether the next command would be sent as the first was."""
        return self._wanted is None and not self._latest.busy and not self._gap.isActive()

    def submit(self, command: Decode) -> None:
        """Have it answered in a while, unless a newer one comes."""
        self._wanted = command
        if self._slow:
            self._gap.start(max(REST_MS, self._gap.remainingTime()))
        elif not (self._gap.isActive() or self._latest.busy):
            if self._lead_ms:
                self._gap.start(self._lead_ms)
            else:
                self._send()

    def halt(self) -> None:
        """Wait for nothing."""
        self._wanted, self._slow = None, False
        self._gap.stop()
        self._latest.reset()

    def _send(self) -> None:
        if self._wanted is not None and not self._latest.busy:
            self._sent, self._wanted = self._wanted, None
            self._latest.submit(self._sent)

    def _rest(self, took_ms: float) -> None:
        """Let the engine do other things, though not for the time that others took."""
        self.answered, self._slow = self._sent, took_ms > FRAME_MS
        self._gap.start(round(1000 * self._budget.end(took_ms / 1000)))

    def _on_replied(self, event: Decoded) -> None:
        self._rest(event.engine_ms)
        self.replied.emit(event)

    def _on_failed(self, event: CommandFailed) -> None:
        self._rest(0.0)
        self.failed.emit(event)
