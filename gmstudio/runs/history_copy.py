"""Copies of histories that another machine writes: SQLite's index of its log is memory that machines do not share.

On a disk that several machines mount (a cluster's), a reader would map ``history.sqlite-shm`` and see the index of its
own machine's cache, or could not make one at all. So the file and its log are copied, and the copy is read: the log's
checksums end it where the other machine was in the midst of writing.

Source: SQLite, Write-Ahead Logging, "All processes using a database must be on the same host computer".
"""

import atexit
import contextlib
import os
import shutil
import tempfile
import threading
from collections import OrderedDict
from pathlib import Path

from gmstudio.runs.lock import holder_of
from gmstudio.runs.record import RunBusyError, RunError

MAX_KEPT = 4
"""Copies that are kept until the original changes."""
MAX_ATTEMPTS = 5
LOG = "-wal"
State = tuple[tuple[int, int, int] | None, ...]

_COPIES: OrderedDict[Path, tuple[State, Path]] = OrderedDict()
_LOCK = threading.Lock()
"""Histories are opened in several threads."""


def needs_copy(path: Path) -> bool:
    """Return whether a history is to be read from a copy.

    That is where another machine writes it, or where it has a log whose index cannot be made in its folder.
    """
    if holder_of(path.parent).is_elsewhere:
        return True
    return Path(f"{path}{LOG}").exists() and not os.access(path.parent, os.W_OK)


def copied_history(path: Path) -> Path:
    """Return a copy of a history with its log, copied again where they have changed.

    Args:
        path: of the history.

    Raises:
        RunBusyError: when the log was written back again and again while it was copied.
        RunError: when it cannot be copied.
    """
    for _ in range(MAX_ATTEMPTS):
        state = _state(path)
        with _LOCK:
            known = _COPIES.get(path)
            if known is not None and known[0] == state:
                _COPIES.move_to_end(path)
                return known[1]
        copy = _copy(path)
        # A log that grew meanwhile does no harm; a file that changed was written from its log and fits it no more.
        if _state(path)[0] == state[0]:
            with _LOCK:
                _keep(path, state, copy)
            return copy
        shutil.rmtree(copy.parent, ignore_errors=True)
    raise RunBusyError(f"{path} is being written by another machine. Try again in a moment.")


def _copy(path: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="gmstudio-history-"))
    copy = folder / path.name
    try:
        shutil.copyfile(path, copy)
        with contextlib.suppress(FileNotFoundError):  # all is in the file
            shutil.copyfile(f"{path}{LOG}", f"{copy}{LOG}")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise RunError(
            f"{path} is written by another machine, so that it is read from a copy, which could not be made "
            f"({error.strerror}). Free some space for temporary files, or check its permissions."
        ) from error
    return copy


def _keep(path: Path, state: State, copy: Path) -> None:
    old = _COPIES.pop(path, None)
    _COPIES[path] = (state, copy)
    gone = [old] if old is not None else []
    while len(_COPIES) > MAX_KEPT:
        gone.append(_COPIES.popitem(last=False)[1])
    for _state_of_it, place in gone:  # one that is being read stays readable where the system allows it
        shutil.rmtree(place.parent, ignore_errors=True)


def _state(path: Path) -> State:
    return tuple(_file_state(Path(f"{path}{suffix}")) for suffix in ("", LOG))


def _file_state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)


@atexit.register
def _remove_all() -> None:
    """Remove all copies at the end of the process."""
    while _COPIES:
        shutil.rmtree(_COPIES.popitem()[1][1].parent, ignore_errors=True)
