"""The list of runs as it arrives in parts."""

import time
from collections.abc import Collection, Iterable

from gmstudio.protocol.runs import RunInfo, RunsListed

SHOWN_EVERY_S = 0.5
"""Time between two parts of a long list with which panels follow."""


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
    """What has arrived of a list, which holds all runs once its last part has come."""

    def __init__(self) -> None:
        self._request = -1
        self._arrived: set[str] = set()
        self._due_s = 0.0

    def gone(self, event: RunsListed, known: Collection[str]) -> Collection[str]:
        """Take a part; returns the runs that are in the library no more.

        Args:
            event: the part.
            known: runs that are known, those of the part included.
        """
        if not event.complete:
            return event.removed
        if event.request != self._request:
            self._request = event.request
            self._arrived.clear()
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
    def due(self) -> bool:
        """Panels should follow now: they have not for a while."""
        now = time.monotonic()
        if now < self._due_s:
            return False
        self._due_s = now + SHOWN_EVERY_S
        return True
