"""Import of runs from files of this machine: sent in pieces to the engine, which may be on another one."""

import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Event
from gmstudio.protocol.runs_files import (
    PIECE_BYTES,
    DropRunFile,
    FileProgressed,
    ImportSentRun,
    RunFileReceived,
    RunImported,
    SendRunFile,
)
from gmstudio.runs.archive_format import SUFFIX
from gmstudio.system.regular_file import open_regular, regular_size
from gmstudio.window.client.background_task import Background
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.library import RunLibrary

SENT = 0.5
"""Share of an import that is done when the file has arrived."""


@dataclass
class _Upload:
    """File under way.

    Args:
        path: of the file.
        size: in bytes.
        scratch: temporary folder of a file that was packed here; None: the user's own.
        token: identity of the upload.
        begun: a piece was sent.
    """

    path: Path
    size: int
    scratch: "tempfile.TemporaryDirectory[str] | None"
    token: str
    begun: bool = False


class RunImports(QObject):
    """Imports packed runs and run folders into the engine's library, one after the other.

    Args:
        link: connection to the engine.
        library: of the runs; a run that was imported is listed there at once.

    Attributes:
        name: file that is being imported; "": none.

    Signals:
        progressed: name of the file and the share that is done, 0 to 1; negative: it is being packed.
        imported: the ``RunImported``.
        failed: name of the file, and a sentence.
        stopped: name of a file whose import was ended.
    """

    progressed = Signal(str, float)
    imported = Signal(object)
    failed = Signal(str, str)
    stopped = Signal(str)

    def __init__(self, link: EngineLink, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link, self._library = link, library
        self._waiting: list[str] = []
        self._upload: _Upload | None = None
        self.name = ""
        self._background = Background(self)
        self._background.done.connect(self._on_read)
        self._background.failed.connect(self._on_failed)
        self._request = Request(link, self)
        self._request.replied.connect(self._on_reply)
        self._request.failed.connect(lambda failure: self._on_failed(failure.message))

    def add(self, path: str) -> None:
        """Import a packed run or the folder of a run, after those that were added before."""
        self._waiting.append(path)
        if not self.name:
            self._next()

    def stop(self) -> None:
        """End the import under way, and drop those that wait; nothing is left of it in the library."""
        name, self._waiting = self.name, []
        self._background.stop()
        self._request.cancel()
        self._release()
        if name:
            self.stopped.emit(name)

    def _next(self) -> None:
        if not self._waiting:
            return
        path = Path(self._waiting.pop(0))
        self.name = path.name
        self.progressed.emit(self.name, -1.0 if path.suffix.lower() != SUFFIX else 0.0)
        self._background.start(partial(_prepared, path))

    def _on_read(self, result: object) -> None:
        if isinstance(result, _Upload):
            self._upload = result
            self._read(0)
            return
        assert isinstance(result, tuple) and self._upload is not None
        offset, data = result
        self._upload.begun = True
        upload = self._upload
        self._request.send(SendRunFile(upload=upload.token, name=self.name, size=upload.size, offset=offset, data=data))

    def _read(self, offset: int) -> None:
        assert self._upload is not None
        self._background.start(partial(_piece, self._upload.path, offset))

    def _on_reply(self, event: Event) -> None:
        upload = self._upload
        assert upload is not None
        if isinstance(event, RunFileReceived):
            self.progressed.emit(self.name, SENT * event.received / upload.size)
            if upload is not self._upload:
                return  # it was stopped
            if event.received < upload.size:
                self._read(event.received)
            else:
                self._request.send(ImportSentRun(upload=upload.token))
        elif isinstance(event, FileProgressed):
            self.progressed.emit(self.name, SENT + (1 - SENT) * event.share)
        elif isinstance(event, RunImported):
            upload.begun = False  # the engine has removed it
            self._release()
            self._library.refresh()
            self.imported.emit(event)
            self._next()

    def _on_failed(self, message: str) -> None:
        name = self.name
        self._release()
        self.failed.emit(name, message)
        self._next()

    def _release(self) -> None:
        """Remove what was packed here and what the engine has of it."""
        upload, self._upload, self.name = self._upload, None, ""
        if upload is None:
            return
        if upload.scratch is not None:
            upload.scratch.cleanup()
        if upload.begun:
            self._link.send(DropRunFile(file=upload.token))


def _prepared(path: Path, stopped: Callable[[], bool]) -> _Upload:
    """Pack a folder; of a file, find its size."""
    token = uuid.uuid4().hex
    if not path.is_dir():
        size = regular_size(path)
        if not size:
            raise ValueError(f"{path.name} is empty. Get the file again, or export the run again.")
        return _Upload(path, size, None, token)
    from gmstudio.runs.archive import pack_run

    scratch = tempfile.TemporaryDirectory(prefix="gmstudio-import-")
    archive = Path(scratch.name) / f"{path.name}{SUFFIX}"
    try:
        pack_run(path, archive, stopped)
    except BaseException:
        scratch.cleanup()
        raise
    return _Upload(archive, archive.stat().st_size, scratch, token)


def _piece(path: Path, offset: int, _stopped: object) -> tuple[int, bytes]:
    with open_regular(path) as file:
        file.seek(offset)
        data = file.read(PIECE_BYTES)
    if not data:
        raise ValueError(f"{path.name} was changed while it was read. Import it again.")
    return offset, data
