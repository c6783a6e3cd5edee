"""Runs that a picture compares, brought back into the comparison."""

from gmstudio.media.provenance import Provenance
from gmstudio.window.state.runs.compare_provenance import compared_runs
from gmstudio.window.state.runs.state import RunsState


def settings_of(_state: RunsState) -> tuple[int | None, dict[str, str]]:
    """Return nothing: pages with pictures of several runs have an origin of their own."""
    return None, {}


def restore(state: RunsState, origin: Provenance) -> str:
    """Compare the runs of a picture that are in the library; return what was set, in words.

    Raises:
        ValueError: when the list of runs in the file is malformed.
    """
    wanted = compared_runs(origin.details)
    if not wanted:
        return ""
    by_start = {(info.created, info.spec.family): info.run for info in state.library.runs}
    found = [by_start[key] for run in wanted if (key := (run.created, run.spec.family)) in by_start]
    state.compare(tuple(found))
    state.page_wanted.emit("compare")
    lost = [run.title for run in wanted if (run.created, run.spec.family) not in by_start]
    return f"{len(found)} runs compared" + (f"; not in the library: {', '.join(lost)}" if lost else "")
