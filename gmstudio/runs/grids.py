"""Grids of runs on the disk: one small file each beside the library; the runs themselves have the grid's tag."""

from pathlib import Path

import msgspec

from gmstudio.protocol.runs_grid import RunGrid, check_grid
from gmstudio.runs.atomic import replace_file
from gmstudio.runs.home import data_home
from gmstudio.runs.record import RunDamagedError, RunError, check_nesting
from gmstudio.system.regular_file import regular_size

GRIDS_NAME = "grids"
SUFFIX = ".json"
MAX_BYTES = 4 * 1024 * 1024


def grids_home() -> Path:
    """Folder of the grids."""
    return data_home() / GRIDS_NAME


def read_grid(path: Path) -> RunGrid:
    """Read a grid.

    Raises:
        RunDamagedError: when the file is damaged or no grid.
        RunError: when it cannot be read.
    """
    try:
        if regular_size(path) > MAX_BYTES:
            raise RunDamagedError(f"{path} is larger than {MAX_BYTES // 2**20} MiB, so it is no grid; move it away.")
        grid = msgspec.json.decode(path.read_bytes(), type=RunGrid)
        for base in grid.bases:
            for part in (base.config, base.data_config, base.training):
                check_nesting(part)
        check_grid(grid)
    except OSError as error:
        raise RunError(f"{path} could not be read ({error.strerror}). Check its permissions.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError, IndexError) as error:
        raise RunDamagedError(f"{path} is damaged or no grid of runs; delete it. Its runs stay.") from error
    return grid


def read_grids() -> tuple[tuple[RunGrid, ...], tuple[str, ...]]:
    """Return all grids, the newest first, and a sentence for each file that cannot be read."""
    home = grids_home()
    found: list[RunGrid] = []
    problems: list[str] = []
    for path in sorted(home.glob(f"*{SUFFIX}")) if home.is_dir() else ():
        try:
            found.append(read_grid(path))
        except RunError as error:
            problems.append(str(error))
    return tuple(sorted(found, key=lambda grid: (grid.created, grid.name), reverse=True)), tuple(problems)


def write_grid(grid: RunGrid) -> None:
    """Keep a grid.

    Raises:
        ValueError: when it cannot be trained, or another grid has its name.
        RunError: when it cannot be written.
    """
    check_grid(grid)
    path = grids_home() / f"{grid.name}{SUFFIX}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not _is_same(read_grid(path), grid):
            raise ValueError(f"There is a grid {grid.name!r} with other axes or settings. Choose another name.")
        replace_file(path, msgspec.json.format(msgspec.json.encode(grid), indent=1) + b"\n")
    except OSError as error:
        raise RunError(f"{path} could not be written ({error.strerror}). Free some space.") from error


def forget_grid(name: str) -> None:
    """Remove the definition of a grid; harmless where there is none.

    Raises:
        RunError: when it cannot be removed.
    """
    for path in grids_home().glob(f"*{SUFFIX}"):
        if path.name == f"{name}{SUFFIX}":
            try:
                path.unlink()
            except OSError as error:
                raise RunError(f"{path} could not be removed ({error.strerror}). Check its folder.") from error


def _is_same(known: RunGrid, grid: RunGrid) -> bool:
    """Return whether two definitions differ only in their time."""
    return msgspec.structs.replace(known, created=grid.created) == msgspec.json.decode(
        msgspec.json.encode(grid), type=RunGrid
    )
