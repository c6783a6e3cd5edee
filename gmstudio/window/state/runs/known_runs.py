"""Descriptions of the runs of the library in their order, which is kept while they change: there may be thousands."""

from collections.abc import Iterable, Iterator, KeysView
from typing import Any

from gmstudio.protocol.runs import RunInfo
from gmstudio.window.state.runs.list_parts import in_order


class KnownRuns:
    """Runs by name; what is made of all of them is made again only where a change touches it."""

    def __init__(self) -> None:
        self._infos: dict[str, RunInfo] = {}
        self._order: list[str] | None = None
        self._all: tuple[RunInfo, ...] | None = None
        self._able: dict[tuple[str, str], list[str]] = {}
        self._examples: list[str] | None = None
        self._newest: dict[str, str] | None = None

    def __len__(self) -> int:
        return len(self._infos)

    def __contains__(self, run: str) -> bool:
        return run in self._infos

    def __iter__(self) -> Iterator[str]:
        return iter(self._infos)

    def __setitem__(self, run: str, info: RunInfo) -> None:
        known = self._infos.get(run)
        self._infos[run] = info
        self._all = None
        if known is None or _place(known) != _place(info):
            self._forget()
        elif _abilities(known) != _abilities(info):
            self._able.clear()
            self._newest = None

    def names(self) -> KeysView[str]:
        """Names of all runs."""
        return self._infos.keys()

    def get(self, run: str) -> RunInfo | None:
        """Return the description of a run; None when it is not known."""
        return self._infos.get(run)

    def update(self, infos: Iterable[RunInfo]) -> None:
        """Take descriptions of some runs, known or new ones."""
        for info in infos:
            self[info.run] = info

    def remove(self, runs: Iterable[str]) -> None:
        """Forget some runs, known or not."""
        for run in tuple(runs):
            if self._infos.pop(run, None) is not None:
                self._forget()

    def ordered(self) -> tuple[RunInfo, ...]:
        """Starred runs first, then the newest first; the examples at the end."""
        if self._order is None:
            self._order = [info.run for info in in_order(self._infos.values())]
        if self._all is None:
            self._all = tuple(map(self._infos.__getitem__, self._order))
        return self._all

    def is_able(self, run: str, capability: str, live: str) -> bool:
        """Return whether a run has weights, and its family a capability; empty: any."""
        info = self._infos.get(run)
        if info is None or not (info.checkpoint_steps or run == live):
            return False
        return not capability or capability in info.capabilities

    def able(self, capability: str, live: str) -> list[RunInfo]:
        """Return the runs that are able, that in training first, then in their order.

        Args:
            capability: one of ``CAPABILITIES``; empty: any.
            live: run in training; empty: none.
        """
        names = self._able.get((capability, live))
        if names is None:
            names = [info.run for info in self.ordered() if self.is_able(info.run, capability, live)]
            names.sort(key=lambda run: run != live)
            self._able[capability, live] = names
        return list(map(self._infos.__getitem__, names))

    def examples(self, family: str) -> list[str]:
        """Return the names of a family's ready models."""
        if self._examples is None:
            self._examples = [info.run for info in self._infos.values() if info.example]
        return [run for run in self._examples if self._infos[run].spec.family == family]

    def newest(self, family: str, live: str) -> str:
        """Return the first of a family's runs with weights in their order; "" when there is none."""
        if self._newest is None:
            able = self.able("", "")
            self._newest = {info.spec.family: info.run for info in reversed(able)}
        info = self._infos.get(live)
        return live if info is not None and info.spec.family == family else self._newest.get(family, "")

    def _forget(self) -> None:
        self._order = self._all = self._examples = self._newest = None
        self._able.clear()


def _place(info: RunInfo) -> tuple[Any, ...]:
    return info.created, info.starred, info.example, info.spec.family


def _abilities(info: RunInfo) -> tuple[Any, ...]:
    return bool(info.checkpoint_steps), info.capabilities
