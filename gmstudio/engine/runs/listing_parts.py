"""The list of runs in parts, each of which the window takes in a few milliseconds."""

from collections.abc import Iterable

from gmstudio.protocol.plain_text import plain_text
from gmstudio.protocol.runs import ListRuns, RunInfo, RunsListed
from gmstudio.runs.examples import examples_home

RUNS_A_PART = 200


def in_order(infos: Iterable[RunInfo]) -> list[RunInfo]:
    """Sort descriptions as they are listed: newest first, then the examples in the order in which they come."""
    own, examples = list[RunInfo](), list[RunInfo]()
    for info in infos:
        (examples if info.example else own).append(info)
    return [*sorted(own, key=lambda info: (info.created, info.run), reverse=True), *examples]


class Parts:
    """Parts of one reply.

    Args:
        command: that is answered.
        home: folder of the library.
        complete: the parts hold all runs, and not only those that changed.
    """

    def __init__(self, command: ListRuns, home: str, *, complete: bool) -> None:
        self._command, self._home, self._complete = command, home, complete
        self._infos: list[RunInfo] = []

    def add(self, infos: Iterable[RunInfo], left: int = 0) -> list[RunsListed]:
        """Add runs; returns the parts that are full.

        Args:
            infos: descriptions.
            left: runs that are still to be read.
        """
        self._infos += infos
        full = []
        while len(self._infos) >= RUNS_A_PART:
            part, self._infos = self._infos[:RUNS_A_PART], self._infos[RUNS_A_PART:]
            full.append(self._part(part, left=left, last=False))
        return full

    def last(
        self, infos: Iterable[RunInfo], problems: tuple[str, ...], removed: tuple[str, ...], state: str
    ) -> RunsListed:
        """Return the last part.

        Args:
            infos: descriptions that it has, too.
            problems: as in ``RunsListed``.
            removed: runs that are gone.
            state: of the library.
        """
        return self._part([*self._infos, *infos], problems=problems, removed=removed, state=state)

    def _part(
        self,
        infos: list[RunInfo],
        *,
        problems: tuple[str, ...] = (),
        removed: tuple[str, ...] = (),
        state: str = "",
        left: int = 0,
        last: bool = True,
    ) -> RunsListed:
        return RunsListed(
            request=self._command.request,
            home=self._home,
            examples=plain_text(str(examples_home())),
            runs=tuple(in_order(infos)),
            problems=problems,
            removed=removed,
            state=state,
            left=left,
            complete=self._complete,
            last=last,
        )
