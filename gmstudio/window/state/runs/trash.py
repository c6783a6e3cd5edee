"""State of the view of the trash: the runs in it, to be brought back or deleted."""

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.runs import RestoreRun, RunDescribed
from gmstudio.protocol.runs_trash import EmptyTrash, ListTrash, TrashedRun, TrashListed
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.state import RunsState


class TrashState(QObject):
    """Runs in the trash.

    Args:
        owner: state of the panel.

    Attributes:
        runs: in the trash, newest first; None until they are listed.
        folder: the trash, on the engine's machine.

    Signals:
        changed: ``runs`` or ``busy`` changed.
    """

    changed = Signal()

    def __init__(self, owner: RunsState) -> None:
        super().__init__(owner)
        self._owner = owner
        self.runs: tuple[TrashedRun, ...] | None = None
        self.folder = ""
        self._shown = False
        self._request = Request(owner.link, self)
        self._request.replied.connect(self._on_reply)
        self._request.failed.connect(self._on_failed)
        owner.library.trashed.connect(lambda _event, _title: self._refresh())
        owner.link.on(RunDescribed).connect(self._on_described)

    @property
    def busy(self) -> bool:
        """The trash is being listed or emptied."""
        return self._request.busy

    @property
    def size_bytes(self) -> int:
        """Bytes of all runs in the trash."""
        return sum(run.size_bytes for run in self.runs or ())

    def show(self, shown: bool) -> None:
        """List the trash while it is looked at."""
        self._shown = shown
        self._refresh()

    def restore(self, runs: tuple[TrashedRun, ...]) -> None:
        """Move some runs back into the library."""
        for run in runs:
            request = Request(self._owner.link, self)
            request.failed.connect(self._owner.library.failed)
            for ended in (request.replied, request.failed, request.dropped):
                ended.connect(request.deleteLater)
            request.send(RestoreRun(run=run.run, place=run.place))

    def delete_for_good(self) -> None:
        """Delete the runs that are listed, and no others."""
        if self.runs:
            self._send(EmptyTrash(places=tuple(run.place for run in self.runs)))

    def _refresh(self) -> None:
        if self._shown:
            self._send(ListTrash())

    def _send(self, command: Command) -> None:
        self._request.send(command)
        self.changed.emit()

    def _on_described(self, event: RunDescribed) -> None:
        """List the trash again when a run has come out of it."""
        if any(run.run == event.info.run for run in self.runs or ()):
            self._refresh()

    def _on_reply(self, event: Event) -> None:
        if isinstance(event, TrashListed):
            self.runs, self.folder = event.runs, event.folder
            self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        self._owner.library.failed.emit(failure)
        if isinstance(self._request.command, EmptyTrash):
            self._refresh()
        self.changed.emit()
