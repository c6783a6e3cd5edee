"""Copies of runs as new runs of the library."""

import shutil
import uuid
from pathlib import Path

from gmstudio.runs.archive_reading import PREFIX, remove_abandoned
from gmstudio.runs.example_copy import copy_example
from gmstudio.runs.examples import is_example
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import HISTORY_NAME
from gmstudio.runs.library import new_run_path, runs_home
from gmstudio.runs.lock import LOCK_NAME, is_locked
from gmstudio.runs.names import name_of
from gmstudio.runs.record import RunBusyError, RunError, read_record
from gmstudio.runs.trash import refusal

ATTEMPTS = 10
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
    home = runs_home()
    remove_abandoned(home)
    scratch = home / f"{PREFIX}{uuid.uuid4().hex[:12]}"
    made = scratch / "run"  # one level below the library's runs, so that it is not listed before it is whole
    try:
        if is_example(run):
            copy_example(run, made)
        else:
            _copy(run, made)
        _note_origin(made, name_of(run))
        return _in_place(made, home, record.family)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _note_origin(folder: Path, name: str) -> None:
    with RunFolder.open(folder, write=True) as made:
        if (folder / HISTORY_NAME).is_file():
            made.history.log(made.record.step, COPIED, f"Copy of {name}.")
        if made.record.status in ("running", "paused"):
            made.update(status="stopped")


def _in_place(made: Path, home: Path, family: str) -> Path:
    """Move a copy to a new place in the library; another run may take the name meanwhile."""
    for attempt in range(ATTEMPTS):
        place = new_run_path(home, family)
        try:
            made.rename(place)
        except OSError as error:
            if not place.exists() or attempt == ATTEMPTS - 1:
                raise RunError(refusal(made, place, error)) from error
        else:
            return place
    raise AssertionError("the last attempt returns or raises")


def _copy(run: Path, copy: Path) -> None:
    try:
        ignored = shutil.ignore_patterns(LOCK_NAME)
        shutil.copytree(run, copy, symlinks=True, ignore=ignored, copy_function=shutil.copy2)
    except OSError as error:
        raise RunError(
            f"{run} could not be copied to {copy.parent.parent} ({error.strerror or error}). Free some space or check "
            "its permissions."
        ) from error
