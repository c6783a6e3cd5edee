"""The list of runs as it arrives in parts."""

from collections.abc import Collection, Iterable

from gmstudio.protocol.runs import RunInfo, RunsListed


def in_order(infos: Iterable[RunInfo]) -> tuple[RunInfo, ...]:
    """Sort runs: starred ones first, then newest first; the examples at the end, in the order in which they come."""
    own, examples = list[RunInfo](), list[RunInfo]()
    for info in infos:
        (examples if info.example else own).append(info)
    own.sort(key=lambda info: info.created, reverse=True)
    for runs in (own, examples):
        runs.sort(key=lambda info: not info.starred)
    return (*own, *examples)


class ListParts:
    """Parts that have arrived of a list, which holds all runs once its last part has come."""

    def __init__(self) -> None:
        self._request = -1
        self._arrived: set[str] = set()
        self._num_parts = 0

    def gone(self, event: RunsListed, known: Collection[str]) -> Collection[str]:
        """Take a part; returns the runs that are in the library no more.

        Args:
            event: the part.
            known: runs that are known, those of the part included.
        """
        if not event.complete:
            self._num_parts = 0
            return event.removed
        if event.request != self._request:
            self._request, self._num_parts = event.request, 0
            self._arrived.clear()
        self._num_parts += 1
        self._arrived.update(info.run for info in event.runs)
        if not event.last:
            return ()
        gone = [run for run in known if run not in self._arrived]
        self._request = -1
        self._arrived.clear()
        return gone

    def note(self, run: str) -> None:
        """Note that a run is in the library whose description came apart, while a list arrives."""
        self._arrived.add(run)

    @property
    def incomplete(self) -> bool:
        """Some parts have come of a list of all runs, and further ones follow."""
        return self._request != -1

    @property
    def is_first(self) -> bool:
        """One part has come of the list that arrives."""
        return self._num_parts == 1
