"""Signatures of run folders: a few file times, from which a change is seen without reading the run."""

import os
from pathlib import Path

from gmstudio.runs.checkpoints import CHECKPOINTS_NAME
from gmstudio.runs.description import DESCRIPTION_NAME
from gmstudio.runs.history import HISTORY_NAME
from gmstudio.runs.lock import is_locked
from gmstudio.runs.record import RECORD_NAME, RunError

Signature = tuple[object, ...]


def signature_of(folder: Path, *, unfinished: bool, live: bool = False) -> Signature:
    """Return a value that changes with the run's record, description, checkpoints and history.

    Args:
        folder: of the run.
        unfinished: its record says that it trains, so that the end of its process is a change too.
        live: it trains in this process, which reports each value itself: its history's growth is then no change.
    """
    checkpoints = folder / CHECKPOINTS_NAME
    try:
        kept = tuple(sorted((entry.name, _time(Path(entry.path))) for entry in os.scandir(checkpoints)))
    except OSError:
        kept = ()
    return (
        str(folder),
        _time(folder / RECORD_NAME),
        _time(folder / DESCRIPTION_NAME),
        kept,
        () if live else (_time(folder / HISTORY_NAME), _time(folder / f"{HISTORY_NAME}-wal")),
        unfinished and _has_writer(folder),
    )


def _time(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _has_writer(folder: Path) -> bool:
    try:
        return is_locked(folder)
    except RunError:
        return False
