"""A history whose file is deleted or replaced while it is open for writing, put back in its place.

The system keeps a deleted file as long as somebody has it open, so that all of its content can still be read: it is
copied to a new file, and what stands in its place meanwhile is kept under another name.
"""

import contextlib
import sqlite3
import time
from pathlib import Path

from gmstudio.runs.record import RunError, unwritten

HISTORY_NAME = "history.sqlite"
Identity = tuple[int, int]
"""Device and number of a file on it."""


def identity_of(path: Path) -> Identity | None:
    """Return the identity of the file at a path; None: there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def put_back(database: sqlite3.Connection, path: Path) -> str:
    """Write the content of an open database whose file is gone to its place; the connection is closed then.

    Args:
        database: the connection, outside a transaction; it stays open when this fails.
        path: where its file was.

    Returns:
        A sentence on what was done.

    Raises:
        RunError: when the file cannot be written, for example because its folder is gone.
        sqlite3.Error: when the content cannot be copied.
    """
    if not path.parent.is_dir():
        raise RunError(f"{path.parent} is gone. Put the folder back to train on, or stop the training.")
    made = path.with_name(f".{path.name}.new")
    try:
        made.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(made)) as copy:
            database.backup(copy)
        database.close()
        other = ""
        if path.exists():
            kept = path.with_name(f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
            path.replace(kept)
            other = f" The file that was in its place is {kept.name} now."
        for suffix in ("-wal", "-shm"):  # those of the deleted file, or of the other one, belong to no file any more
            path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
        made.replace(path)
    except OSError as error:
        raise unwritten(
            f"{path} was deleted or replaced, and no new file could be written in its place", error
        ) from error
    return (
        f"{path.name} was deleted or replaced while the run was open for training; a new file was put in its place "
        f"with all that it held.{other}"
    )


def written_s(folder: Path) -> float:
    """Time of the last writing of a run's history, in seconds of ``time.time``; 0 where there is none."""
    return max((_modified_s(folder / name) for name in (HISTORY_NAME, f"{HISTORY_NAME}-wal")), default=0.0)


def _modified_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
