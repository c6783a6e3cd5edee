"""A run's folder: the record, the history, the checkpoints and the lock for writing them."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from gmstudio.runs.checkpoints import CheckpointStore
from gmstudio.runs.examples import refuse_change
from gmstudio.runs.history import History
from gmstudio.runs.lock import LOCK_NAME, RunLock
from gmstudio.runs.names import folder_of, name_of
from gmstudio.runs.record import RECORD_NAME, RunError, RunRecord, now_iso, read_record, write_record


class RunFolder:
    """A run on disk, made by ``create`` or ``open``; use it as a context manager or call ``close``.

    Attributes:
        path: the folder.
        name: the run's identity in messages, kept settings and records.
        record: ``run.json`` as last read or written here.
        writable: whether this object holds the run's lock.
        checkpoints: the run's checkpoints.
    """

    def __init__(self, path: Path, record: RunRecord, lock: RunLock | None) -> None:
        self.path = path
        self.name = name_of(path)
        self.record = record
        self.checkpoints = CheckpointStore(path)
        self._lock = lock
        self._history: History | None = None

    @classmethod
    def create(cls, path: Path | str, record: RunRecord) -> Self:
        """Create a run in a new (or empty) folder and hold its lock.

        Raises:
            RunBusyError: when another process is creating a run there.
            RunError: when the folder is not empty or cannot be created.
        """
        path = Path(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            if any(entry.name not in (LOCK_NAME, f".{RECORD_NAME}.writing") for entry in path.iterdir()):
                raise RunError(f"{path} is not empty. Choose a new folder, or resume the run in it.")
        except OSError as error:
            raise RunError(f"{path} cannot be created ({error.strerror}). Choose a folder you may write.") from error
        lock = RunLock(path)
        try:
            if (path / RECORD_NAME).exists():  # another process was quicker
                raise RunError(f"{path} holds a run already. Choose a new folder, or resume the run in it.")
            write_record(path, record)
            run = cls(path, record, lock)
            run._history = History(path, write=True)
        except BaseException:
            lock.release()
            raise
        return run

    @classmethod
    def open(cls, path: Path | str, *, write: bool = False) -> Self:
        """Open a run for reading, or (holding its lock) for writing.

        Args:
            path: its folder, or (as text) its name or an absolute path.
            write: take its lock.

        Raises:
            RunMissingError: when there is no run, or a text is no name of one.
            RunDamagedError: when it is damaged.
            RunBusyError: when it is to be written, and another process is writing it.
            RunError: when its record cannot be read, is of a newer format, or is to be written and is an example.
        """
        path = folder_of(path)
        record = read_record(path)
        if write:
            refuse_change(path)
        lock = RunLock(path) if write else None
        try:
            return cls(path, read_record(path) if write else record, lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    @property
    def writable(self) -> bool:
        """True while this object holds the run's lock."""
        return self._lock is not None

    @property
    def history(self) -> History:
        """The run's history, opened at the first use.

        Raises:
            RunMissingError: when there is none.
            RunDamagedError: when it is damaged.
        """
        if self._history is None:
            self._history = History(self.path, write=self.writable)
        return self._history

    def refresh(self) -> RunRecord:
        """Read ``run.json`` again.

        Raises:
            RunMissingError: when it is gone.
            RunDamagedError: when it is damaged.
        """
        self.record = read_record(self.path)
        return self.record

    def update(self, **changes: Any) -> RunRecord:
        """Change fields of the record, for example ``update(status="paused", step=120)``, and write it atomically.

        Raises:
            RunError: when the run is open for reading only, a value is not allowed, or it cannot be written.
        """
        if not self.writable:
            raise RunError(f"{self.path} is open for reading only. Open the run for writing.")
        changed = msgspec.structs.replace(self.record, **{"updated": now_iso(), **changes})
        try:
            msgspec.convert(msgspec.to_builtins(changed), RunRecord)
        except msgspec.ValidationError as error:
            raise RunError(f"{self.path}: the record cannot be changed like this ({error}).") from error
        write_record(self.path, changed)
        self.record = changed
        return changed

    def close(self) -> None:
        """Close the history and release the lock; harmless when done twice."""
        if self._history is not None:
            self._history.close()
            self._history = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
