"""Exports of a run to files of this machine: made by the engine, which may be on another one, and fetched in pieces."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.runs_exports import (
    ExportForm,
    ExportRun,
    ExportsListed,
    ListExports,
    RunExported,
)
from gmstudio.protocol.runs_files import (
    DropRunFile,
    ExportPrepared,
    FetchPrepared,
    FileProgressed,
    PreparedPiece,
    PrepareExport,
)
from gmstudio.window.client.background_task import Background
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.state import RunsState

MADE = 0.9
"""Share of an export that is done when the engine has made the file."""
REPORT_FORMS = ("report", "report_pdf")


class Wanted(NamedTuple):
    """An export to be made: the run, the form and the place of the file or folder.

    Args:
        like_last: it has the content of the export before it, in another form.
    """

    run: str
    form: ExportForm
    path: Path
    like_last: bool = False


class RunExports(QObject):
    """Exports of the run that is shown in the panel, one after another.

    Args:
        owner: state of the panel.
        lists: the forms are wanted for each run that is shown.

    Attributes:
        forms: in which the run can be exported, and those in which it cannot, with the reason; none before they are
            known.
        busy: exports are being made.
        share: part of the present one that is done, 0 to 1.
        message: what is done, what was written, or why nothing was; a sentence.
        failed: ``message`` is about a failure.

    Signals:
        changed: an attribute changed.
    """

    changed = Signal()

    def __init__(self, owner: RunsState, *, lists: bool = True) -> None:
        super().__init__(owner)
        self._owner, self._link = owner, owner.link
        self.forms: tuple[ExportForm, ...] = ()
        self.share, self.message, self.failed = 0.0, "", False
        self._waiting: list[Wanted] = []
        self._now: Wanted | None = None
        self._prepared: ExportPrepared | None = None
        self._partial = Path()
        self._written: list[Path] = []
        """Files of the export that was made last, in all of its forms."""
        self._last = ""
        """Engine's token of the file that was made last; empty: that failed."""
        self._listing = Request(self._link, self)
        self._listing.replied.connect(self._on_listed)
        self._request = Request(self._link, self)
        self._request.replied.connect(self._on_reply)
        self._request.failed.connect(self._on_refused)
        self._background = Background(self)
        self._background.done.connect(self._on_written)
        self._background.failed.connect(self._fail)
        if lists:
            owner.run_changed.connect(self._on_run_changed)

    @property
    def busy(self) -> bool:
        """Exports are being made."""
        return self._now is not None

    def list_forms(self) -> None:
        """Ask for the forms of the run, unless they are known."""
        if self._owner.run and not self.forms and not self._listing.busy:
            self._listing.send(ListExports(run=self._owner.run))

    def form(self, name: str) -> ExportForm | None:
        """Return the form of a name; None: it is not known."""
        return next((form for form in self.forms if form.name == name), None)

    def refusal(self, form: ExportForm) -> str:
        """Return why the run cannot be exported in a form, a sentence; "": it can."""
        if form.reason or form.suffix or self._link.is_local:
            return form.reason
        return "A folder is written on the engine's machine only: use gmstudio export there."

    def start(self, form: ExportForm, path: str, *, run: str = "", like_last: bool = False) -> None:
        """Export a run, by default the one that is shown; the end of a file's name is completed."""
        target = Path(path)
        if form.suffix and target.suffix.lower() != form.suffix:
            target = target.with_name(f"{target.name}{form.suffix}")
        self._waiting.append(Wanted(run or self._owner.run, form, target, like_last))
        if not self.busy:
            self._next()

    def report(self, path: str) -> None:
        """Write the report of the run in all of its forms, side by side."""
        base = Path(path)
        known = [form for name in REPORT_FORMS if (form := self.form(name)) is not None]
        for number, form in enumerate(known):
            self.start(form, str(base.with_suffix(form.suffix)), like_last=number > 0)

    def stop(self) -> None:
        """End the exports; nothing is left of what was not finished."""
        if self._now is None:
            return
        name, self._waiting = self._now.path.name, []
        self._request.cancel()
        self._background.stop()
        self._release()
        self._say(f"Stopped: {name} was not written.")

    # ---- work -----------------------------------------------------------------------------------------------

    def _next(self) -> None:
        if not self._waiting:
            return
        self._now = wanted = self._waiting.pop(0)
        self.share = 0.0
        if not wanted.like_last:
            self._last, self._written = "", []
        if wanted.form.suffix:
            like = self._last if wanted.like_last else ""
            self._request.send(PrepareExport(run=wanted.run, form=wanted.form.name, like=like))
        else:
            self._request.send(ExportRun(run=wanted.run, form=wanted.form.name, target=str(wanted.path)))
        self._say(f"Making {wanted.path.name} …")

    def _on_reply(self, event: Event) -> None:
        assert self._now is not None
        if isinstance(event, FileProgressed):
            self.share = MADE * event.share
            self.changed.emit()
        elif isinstance(event, ExportPrepared):
            self._prepared, self._last = event, event.export
            self._partial = self._now.path.with_name(f".{event.export[:16]}.partial")
            self._link_next(0)
        elif isinstance(event, PreparedPiece):
            self._background.start(partial(_append, self._partial, event.offset, event.data))
        elif isinstance(event, RunExported):
            self._finish(event.remarks)

    def _link_next(self, offset: int) -> None:
        assert self._prepared is not None
        self._request.send(FetchPrepared(export=self._prepared.export, offset=offset))

    def _on_written(self, result: object) -> None:
        assert self._prepared is not None and self._now is not None
        if result is True:
            self._finish(self._prepared.remarks)
            return
        assert isinstance(result, int)
        self.share = MADE + (1 - MADE) * result / max(self._prepared.size, 1)
        self.changed.emit()
        if result < self._prepared.size:
            self._link_next(result)
        else:
            self._background.start(partial(_put, self._partial, self._now.path))

    def _finish(self, remarks: tuple[str, ...]) -> None:
        assert self._now is not None
        self._written = [*(self._written if self._now.like_last else ()), self._now.path]
        files = " and ".join((str(self._written[0]), *(path.name for path in self._written[1:])))
        text = " ".join((f"Written: {files}", *remarks))
        self._release()
        self._say(text)
        self._next()

    def _on_refused(self, failure: CommandFailed) -> None:
        self._fail(failure.message)

    def _fail(self, message: str) -> None:
        assert self._now is not None
        text = f"{self._now.path.name}: {message}"
        self._release()
        self._say(text, failed=True)
        self._next()

    def _release(self) -> None:
        """Remove what the engine has of an export, and what is here of an unfinished one."""
        prepared, self._prepared, self._now = self._prepared, None, None
        if prepared is not None:
            self._link.send(DropRunFile(file=prepared.export))
            self._partial.unlink(missing_ok=True)

    def _say(self, message: str, *, failed: bool = False) -> None:
        self.message, self.failed = message, failed
        self.changed.emit()

    def _on_listed(self, event: Event) -> None:
        if isinstance(event, ExportsListed) and event.run == self._owner.run:
            self.forms = event.forms
            self.changed.emit()

    def _on_run_changed(self) -> None:
        self.forms = ()
        self.list_forms()
        self.changed.emit()


def _append(path: Path, offset: int, data: bytes, _stopped: Callable[[], bool]) -> int:
    """Write a piece; return the size of the file then."""
    with path.open("wb" if offset == 0 else "r+b") as file:
        file.seek(offset)
        file.write(data)
    return offset + len(data)


def _put(partial_path: Path, path: Path, _stopped: Callable[[], bool]) -> bool:
    partial_path.replace(path)
    return True
