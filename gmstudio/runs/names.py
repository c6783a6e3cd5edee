"""Names of runs: a run is identified by its name in the library, not by a path of one disk.

``2026-11-30-vae-01`` is a folder of the library, ``examples/vae`` a ready model; a run elsewhere is named by its
absolute path. Only the side that has the files turns a name into a path, so a library that was moved to another folder
or disk keeps all that refers to its runs.
"""

import os
from pathlib import Path

from gmstudio.runs.examples import examples_home, is_example
from gmstudio.runs.library import runs_home
from gmstudio.runs.record import RunMissingError
from gmstudio.system.typed_path import typed_path

EXAMPLES = "examples"
"""First part of the names of ready models."""
MAX_NAME_BYTES = 255
"""Longest name of a folder on the file systems in use."""
MAX_PATH_BYTES = 4096
MAX_SHOWN = 80
"""Characters of a name that is refused which its sentence repeats."""
_NOT_SINGLE = ("", ".", "..")


def name_of(folder: Path | str) -> str:
    """Return the name of the run in a folder."""
    folder = Path(os.path.abspath(folder))  # noqa: PTH100  # ``..`` and a trailing separator name the same folder
    if folder.parent == runs_home().absolute():
        return folder.name
    if is_example(folder):
        return f"{EXAMPLES}/{folder.name}"
    return folder.name if _is_same(folder.parent, runs_home()) else str(folder)


def folder_of(run: Path | str) -> Path:
    """Return the folder of a run, absolute, which need not exist.

    Args:
        run: its name, or an absolute path; a ``Path`` is taken as it is.

    Raises:
        RunMissingError: when it is no name of a run.
    """
    if isinstance(run, Path):
        return run.absolute()
    if "\0" in run or len(os.fsencode(run)) > MAX_PATH_BYTES:
        raise _no_name(run)
    if Path(run).is_absolute():
        return Path(run)
    first, separator, rest = run.replace(os.sep, "/").partition("/")
    if separator and first == EXAMPLES and _is_single(rest):
        return examples_home() / rest
    if separator or not _is_single(first):
        raise _no_name(run)
    return runs_home().absolute() / first


def same_name(run: str) -> str:
    """Return the one name of a run that may be given by its path.

    Raises:
        RunMissingError: when it is no name of a run.
    """
    return name_of(folder_of(run))


def typed_run(text: str) -> Path:
    """Return the folder of a run as people type it: a path that exists, else a name in the library.

    Raises:
        RunMissingError: when there is neither.
        ValueError: when ``~`` names an unknown user's home, or a link leads to another computer.
    """
    path = typed_path(text)
    if _exists(path):
        return path.absolute()
    try:
        folder = folder_of(text.strip().rstrip("/"))
    except RunMissingError:
        folder = path
    if _exists(folder):
        return folder.absolute()
    if path.is_absolute() or len(path.parts) > 1:
        raise RunMissingError(f"{_shown(text)} is not a run: there is no such folder. Choose a run's folder.")
    raise RunMissingError(
        f"{_shown(text)} is neither a folder here nor a run of the library {runs_home()}. gmstudio runs lists its runs."
    )


def _exists(folder: Path) -> bool:
    try:
        return folder.exists()
    except (OSError, ValueError):  # too long, or with a character that no path can have
        return False


def _is_single(part: str) -> bool:
    """Return whether a text is the name of one folder, and of none beside or above its place."""
    return (
        part not in _NOT_SINGLE
        and "/" not in part
        and not Path(part).drive
        and Path(part).name == part
        and len(os.fsencode(part)) <= MAX_NAME_BYTES
    )


def _is_same(folder: Path, other: Path) -> bool:
    """Return whether two paths lead to one folder, for example through a link."""
    try:
        return folder.resolve() == other.resolve()
    except (OSError, ValueError, RuntimeError):
        return False


def _shown(run: str) -> str:
    return repr(run) if len(run) <= MAX_SHOWN else f"{run[:MAX_SHOWN]!r}…"


def _no_name(run: str) -> RunMissingError:
    return RunMissingError(f"{_shown(run)} is no name of a run in the library. Choose one of the list of runs.")
