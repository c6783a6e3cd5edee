"""One writer for a run: a lock that the operating system takes back when its holder dies."""

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import IO

from gmstudio.runs.record import RunError

LOCK_NAME = "writer.lock"
_TIMEOUT_S = 0.5
_LOCKED_BYTE = 1 << 30  # far behind the text: Windows forbids others to read a locked byte

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes], shared: bool) -> bool:
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _release(file: IO[bytes]) -> None:
        file.seek(_LOCKED_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _try_lock(file: IO[bytes], shared: bool) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _release(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_UN)


class RunLock:
    """The right to write a run, held from construction until ``release``, or until the process ends, however it ends.

    The file stays; the lock is the operating system's, so what a killed engine leaves behind locks nothing.

    Args:
        folder: the run's folder.

    Raises:
        RunError: when another process (or this one) holds it already, or the folder cannot be locked.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_NAME
        try:
            self._file = path.open("r+b" if path.exists() else "w+b")
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
            # ``is_locked`` takes the lock for an instant while it asks; that must not be an error here.
            while not _try_lock(self._file, shared=False):
                if time.monotonic() > deadline:
                    raise RunError(
                        f"{path.parent} is being written by {self._holder()}. Stop that training or choose another run."
                    )
                time.sleep(0.01)
            self._file.seek(0)
            self._file.truncate()
            self._file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
            self._file.flush()
        except OSError as error:
            raise RunError(f"{path} could not be locked ({error.strerror}). Keep runs on a local disk.") from error

    def _holder(self) -> str:
        self._file.seek(0)
        try:
            holder = json.loads(self._file.read(1000))
            return f"process {int(holder['pid'])} on {str(holder['host'])[:100]}"
        except (ValueError, KeyError, TypeError):
            return "another process"

    def release(self) -> None:
        """Let others write the run; harmless when done twice."""
        if not self._file.closed:
            _release(self._file)
            self._file.close()


def is_locked(folder: Path) -> bool:
    """Whether some process is writing the run now.

    Raises:
        RunError: when that cannot be found out.
    """
    path = folder / LOCK_NAME
    try:
        with path.open("rb") as file:
            if not _try_lock(file, shared=True):
                return True
            _release(file)
            return False
    except FileNotFoundError:
        return False
    except OSError as error:
        raise RunError(f"{path} could not be looked at ({error.strerror}). Mend its rights.") from error
