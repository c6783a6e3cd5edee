"""Requests to the engine: matching of commands and their replies."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import DataLoading
from gmstudio.protocol.engine import Cancel, CommandFailed, Reason
from gmstudio.window.client.engine_link import EngineLink

QUIET = (Reason.SUPERSEDED, Reason.CANCELLED)


class Request(QObject):
    """A slot for one command at a time; a newer command supersedes the one in flight, whose replies are dropped.

    A command ends with its last reply, with a failure, or silently when the engine superseded or cancelled it. The end
    of the engine is a failure (``Reason.ENGINE_GONE``), so that every command ends.

    Args:
        link: connection to the engine.

    Attributes:
        command: the newest command, in flight or ended; None before the first.
        loading: ``DataLoading`` of the data that the command in flight waits for; None: it waits for none.

    Signals:
        replied: each reply, an ``Event``; ``busy`` is false already at the last one.
        loading_changed: ``loading`` changed.
        failed: the ``CommandFailed`` in place of a reply.
        dropped: the engine superseded or cancelled the command, which has no further reply.
    """

    replied = Signal(object)
    failed = Signal(object)
    dropped = Signal()
    loading_changed = Signal()

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._number = 0
        self.command: Command | None = None
        self.loading: DataLoading | None = None

    @property
    def busy(self) -> bool:
        """A command is in flight."""
        return self._number != 0

    def send(self, command: Command) -> None:
        """Send a command; the one in flight, if any, is superseded."""
        self.drop()
        self.command = command
        self._number = self._link.send(command, self.deliver)

    def replace(self, command: Command) -> None:
        """Send a command and end the work of the one in flight; a loading that both need goes on."""
        before = self._number
        self.send(command)
        if before:
            self._link.send(Cancel(target=before))

    def cancel(self) -> None:
        """End the work in the engine, and ignore further replies."""
        if self.busy:
            self._link.send(Cancel(target=self._number))
            self.drop()

    def drop(self) -> None:
        """Ignore further replies; the engine may finish the work."""
        self._link.forget(self._number)
        self._number = 0
        self._set_loading(None)

    def deliver(self, event: Event) -> None:
        """Take a reply to the command in flight."""
        if event.ends_request():
            self.end()
        self.announce(event)

    def end(self) -> None:
        """Note that the command in flight has ended."""
        self._number = 0
        self._set_loading(None)

    def announce(self, event: Event) -> None:
        """Emit the signal that belongs to a reply."""
        if isinstance(event, DataLoading):
            self._set_loading(None if event.over else event)
        elif not isinstance(event, CommandFailed):
            self.replied.emit(event)
        elif event.reason in QUIET:
            self.dropped.emit()
        else:
            self.failed.emit(event)

    def _set_loading(self, loading: DataLoading | None) -> None:
        if loading is not self.loading:
            self.loading = loading
            self.loading_changed.emit()
