"""Family tree of runs: who began at a checkpoint of whom, in rows of their own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gmstudio.protocol.runs import RunInfo


@dataclass(frozen=True)
class TreeRun:
    """Run in the tree.

    Args:
        info: description of the run.
        row: of its line, from above.
        begin: step at which it began.
        parent: run that it began from; empty: none in the library.
    """

    info: RunInfo
    row: int
    begin: int
    parent: str


def parents_of(runs: Iterable[RunInfo]) -> dict[str, str]:
    """Return for each run the one that it began from, which may have another name now; without the others."""
    runs = tuple(runs)
    named = {info.run: info for info in runs}
    started = {info.created: info.run for info in runs}
    found = {}
    for info in runs:
        origin = info.origin
        if origin is None:
            continue
        same_name = named.get(origin.run)
        known = same_name is not None and same_name.created == origin.created
        parent = origin.run if known else started.get(origin.created, "")
        if parent and parent != info.run:
            found[info.run] = parent
    return found


def family_tree(runs: Iterable[RunInfo], run: str) -> tuple[TreeRun, ...]:
    """Return the tree that a run belongs to, in the order of its rows: each run, below it those that began from it.

    Args:
        runs: all runs.
        run: one of them.
    """
    runs = tuple(runs)
    named = {info.run: info for info in runs}
    if run not in named:
        return ()
    parents = parents_of(runs)
    children: dict[str, list[RunInfo]] = {}
    for name, parent in parents.items():
        children.setdefault(parent, []).append(named[name])
    rows: list[TreeRun] = []
    seen: set[str] = set()
    waiting = [named[_root(run, parents)]]
    while waiting:
        info = waiting.pop()
        if info.run in seen:
            continue
        seen.add(info.run)
        begin = info.origin.step if info.origin is not None and info.run in parents else 0
        rows.append(TreeRun(info, len(rows), begin, parents.get(info.run, "")))
        # The earliest branch is drawn next to its parent: it is taken last from the end of the list.
        waiting += sorted(children.get(info.run, ()), key=_begin, reverse=True)
    return tuple(rows)


def _begin(info: RunInfo) -> tuple[int, str]:
    return (info.origin.step if info.origin is not None else 0, info.created)


def _root(run: str, parents: Mapping[str, str]) -> str:
    """First ancestor; of runs that lead in a circle, which only an edited file can make, the one where it closes."""
    seen = {run}
    while run in parents and parents[run] not in seen:
        run = parents[run]
        seen.add(run)
    return run
