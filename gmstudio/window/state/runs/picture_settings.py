"""Runs that a picture compares, or that the cells of its grid are, brought back."""

from gmstudio.media.provenance import Provenance
from gmstudio.window.state.runs.compare_provenance import ComparedRun, compared_runs
from gmstudio.window.state.runs.grid import RunGridState
from gmstudio.window.state.runs.grid_figures import grid_of
from gmstudio.window.state.runs.state import RunsState


def settings_of(_state: RunsState) -> tuple[int | None, dict[str, str]]:
    """Return nothing: pages with pictures of several runs have an origin of their own."""
    return None, {}


def restore(state: RunsState, origin: Provenance) -> str:
    """Show the grid of a picture, or compare its runs that are in the library; return what was set, in words.

    Raises:
        ValueError: when the grid or the list of runs in the file is malformed.
    """
    grid, wanted = grid_of(origin.details), compared_runs(origin.details)
    if grid is not None and state.page(RunGridState).bring(grid):
        state.page_wanted.emit("grid")
        return f"grid {grid.name}{_missing(state, wanted)}"
    if not wanted:
        return ""
    by_start = _by_start(state)
    found = [by_start[key] for run in wanted if (key := (run.created, run.spec.family)) in by_start]
    state.compare(tuple(found))
    state.page_wanted.emit("compare")
    return f"{len(found)} runs compared{_missing(state, wanted)}"


def _by_start(state: RunsState) -> dict[tuple[str, str], str]:
    """Runs of the library by their start and family, which they keep when they are renamed or moved."""
    return {(info.created, info.spec.family): info.run for info in state.library.runs}


def _missing(state: RunsState, wanted: tuple[ComparedRun, ...]) -> str:
    there = _by_start(state)
    lost = [run.title for run in wanted if (run.created, run.spec.family) not in there]
    return f"; not in the library: {', '.join(lost)}" if lost else ""
