"""SQLite's errors about a history, as errors with a sentence."""

import sqlite3
from pathlib import Path

from gmstudio.runs.record import DiskFullError, RunBusyError, RunDamagedError, RunError


def run_error(path: Path, error: sqlite3.Error | UnicodeDecodeError) -> RunError:
    """Return the error that says what is wrong with the history at a path, and what to do."""
    code = getattr(error, "sqlite_errorname", "") or ""
    if code.startswith("SQLITE_FULL"):
        return DiskFullError(f"{path} could not be written: the disk is full. Free some space.")
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return RunBusyError(f"{path} is in use by another program. Close that program and try again.")
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_IOERR")):
        return RunError(
            f"{path} could not be opened, read or written ({error}). Check the folder's permissions and the disk."
        )
    return RunDamagedError(
        f"{path} is damaged ({error}). Restore it from a copy, or move it away to continue with an empty history."
    )
