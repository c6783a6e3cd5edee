"""Copies of runs as new runs of the library."""

import shutil
from pathlib import Path

from gmstudio.runs.example_copy import copy_example
from gmstudio.runs.examples import is_example
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import HISTORY_NAME
from gmstudio.runs.library import new_run_path, runs_home
from gmstudio.runs.lock import LOCK_NAME, is_locked
from gmstudio.runs.names import name_of
from gmstudio.runs.record import RunBusyError, RunError, read_record

COPIED = "copied"
"""Kind of the event in a copy's log."""


def duplicate_run(run: Path) -> Path:
    """Copy a run, or an example, into a new folder of the library, and note in the copy's log what it is of.

    Returns:
        The copy.

    Raises:
        RunMissingError: when there is no such run.
        RunBusyError: when a process is training it, so that its files change meanwhile.
        RunError: when it cannot be copied; nothing is left of the copy then.
    """
    record = read_record(run)
    if is_locked(run):
        raise RunBusyError(f"{run} is in training. Pause and stop it before copying it, or branch from a checkpoint.")
    copy = new_run_path(runs_home(), record.family)
    if is_example(run):
        copy_example(run, copy)
    else:
        _copy(run, copy)
    with RunFolder.open(copy, write=True) as made:
        if (copy / HISTORY_NAME).is_file():
            made.history.log(made.record.step, COPIED, f"Copy of {name_of(run)}.")
        if made.record.status in ("running", "paused"):
            made.update(status="stopped")
    return copy


def _copy(run: Path, copy: Path) -> None:
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(run, copy, symlinks=True, ignore=shutil.ignore_patterns(LOCK_NAME), copy_function=shutil.copy2)
    except OSError as error:
        shutil.rmtree(copy, ignore_errors=True)
        raise RunError(
            f"{run} could not be copied to {copy} ({error.strerror or error}). Free some space or check its "
            "permissions."
        ) from error
