"""Edits of a panel's state that can be undone, as pairs of snapshots.

A state owns one ``EditRecorder`` and registers the parts of it that a user edits. A method that carries out an edit
runs in ``recording``; what merely follows (newer weights, another run) runs in ``unrecorded``. The panel passes the
recorder to ``Panel.record_edits``, which keeps the edits in the window's history (``gmstudio.window.state.history``).
A state whose content belongs to a run says so by ``about_run``: its edits are undone with that run shown.

    self.edits = EditRecorder(self)
    self.edits.add_part("order", lambda: self.order, self.set_order)
    …
    def paint(self, pixels: Pixels) -> None:
        with self.edits.recording("Paint the order", key=f"stroke {self._stroke}"):
            self.order = …  # a new object; snapshots share the old one
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from PySide6.QtCore import QObject, Signal

ONE_DRAG_S = 0.8
"""Moves of one slider or number field that follow within this time are one step, as are those of one drag."""
S = TypeVar("S")
Content = Mapping[str, object]
"""Snapshots by the names of their parts."""


@dataclass(frozen=True, eq=False)
class Edit:
    """One edit.

    Args:
        name: shown after "Undo", for example ``Randomize``.
        key: consecutive edits of the same key are one step of the history; empty: a step of its own.
        before: snapshots of the parts that differ.
        after: likewise.
        run: run that the content belongs to; empty: to none.
    """

    name: str
    key: str
    before: Content
    after: Content
    run: str = ""

    def merged(self, later: "Edit") -> "Edit":
        """Return this edit and a later one as one."""
        return Edit(later.name, self.key, {**later.before, **self.before}, {**self.after, **later.after}, self.run)

    @property
    def empty(self) -> bool:
        """The edit leads back to where it began."""
        return same_content(self.before, self.after)


@dataclass(frozen=True)
class Subject:
    """Run that the content of a state belongs to.

    Args:
        shown: returns the run that is shown, or "".
        choose: shows another run.
        known: returns whether a run can be shown: it is there.
        ready: returns whether the content of the run that is shown can be restored; False while the run is opened.
        opened: returns whether the run that is shown is open, so that controls which set nothing of its content can be
            set; the content may not be restorable yet, as while a generation plays.
    """

    shown: Callable[[], str]
    choose: Callable[[str], None]
    known: Callable[[str], bool]
    ready: Callable[[], bool]
    opened: Callable[[], bool]


class EditRecorder(QObject):
    """Recorder of edits.

    Attributes:
        subject: run that the content belongs to; None: to no run.
        needs_run: an edit cannot be undone where its run is gone.
        expecting: an edit was begun that is recorded when the engine has carried it out.

    Signals:
        edited: an ``Edit`` was made.
        cleared: run whose recorded edits no longer apply, as its content is of another kind; empty: all edits.
        settled: the content of the run that is shown can be restored.
        failed: sentence on why it cannot be opened.
    """

    edited = Signal(object)
    cleared = Signal(str)
    settled = Signal()
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._parts: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
        self._depth = 0
        self.subject: Subject | None = None
        self.needs_run, self.expecting = True, False

    def about_run(
        self,
        shown: Callable[[], str],
        choose: Callable[[str], None],
        known: Callable[[str], bool],
        ready: Callable[[], bool] = lambda: True,
        opened: Callable[[], bool] | None = None,
    ) -> None:
        """Set the run that the content belongs to, see ``Subject``; ``settle`` is called when ``ready`` becomes true.

        Without ``opened``, a run is open when its content can be restored.
        """
        self.subject = Subject(shown, choose, known, ready, opened or ready)

    @property
    def run(self) -> str:
        """Run that the content belongs to, or ""."""
        return self.subject.shown() if self.subject is not None else ""

    @property
    def is_restoring(self) -> bool:
        """What changes now is not recorded."""
        return self._depth > 0

    def settle(self) -> None:
        """Announce that the content of the run that is shown can be restored."""
        self.settled.emit()

    def add_part(self, name: str, snapshot: Callable[[], S], restore: Callable[[S], None]) -> None:
        """Register a part of the state; parts are restored in the order in which they were added.

        Args:
            name: unique.
            snapshot: returns the content: arrays, tuples, mappings and values that are replaced and never written to.
            restore: shows such a content again, and emits the part's signals.
        """
        self._parts[name] = snapshot, restore

    def has_part(self, name: str) -> bool:
        """Return whether a part of that name is registered."""
        return name in self._parts

    def fail(self, reason: str) -> None:
        """Announce that the run that is shown cannot be opened."""
        self.failed.emit(reason)

    @contextmanager
    def recording(self, name: str, key: str = "", *, of_run: bool = True) -> Iterator[None]:
        """Record what the block changes as one edit; inside another edit it belongs to that one.

        Args:
            name: of the edit, an imperative.
            key: as in ``Edit``.
            of_run: the edit belongs to the run that is shown; False: to no run, so that it can be undone without it.
        """
        if self._depth:
            yield
            return
        before = self._snapshots()
        with self.unrecorded():
            yield
        after = self._snapshots()
        changed = [part for part in self._parts if not same_content(before[part], after[part])]
        if changed:
            contents = {p: before[p] for p in changed}, {p: after[p] for p in changed}
            self.record(name, key, *contents, run=self.run if of_run else "")

    def record(self, name: str, key: str, before: Content, after: Content, run: str | None = None) -> None:
        """Record an edit; the arguments are those of ``Edit``; without a run it is that of the run that is shown."""
        self.edited.emit(Edit(name, key, before, after, self.run if run is None else run))

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """Record nothing of what the block changes."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def restore(self, content: Content) -> None:
        """Show the content of an edit's parts again."""
        with self.unrecorded():
            for name, (_snapshot, restore) in self._parts.items():
                if name in content:
                    restore(content[name])

    def clear(self, run: str = "") -> None:
        """Announce that the recorded edits of a run no longer apply; empty: no edits."""
        self.cleared.emit(run)

    def _snapshots(self) -> dict[str, object]:
        return {name: snapshot() for name, (snapshot, _restore) in self._parts.items()}


@dataclass
class Burst:
    """Moves of one control that are one step of the history: those of one drag, and those in quick succession.

    Args:
        number: of the drag.
        moved_at: time of the last move, in seconds.
    """

    number: int = 0
    moved_at: float = 0.0

    def begin(self) -> None:
        """Begin another drag: the control was taken hold of."""
        self.number += 1
        self.moved_at = time.monotonic()

    def move(self, *, held: bool) -> int:
        """Return the number of the drag that a move belongs to, which is made now.

        Args:
            held: the control is held; however long it rests, that is one drag.
        """
        now = time.monotonic()
        if now - self.moved_at > ONE_DRAG_S and not held:
            self.number += 1
        self.moved_at = now
        return self.number


def drag_key(name: str, value: object) -> str:
    """Key of an edit of a setting: typing and stepping of one number is one edit; a choice is one of its own."""
    return name if isinstance(value, int | float) and not isinstance(value, bool) else ""


def same_content(first: object, second: object) -> bool:
    """Compare snapshots: arrays, tuples and mappings by their elements, everything else by equality."""
    if first is second:
        return True
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return np.array_equal(first, second)
    if isinstance(first, tuple) and isinstance(second, tuple):
        return len(first) == len(second) and all(map(same_content, first, second))
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return first.keys() == second.keys() and all(same_content(first[key], second[key]) for key in first)
    return not isinstance(first, np.ndarray) and not isinstance(second, np.ndarray) and bool(first == second)
