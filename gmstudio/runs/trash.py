"""The trash of the library: a folder beside it, into which runs are moved and from which they can be restored."""

import errno
import re
import shutil
from pathlib import Path

from gmstudio.protocol.plain_text import is_encodable
from gmstudio.runs.examples import refuse_change
from gmstudio.runs.library import runs_home
from gmstudio.runs.lock import is_locked
from gmstudio.runs.record import RECORD_NAME, RunBusyError, RunError, RunMissingError

TRASH_NAME = "trash"


def trash_home() -> Path:
    """Folder of the runs in the trash: ``trash`` beside the library.

    Raises:
        RunError: when the library's place is unknown.
    """
    return runs_home().parent / TRASH_NAME


def move_to_trash(run: Path) -> Path:
    """Move a run's folder into the trash, whole and at once.

    Returns:
        Its new place.

    Raises:
        RunMissingError: when there is no such folder.
        RunBusyError: when a process is training it.
        RunError: when it is an example or cannot be moved; it then stays where it is.
    """
    refuse_change(run)
    if not run.is_dir():
        raise RunMissingError(f"{run} is gone already. Refresh the list of runs.")
    if run.resolve().parent != runs_home().resolve() and not (run / RECORD_NAME).is_file():
        raise RunError(f"{run} is no run: it lies outside the library and has no {RECORD_NAME}. It was not moved.")
    if is_locked(run):
        raise RunBusyError(f"{run} is in training. Stop its training before moving it to the trash.")
    trash = trash_home()
    try:
        trash.mkdir(parents=True, exist_ok=True)
        place = free_place(trash, run.name)
        run.rename(place)
    except OSError as error:
        raise RunError(refusal(run, trash, error)) from error
    return place


def restore_from_trash(place: Path, run: Path) -> None:
    """Move a run back from the trash.

    Args:
        place: where it is in the trash.
        run: where it was.

    Raises:
        RunError: when it is not in the trash, its former place is taken, or it cannot be moved.
    """
    if not _is_in_trash(place) or not place.is_dir():
        raise RunError(f"{place} is not in the trash {trash_home()}; it may have been restored or deleted already.")
    if run.exists():
        raise RunError(f"{run} exists again, so the run in the trash cannot take its place. Move {place} by hand.")
    try:
        run.parent.mkdir(parents=True, exist_ok=True)
        place.rename(run)
    except OSError as error:
        raise RunError(refusal(place, run, error)) from error


def free_place(trash: Path, name: str) -> Path:
    """Return a place in the trash that is not taken: of this name, or with a number after it."""
    place, number = trash / name, 1
    while place.exists():
        number += 1
        place = trash / f"{name} ({number})"
    return place


def former_name(place: Path) -> str:
    """Return the name that a run in the trash had in the library, without the number that ``free_place`` gave it."""
    return re.sub(r" \(\d+\)$", "", place.name)


def trashed_runs() -> list[Path]:
    """Return the places of the runs in the trash whose names have an encoding; none where there is no trash.

    Raises:
        RunError: when it cannot be read.
    """
    try:
        return sorted(place for place in trash_home().iterdir() if place.is_dir() and is_encodable(str(place)))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{trash_home()} could not be read ({error.strerror}). Check its permissions.") from error


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder; links are not followed."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def delete_from_trash(place: Path) -> None:
    """Delete a run in the trash for good; one that is gone already is no error.

    Raises:
        RunError: when it is not in the trash, or cannot be deleted.
    """
    if not _is_in_trash(place):
        raise RunError(f"{place} is not in the trash {trash_home()}, so it was not deleted. List the trash again.")
    try:
        if place.is_symlink():
            place.unlink()
        elif place.exists():
            shutil.rmtree(place)
    except OSError as error:
        raise RunError(f"{place} could not be deleted ({error.strerror}). Check its permissions.") from error


def _is_in_trash(place: Path) -> bool:
    """Return whether a path is one of a folder directly in the trash; ``..`` is its parent, and none."""
    return place.parent == trash_home() and place.name != ".."


def refusal(source: Path, target: Path, error: OSError) -> str:
    """Return the sentence on a folder that could not be moved, with the remedy."""
    if error.errno == errno.EXDEV:
        return f"{source} is on another disk than {target}, so it was not moved. Move its folder in the file manager."
    return f"{source} could not be moved to {target} ({error.strerror}). Check the permissions of both folders."
