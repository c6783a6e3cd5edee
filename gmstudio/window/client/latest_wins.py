"""Latest wins: a slider may move faster than the engine answers, and only the newest position matters."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request


class LatestWins(QObject):
    """One request in flight, one pending; a newer pending request replaces the older.

    Args:
        link: the way to the engine.

    Attributes:
        answered: the command that the last ``replied`` or ``failed`` answers.

    Signals:
        replied: the reply to the request in flight.
        failed: the ``CommandFailed`` that came instead.
    """

    replied = Signal(object)
    failed = Signal(object)

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._request = Request(link, self)
        self._pending: Command | None = None
        self.answered: Command | None = None
        self._request.replied.connect(self._on_reply)
        self._request.failed.connect(self._on_failed)
        self._request.dropped.connect(self._send_pending)

    @property
    def busy(self) -> bool:
        """Whether a request is in flight."""
        return self._request.busy

    def submit(self, command: Command) -> None:
        """Send the command now, or as soon as the one in flight is answered, unless a newer one comes."""
        if self.busy:
            self._pending = command
        else:
            self._request.send(command)

    def reset(self) -> None:
        """Forget what is in flight and pending; a late reply is ignored."""
        self._request.drop()
        self._pending = None

    def _on_reply(self, event: Event) -> None:
        self._send_pending()
        self.replied.emit(event)

    def _on_failed(self, event: CommandFailed) -> None:
        self._send_pending()
        self.failed.emit(event)

    def _send_pending(self) -> None:
        """Send the pending command before the reply is worked on, so that the engine is not kept waiting."""
        self.answered = self._request.command
        pending, self._pending = self._pending, None
        if pending is not None:
            self.submit(pending)
