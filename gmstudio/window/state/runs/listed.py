"""State of the Library page: which runs are listed, in which columns, and which of them are chosen."""

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.run_query import RunQuery, words_of
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.state.runs.run_edits import RunEdits
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.runs.turns import MANY, Turns

READING_MS = 500
"""Time between two looks at a list that arrives in parts."""
FILTERS = ("family", "data", "status", "tag")


class ListedRuns(QObject):
    """Runs of the Library page.

    Args:
        owner: state of the panel.

    Attributes:
        edits: changes runs, so that it can be undone.
        text: search as it was typed.
        archived: list archived runs, too.
        filters: each of ``FILTERS`` → value that the runs have; empty: any.
        chosen: runs on which actions act, in the order of the table.
        layout: columns of the table as JSON values, kept from one start of the window to the next.

    Signals:
        changed: ``runs`` changed, or a run in it.
        chosen_changed: ``chosen`` changed.
        filter_changed: ``text``, ``archived`` or ``filters`` changed.
    """

    changed = Signal()
    chosen_changed = Signal()
    filter_changed = Signal()

    def __init__(self, owner: RunsState) -> None:
        super().__init__(owner)
        self.owner, self.library = owner, owner.library
        self.edits = RunEdits(self.library, owner.edits, self)
        self.text, self.archived = "", False
        self.filters = dict.fromkeys(FILTERS, "")
        self._offered: dict[str, dict[str, str]] = {name: {} for name in FILTERS}
        self._offered_of: Sequence[RunInfo] = ()
        self._turns = Turns(self.changed, lambda: len(self.library.runs), self)
        self.chosen: tuple[str, ...] = ()
        self.layout: dict[str, Any] = {}
        self._words: dict[str, tuple[RunInfo, str]] = {}
        self._runs: list[RunInfo] = []
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self._follow)
        self.library.changed.connect(self._later.start)
        self._while_reading = QTimer(self, singleShot=True, interval=READING_MS)
        self._while_reading.timeout.connect(self._follow)
        self.library.reading.connect(self._read_on)
        owner.active_changed.connect(self._follow)
        owner.run_changed.connect(self._on_run_changed)
        owner.keep("library", self.choices, self.restore_choices)
        self._fill()

    @property
    def runs(self) -> list[RunInfo]:
        """Runs that fulfil the search, as the library lists them."""
        return self._runs

    @property
    def offered(self) -> dict[str, dict[str, str]]:
        """Each of ``FILTERS`` → values that runs have → their titles."""
        if self._offered_of is not self.library.runs:
            self._offered, self._offered_of = _offered(self.library.runs), self.library.runs
        return self._offered

    def follow(self, work: Callable[[], None]) -> None:
        """Call a method after each change of ``runs``; where they are many, in a turn of its own."""
        self._turns.add(work)

    @property
    def num_archived(self) -> int:
        """Number of archived runs in the library."""
        return sum(info.archived for info in self.library.runs)

    def search(self, text: str) -> None:
        """List the runs that fulfil a search, see ``RunQuery``."""
        if text != self.text:
            self.text = text
            self._fill()
            self.filter_changed.emit()

    def set_filter(self, name: str, value: str) -> None:
        """List only the runs that have a value.

        Args:
            name: one of ``FILTERS``.
            value: that they have; empty: any.
        """
        if value != self.filters[name]:
            self.filters = self.filters | {name: value}
            self._fill()
            self.filter_changed.emit()

    def show_archived(self, archived: bool) -> None:
        """List archived runs, too, or leave them out."""
        if archived != self.archived:
            self.archived = archived
            self._fill()
            self.filter_changed.emit()

    def choose(self, runs: tuple[str, ...], current: str) -> None:
        """Choose the runs on which actions act.

        Args:
            runs: in the order of the table.
            current: the one whose details are shown; "": none.
        """
        changed, self.chosen = runs != self.chosen, runs
        self.owner.choose_run(current)
        if changed:
            self.chosen_changed.emit()

    def choices(self) -> dict[str, Any]:
        """Search and columns as JSON values."""
        return {"archived": self.archived, "layout": self.layout}

    def restore_choices(self, values: dict[str, Any]) -> None:
        """Take what was kept when the window was closed."""
        if isinstance(values.get("layout"), dict):
            self.layout = values["layout"]
        self.show_archived(values.get("archived") is True)

    def _on_run_changed(self) -> None:
        """Choose the run that is shown from elsewhere."""
        if self.owner.run not in self.chosen:
            self.chosen = (self.owner.run,) if self.owner.run else ()
            self.chosen_changed.emit()

    def _read_on(self) -> None:
        """Take what has arrived of a long list now and then."""
        if not self._while_reading.isActive():
            self._while_reading.start()

    def _follow(self) -> None:
        """Take the library's runs; a hidden page of many waits until it is shown."""
        if self.owner.active or len(self.library.runs) < MANY:
            self._fill()

    def _fill(self) -> None:
        query = RunQuery(self.text)
        runs = self.library.runs
        if not (self.archived or query.wants_archived):
            runs = tuple(info for info in runs if not info.archived)
        wanted = [(name, value) for name, value in self.filters.items() if value]
        for name, value in wanted:
            runs = tuple(info for info in runs if value in _VALUES[name](info))
        if query.terms:
            runs = tuple(info for info in runs if query.accepts(info, self._words_of(info)))
        self._runs = list(runs)
        self.changed.emit()

    def _words_of(self, info: RunInfo) -> str:
        known = self._words.get(info.run)
        if known is None or known[0] is not info:
            known = self._words[info.run] = (info, words_of(info))
        return known[1]


_VALUES: dict[str, Callable[[RunInfo], tuple[str, ...]]] = {
    "family": lambda info: (info.spec.family,),
    "data": lambda info: (info.data_label,),
    "status": lambda info: (info.status,),
    "tag": lambda info: info.tags,
}


def _offered(runs: Sequence[RunInfo]) -> dict[str, dict[str, str]]:
    """Values of the filters that runs have, by their titles."""
    families = {info.spec.family: info.family_title for info in runs}
    data, statuses = {info.data_label for info in runs}, {info.status for info in runs}
    tags = {tag for info in runs if info.tags for tag in info.tags}
    found = {
        "family": families,
        **{n: {v: v for v in values} for n, values in zip(FILTERS[1:], (data, statuses, tags), strict=True)},
    }
    return {name: dict(sorted(values.items(), key=lambda entry: entry[1].casefold())) for name, values in found.items()}
