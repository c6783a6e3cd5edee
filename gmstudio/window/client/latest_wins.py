"""Latest wins: a slider may move faster than the engine answers, and only the newest position matters."""

from PySide6.QtCore import QObject, SignalInstance
from PySide6.QtCore import Signal as QtSignal

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed
from gmstudio.window.client.engine_client import EngineEvents


class LatestWins(QObject):
    """One request in flight, one pending; a newer pending request replaces the older.

    When the engine dies the client fails the request in flight, so it never waits for an answer that cannot come.

    Args:
        events: where commands go and replies come from.
        reply_signal: the signal of ``events`` that carries the replies, for example ``events.decoded``.

    Attributes:
        answered: the command that the last ``replied`` or ``failed`` answers.

    Signals:
        replied: the reply to the request in flight.
        failed: the ``CommandFailed`` that came instead.
    """

    replied = QtSignal(object)
    failed = QtSignal(object)

    def __init__(self, events: EngineEvents, reply_signal: SignalInstance, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._events = events
        self._in_flight = 0
        self._pending: Command | None = None
        self._sent: Command | None = None
        self.answered: Command | None = None
        reply_signal.connect(self._on_reply)
        events.command_failed.connect(self._on_command_failed)

    @property
    def busy(self) -> bool:
        """Whether a request is in flight."""
        return self._in_flight != 0

    def submit(self, command: Command) -> None:
        """Send the command now, or as soon as the one in flight is answered, unless a newer one comes."""
        if self.busy:
            self._pending = command
        else:
            self._sent = command
            self._in_flight = self._events.send(command)

    def reset(self) -> None:
        """Forget what is in flight and pending; a late reply is ignored."""
        self._in_flight = 0
        self._pending = None

    def _on_reply(self, event: Event) -> None:
        if self.busy and event.request == self._in_flight:
            self._go_on()
            self.replied.emit(event)

    def _on_command_failed(self, event: CommandFailed) -> None:
        if self.busy and event.request == self._in_flight:
            self._go_on()
            self.failed.emit(event)

    def _go_on(self) -> None:
        """Send the pending command before the reply is worked on, so that the engine is not kept waiting."""
        self._in_flight = 0
        self.answered = self._sent
        pending, self._pending = self._pending, None
        if pending is not None:
            self.submit(pending)
