"""Search among the entries of the palette, in pieces between which the event loop goes on."""

import heapq
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.window.gui.shell.palette.matching import Query, Text
from gmstudio.window.state.palette import KINDS, PaletteEntry

MAX_SHOWN = 100
"""Best matches that are listed."""
PIECE_S = 0.004
"""Time after which a piece of the search ends."""
RECENT_BONUS = 12.0
"""Advantage in score of the entry that was chosen last, as much as between the beginning and the middle of a title."""


@dataclass(frozen=True, slots=True)
class _Item:
    entry: PaletteEntry
    text: Text
    rank: tuple[int, int]


class PaletteSearch(QObject):
    """Collects entries and finds those that match.

    Signals:
        found: list of the best entries (at most ``MAX_SHOWN``), best first, and the number of all that match.
    """

    found = Signal(object, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._items: list[_Item] = []
        self._recent: dict[str, int] = {}
        self._query = Query("")
        self._source: Iterator[PaletteEntry] = iter(())
        self._work: Iterator[None] = iter(())
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._advance)

    @property
    def running(self) -> bool:
        """A search has not ended yet."""
        return self._timer.isActive()

    def start(self, entries: Iterable[PaletteEntry], recent: Sequence[str]) -> None:
        """Collect entries anew, and search among them.

        Args:
            entries: read in pieces.
            recent: ids of those that were chosen last, the last one first.
        """
        self._items.clear()
        self._recent = {name: place for place, name in enumerate(recent)}
        self._source = iter(entries)
        self._restart()

    def set_query(self, text: str) -> None:
        """Search for another text; a search that is under way ends."""
        self._query = Query(text)
        self._restart()

    def stop(self) -> None:
        """End the search."""
        self._timer.stop()

    def _restart(self) -> None:
        self._work = self._search()
        self._timer.start()

    def _advance(self) -> None:
        until = time.perf_counter() + PIECE_S
        for _ in self._work:
            if time.perf_counter() > until:
                return
        self._timer.stop()

    def _search(self) -> Iterator[None]:
        """Collect what is left to collect, score all, then report; a step is one entry."""
        for entry in self._source:
            text = Text.of(entry.title, entry.kind, entry.detail)
            self._items.append(_Item(entry, text, (KINDS.index(entry.kind), len(self._items))))
            yield
        scored: list[tuple[float, int, tuple[int, int], _Item]] = []
        for item in self._items:
            score = self._query.score(item.text)
            if score:
                place = self._recent.get(item.entry.id, len(self._recent))
                bonus = RECENT_BONUS / (1 + place) if place < len(self._recent) else 0.0
                scored.append((-score - bonus if self._query.words else 0.0, place, item.rank, item))
            yield
        best = heapq.nsmallest(MAX_SHOWN, scored, key=lambda found: found[:3])
        self.found.emit([item.entry for *_, item in best], len(scored))
