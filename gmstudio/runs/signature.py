"""Signatures of run folders: a few file times, from which a change is seen without reading the run."""

import os
from pathlib import Path

from gmstudio.runs.checkpoints import CHECKPOINTS_NAME
from gmstudio.runs.description import DESCRIPTION_NAME
from gmstudio.runs.history import HISTORY_NAME
from gmstudio.runs.lock import is_locked
from gmstudio.runs.record import RECORD_NAME, RunError

Signature = tuple[object, ...]
_stat = os.stat
"""Called for several files of each of thousands of runs, where making paths takes longer than the call."""


def signature_of(folder: Path | str, *, unfinished: bool, live: bool = False) -> Signature:
    """Return a value that changes with the run's record, description, checkpoints and history.

    It holds whole numbers, texts and tuples of them, and does not change when the run is moved.

    Args:
        folder: of the run.
        unfinished: its record says that it trains, so that the end of its process is a change too.
        live: it trains in this process, which reports each value itself: its history's growth is then no change.
    """
    return (*_file_times(os.fspath(folder), live=live), unfinished and _has_writer(Path(folder)))


def signatures_of(folder: Path | str, *, live: bool = False) -> tuple[Signature, Signature]:
    """Return the signatures that a run has if its record says that it is finished, and if it says that it trains.

    A run that is read is signed before, when nothing is known of its record yet.
    """
    times = _file_times(os.fspath(folder), live=live)
    return (*times, False), (*times, _has_writer(Path(folder)))


def _file_times(place: str, *, live: bool) -> Signature:
    try:
        with os.scandir(f"{place}/{CHECKPOINTS_NAME}") as entries:
            kept = tuple(sorted((entry.name, _time(entry.path)) for entry in entries))
    except OSError:
        kept = ()
    history = f"{place}/{HISTORY_NAME}"
    return (
        _time(f"{place}/{RECORD_NAME}"),
        _time(f"{place}/{DESCRIPTION_NAME}"),
        kept,
        () if live else (_time(history), _log_time(f"{history}-wal")),
    )


def quick_signature(folder: str) -> int:
    """Return a value that changes when a file of a finished run is replaced, added or removed; from two file times.

    Files that are replaced under their name, as all of gmstudio's are, change the time of their folder. A history that
    grows, a file that another program writes in its place, or a checkpoint that is marked, does not.
    """
    return hash((_changed_ns(folder), _changed_ns(f"{folder}/{CHECKPOINTS_NAME}")))


def _changed_ns(path: str) -> int:
    try:
        return _stat(path).st_mtime_ns
    except OSError:
        return 0


def _time(path: str) -> tuple[int, int, int]:
    """Time, size and number of a file; zeros where it cannot be read."""
    try:
        stat = _stat(path)
    except OSError:
        return (0, 0, 0)
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _log_time(path: str) -> tuple[int, int, int]:
    """Time, size and number of a write-ahead log; zeros for an empty one, which readers make and remove."""
    found = _time(path)
    return found if found[1] else (0, 0, 0)


def _has_writer(folder: Path) -> bool:
    try:
        return is_locked(folder)
    except RunError:
        return False
