"""Names of runs: a run is identified by its name in the library, not by a path of one disk.

``2026-11-30-vae-01`` is a folder of the library, ``examples/vae`` a ready model; a run elsewhere is named by its
absolute path. Only the side that has the files turns a name into a path.
"""

from pathlib import Path

from gmstudio.runs.examples import examples_home, is_example
from gmstudio.runs.library import runs_home
from gmstudio.runs.record import RunMissingError

EXAMPLES = "examples"
"""First part of the names of ready models."""


def name_of(folder: Path | str) -> str:
    """Return the name of the run in a folder."""
    folder = Path(folder).absolute()
    if is_example(folder):
        return f"{EXAMPLES}/{folder.name}"
    return folder.name if folder.parent == runs_home().absolute() else str(folder)


def folder_of(run: Path | str) -> Path:
    """Return the folder of a run, which need not exist.

    Args:
        run: its name, or an absolute path.

    Raises:
        RunMissingError: when it is no name of a run.
    """
    if Path(run).is_absolute():
        return Path(run)
    parts = Path(run).parts
    if len(parts) == 2 and parts[0] == EXAMPLES and parts[1] != "..":
        return examples_home() / parts[1]
    if len(parts) != 1 or parts[0] == "..":
        raise RunMissingError(f"{str(run)!r} is no name of a run in the library. Choose one of the list of runs.")
    return runs_home() / parts[0]
