"""``queue.json`` beside the library: runs that wait to be trained, and the lock of the process that trains them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from filelock import FileLock, Timeout

from gmstudio.protocol.runs_queue import MAX_QUEUED, QueueEntry
from gmstudio.runs.atomic import replace_file
from gmstudio.runs.home import data_home
from gmstudio.runs.record import RunDamagedError, RunError, check_nesting, unwritten
from gmstudio.system.regular_file import regular_size

QUEUE_NAME = "queue.json"
FORMAT = 1
MAX_BYTES = 32 * 1024 * 1024
LOCK_S = 5.0
"""Longest wait for another process that changes the queue, which takes a moment."""


class QueueContent(msgspec.Struct, kw_only=True):
    """Content of ``queue.json``.

    Args:
        format: version of the file.
        stop_at_failure: a failed run pauses the queue.
        entries: in their order.
    """

    format: int = FORMAT
    stop_at_failure: bool = False
    entries: tuple[QueueEntry, ...] = ()


class QueueFile:
    """The queue of a library; several processes may change it.

    Args:
        home: folder of the user's data; None: the usual one.
    """

    def __init__(self, home: Path | None = None) -> None:
        folder = data_home() if home is None else home
        self.path = folder / QUEUE_NAME
        self._lock = FileLock(folder / f".{QUEUE_NAME}.lock")
        self._work = FileLock(folder / f".{QUEUE_NAME}.work")

    def read(self) -> QueueContent:
        """Return the queue; empty where there is none yet.

        Raises:
            RunDamagedError: when the file is damaged, or of a newer version.
            RunError: when it cannot be read.
        """
        try:
            if regular_size(self.path) > MAX_BYTES:
                raise RunDamagedError(f"{self.path} is larger than {MAX_BYTES // 2**20} MiB; move it away.")
            content = msgspec.json.decode(self.path.read_bytes(), type=QueueContent)
            for entry in content.entries:
                for part in (entry.spec.config, entry.spec.data_config, entry.spec.training):
                    check_nesting(part)
        except FileNotFoundError:
            return QueueContent()
        except OSError as error:
            raise RunError(f"{self.path} could not be read ({error.strerror}). Check its permissions.") from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RunDamagedError(
                f"{self.path} is damaged, so the queue cannot be shown. Restore it from a copy, or move it away to "
                "begin an empty queue; no run is lost."
            ) from error
        if content.format > FORMAT:
            raise RunDamagedError(f"{self.path} is of a newer gmstudio (format {content.format}). Install that.")
        return content

    @contextmanager
    def changing(self) -> Iterator[QueueContent]:
        """Read the queue, and write what the block has changed of it, atomically; nothing where the block fails.

        Raises:
            RunError: when it cannot be read or written, or another process holds it.
            ValueError: when it has too many entries.
        """
        with self._locked():
            content = self.read()
            before = msgspec.json.encode(content)
            yield content
            if len(content.entries) > MAX_QUEUED:
                raise ValueError(
                    f"The queue would have {len(content.entries):,} entries; {MAX_QUEUED:,} fit. Clear those that are "
                    "over, or add fewer."
                )
            after = msgspec.json.encode(content)
            if after != before:
                try:
                    replace_file(self.path, msgspec.json.format(after, indent=1) + b"\n")
                except OSError as error:
                    raise unwritten(
                        f"{self.path} could not be written ({error.strerror}). Free some space.", error
                    ) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=LOCK_S)
        except Timeout as error:
            raise RunError(f"{self.path} is held by another process. Try again.") from error
        except OSError as error:
            raise RunError(f"{self.path} could not be locked ({error.strerror}). Check its folder.") from error
        try:
            yield
        finally:
            self._lock.release()

    # ---- the one process that trains the entries -------------------------------------------------------------------

    def take_work(self) -> bool:
        """Become the process that trains the entries, until ``leave_work`` or its end; False: another one does."""
        if self._work.is_locked:
            return True
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._work.acquire(timeout=0)
        except Timeout:
            return False
        except OSError as error:
            raise RunError(f"{self.path} could not be locked ({error.strerror}). Check its folder.") from error
        return True

    def leave_work(self) -> None:
        """Let another process train the entries; harmless where this one does not."""
        self._work.release()
