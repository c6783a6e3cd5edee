"""Changes of an open laboratory on their way to the engine: of each input the newest wins, and none is lost."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Event
from gmstudio.protocol.labs import ConfigureLab, EditLab
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request

Change = ConfigureLab | EditLab


class ChangeQueue(QObject):
    """One change in flight; for the settings and for each input at most one that waits.

    Args:
        link: connection to the engine.

    Attributes:
        answered: change that the last ``replied`` or ``failed`` answers.

    Signals:
        replied: each reply, an ``Event``.
        failed: the ``CommandFailed`` in place of a reply.
    """

    replied = Signal(object)
    failed = Signal(object)

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[str, Change] = {}
        self.answered: Change | None = None
        self._request = Request(link, self)
        self._request.replied.connect(self._on_replied)
        self._request.failed.connect(self._on_failed)
        self._request.dropped.connect(self._send_next)

    @property
    def busy(self) -> bool:
        """A change is in flight, or waits."""
        return self._request.busy or bool(self._waiting)

    def concerns(self, name: str) -> bool:
        """Return whether a change of an input, or of the settings (""), is in flight or waits."""
        in_flight = self._request.command if self._request.busy else None
        return name in self._waiting or (in_flight is not None and _kind(in_flight) == name)

    def submit(self, change: Change) -> None:
        """Send a change now, or after the one in flight; a newer one of its kind replaces it while it waits."""
        self._waiting[_kind(change)] = change
        if not self._request.busy:
            self._send_next()

    def reset(self) -> None:
        """Drop everything; a late reply is ignored."""
        self._waiting.clear()
        self._request.drop()

    def _send_next(self) -> None:
        if self._waiting:
            self._request.send(self._waiting.pop(next(iter(self._waiting))))

    def _on_replied(self, event: Event) -> None:
        self._end(event, failed=False)

    def _on_failed(self, event: Event) -> None:
        self._end(event, failed=True)

    def _end(self, event: Event, *, failed: bool) -> None:
        """Announce a reply; the next change is sent first, so that the engine does not idle."""
        command = self._request.command
        assert isinstance(command, ConfigureLab | EditLab)
        self.answered = command
        self._send_next()
        (self.failed if failed else self.replied).emit(event)


def _kind(change: object) -> str:
    """Name of the input; empty for the settings."""
    return change.input if isinstance(change, EditLab) else ""
