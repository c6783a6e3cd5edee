"""One writer for a run: a lock of the operating system, released when its holder ends, even if it is killed."""

import json
import os
import socket
import time
from pathlib import Path
from typing import IO, NamedTuple

from filelock import lock_descriptor, unlock_descriptor

from gmstudio.protocol.plain_text import plain_text
from gmstudio.runs.record import NO_SPACE, RunBusyError, RunError, unwritten

LOCK_NAME = "writer.lock"
MAX_HOST = 100
QUIET_S = 60.0
"""Time without a write after which a process of another machine, whose lock is not seen, has ended."""
_TIMEOUT_S = 0.5
_PROBES = 3
_PROBE_INTERVAL_S = 0.005
_HOLDER_START = 1
"""Offset of the holder's description: on Windows no other process can read the locked byte, which is the first."""


class RunLock:
    """The right to write a run, held from construction until ``release``, or until the process ends.

    The file stays. Its content only names the holder in messages; the lock itself is the operating system's, so the
    file of a killed engine locks nothing, even where another process has the same number by now.

    Args:
        folder: the run's folder.

    Raises:
        RunBusyError: when another process (or this one) holds it already.
        RunError: when the folder cannot be locked.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_NAME
        try:
            # Unbuffered: what a full disk refused must not be written again when the file is closed.
            self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)
        except OSError as error:
            raise RunError(f"{path} could not be opened ({error.strerror}). Choose a folder you may write.") from error
        try:
            self._acquire(path)
        except BaseException:
            self._file.close()
            raise

    def _acquire(self, path: Path) -> None:
        deadline = time.monotonic() + _TIMEOUT_S
        try:
            while not _try_lock(self._file):  # ``is_locked`` holds the lock for an instant, which is no error
                if time.monotonic() > deadline:
                    raise RunBusyError(
                        f"{path.parent} is being written by {self._holder()}. Stop that training or choose another run."
                    )
                time.sleep(0.01)
            self._file.seek(0)
            self._file.truncate()
            holder = json.dumps({"pid": os.getpid(), "host": socket.gethostname()})
            self._file.write(b" " * _HOLDER_START + holder.encode())
        except OSError as error:
            if error.errno in NO_SPACE:
                raise unwritten(f"{path} could not be written ({error.strerror}). Free some space.", error) from error
            raise RunError(f"{path} could not be locked ({error.strerror}). Keep runs on a local disk.") from error

    def _holder(self) -> str:
        self._file.seek(_HOLDER_START)
        return _parsed(self._file.read(1000)).words

    def release(self) -> None:
        """Let others write the run; harmless when done twice."""
        if not self._file.closed:
            unlock_descriptor(self._file.fileno())
            self._file.close()


class Holder(NamedTuple):
    """Process that took a lock last, as its file says.

    Args:
        pid: number of the process; 0: unknown.
        host: name of its machine; empty: unknown.
    """

    pid: int = 0
    host: str = ""

    @property
    def words(self) -> str:
        """Description for people."""
        return f"process {self.pid} on {self.host}" if self.pid else "another process"

    @property
    def is_elsewhere(self) -> bool:
        """Return whether it ran on another machine, which shares the disk."""
        return self.host not in ("", socket.gethostname())


def holder_of(folder: Path) -> Holder:
    """Return the process that took the lock of a run last, whether or not it holds it still."""
    try:
        with (folder / LOCK_NAME).open("rb") as file:
            file.seek(_HOLDER_START)
            return _parsed(file.read(1000))
    except OSError:  # never locked, not readable, or (on Windows) not beside its holder
        return Holder()


def _parsed(content: bytes) -> Holder:
    try:
        holder = json.loads(content)
        return Holder(int(holder["pid"]), plain_text(str(holder["host"]), MAX_HOST))
    except (ValueError, KeyError, TypeError, RecursionError):
        return Holder()


def writer_of(folder: Path, written_s: float) -> str:
    """Return who is writing a run now, for people; empty: nobody.

    The locks of some shared disks are not seen by other machines. There, a history that was written a moment ago by
    a process of another machine shows that it still trains.

    Args:
        folder: of the run.
        written_s: time of the last writing, in seconds of ``time.time``; the clocks of machines that share a disk
            differ little.

    Raises:
        RunError: when that cannot be found out.
    """
    holder = holder_of(folder)
    if is_locked(folder) or (holder.is_elsewhere and abs(time.time() - written_s) < QUIET_S):
        return holder.words
    return ""


def is_locked(folder: Path) -> bool:
    """Test whether some process is writing the run now.

    The library's lock cannot be shared, so the test takes it for an instant; another process that tests at the same
    instant is distinguished from a writer by trying again.

    Raises:
        RunError: when that cannot be found out.
    """
    path = folder / LOCK_NAME
    try:
        # Over NFS an exclusive lock needs a file that is open for writing; elsewhere a readable one is enough.
        with path.open("r+b" if os.access(path, os.W_OK) else "rb") as file:
            for probe in range(_PROBES):
                if probe:
                    time.sleep(_PROBE_INTERVAL_S)
                if _try_lock(file):
                    unlock_descriptor(file.fileno())
                    return False
            return True
    except FileNotFoundError:
        return False
    except OSError as error:
        raise RunError(f"{path} could not be tested for a writer ({error.strerror}). Check its permissions.") from error


def _try_lock(file: IO[bytes]) -> bool:
    return lock_descriptor(file.fileno(), blocking=False)
