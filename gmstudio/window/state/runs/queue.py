"""State of the page Queue: entries, the work on them, times that are left, and edits that can be undone."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import CommandFailed, EngineReported, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs_queue import (
    QUEUE_ENDED,
    ArrangeQueue,
    ListQueue,
    PauseQueue,
    QueueEntry,
    QueueListed,
    SetQueueRule,
    WorkQueue,
)
from gmstudio.window.client.request import Request
from gmstudio.window.state.runs.state import RunsState

UNKNOWN = -1.0
"""Time that nothing is known of."""


class QueueState(QObject):
    """The queue as the engine last reported it.

    Args:
        owner: state of the panel.

    Attributes:
        entries: in their order.
        working: the engine trains them one after another.
        elsewhere: the engine of another window does.
        current: key of the entry that this engine trains; empty: none.
        note: why the queue waits; empty: nothing is to be said.
        stop_at_failure: a failed run pauses the queue.
        problem: why the last command was refused; empty otherwise.
        chosen: keys of the entries on which actions act.
        step: steps of the run in training.
        listed: the engine has reported the queue.

    Signals:
        changed: anything but the progress changed.
        progressed: progress or remaining times changed.
        chosen_changed: ``chosen`` changed.
    """

    changed = Signal()
    progressed = Signal()
    chosen_changed = Signal()

    def __init__(self, owner: RunsState) -> None:
        super().__init__(owner)
        self._owner, self.library = owner, owner.library
        self.entries: tuple[QueueEntry, ...] = ()
        self.working = self.elsewhere = self.stop_at_failure = self.listed = False
        self.current = self.note = self.problem = ""
        self.chosen: tuple[str, ...] = ()
        self.step, self._left_s, self._steps = 0, UNKNOWN, 0
        self._removed: Mapping[str, QueueEntry] = {}
        self._order: tuple[str, ...] = ()
        self._listing = Request(owner.link, self)
        self._listing.failed.connect(self._on_failed)
        owner.link.on(QueueListed).connect(self._on_listed)
        owner.link.on(EngineReported).connect(self._on_reported)
        self.library.catalog_arrived.connect(self.refresh)
        owner.edits.add_part("queue removed", lambda: self._removed, self._restore_removed)
        owner.edits.add_part("queue order", lambda: self._order, self._restore_order)
        if self.library.catalog is not None:
            self.refresh()

    # ---- what there is -------------------------------------------------------------------------------------------

    def entry(self, key: str) -> QueueEntry | None:
        """Return an entry; None: it is in the queue no more."""
        return next((entry for entry in self.entries if entry.key == key), None)

    @property
    def chosen_entries(self) -> list[QueueEntry]:
        """Entries on which actions act, in the order of the queue."""
        return [entry for entry in self.entries if entry.key in self.chosen]

    @property
    def waiting(self) -> list[QueueEntry]:
        """Entries that wait."""
        return [entry for entry in self.entries if entry.status == "waiting"]

    @property
    def ended(self) -> list[QueueEntry]:
        """Entries that are over."""
        return [entry for entry in self.entries if entry.status in QUEUE_ENDED]

    def steps_of(self, entry: QueueEntry) -> tuple[int, int]:
        """Return the steps of an entry that are made, and all of them."""
        wanted = int(entry.spec.training.get("steps", 0))
        info = self.library.info(entry.run) if entry.run else None
        if entry.key == self.current and self._steps:
            return self.step, self._steps
        if info is not None:
            return max(info.step, entry.step), info.training.steps
        return entry.step, wanted

    def seconds_left(self, entry: QueueEntry) -> float:
        """Return the time that an entry still takes, measured on runs like it; ``UNKNOWN`` until one has trained."""
        if entry.status in QUEUE_ENDED:
            return 0.0
        if entry.key == self.current and self._left_s >= 0:
            return self._left_s
        step, steps = self.steps_of(entry)
        pace = self._pace_of(entry)
        return UNKNOWN if pace is None else max(steps - step, 0) * pace

    def all_seconds_left(self) -> float:
        """Return the time that all entries still take; ``UNKNOWN`` where that of one is unknown."""
        times = [self.seconds_left(entry) for entry in self.entries]
        return UNKNOWN if any(time < 0 for time in times) else sum(times)

    def seconds_of(self, specs: Sequence[RunSpec]) -> float:
        """Return the time that runs would take; ``UNKNOWN`` until runs like all of them have trained."""
        paces = [self._pace_of(QueueEntry(key="", spec=spec)) for spec in specs]
        times = [
            int(spec.training.get("steps", 0)) * pace
            for spec, pace in zip(specs, paces, strict=True)
            if pace is not None
        ]
        return sum(times) if len(times) == len(specs) else UNKNOWN

    def _pace_of(self, entry: QueueEntry) -> float | None:
        """Seconds a step of the entries like this one that have trained: with its settings, else of its family."""
        for like in (_settings, _kind):
            paces = [pace for one in self.entries if like(one) == like(entry) and (pace := self._measured(one))]
            if paces:
                return sum(paces) / len(paces)
        return None

    def _measured(self, entry: QueueEntry) -> float:
        """Seconds a step of an entry that trains or has trained; 0: not known."""
        if entry.key == self.current and self._left_s > 0 and self._steps > self.step:
            return self._left_s / (self._steps - self.step)
        return entry.seconds / entry.step if entry.seconds and entry.step else 0.0

    # ---- what can be done ----------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Request the queue."""
        self._listing.send(ListQueue())

    def choose(self, keys: Sequence[str]) -> None:
        """Choose the entries on which actions act."""
        if tuple(keys) != self.chosen:
            self.chosen = tuple(keys)
            self.chosen_changed.emit()

    def start(self) -> None:
        """Train the entries one after another."""
        self._send(WorkQueue())

    def pause(self) -> None:
        """Begin no further entry."""
        self._send(PauseQueue())

    def run_next(self, key: str, *, now: bool = False) -> None:
        """Train an entry next, or at once in place of the one in training, which waits then."""
        self._send(WorkQueue(first=key, now=now))

    def set_stop_at_failure(self, stop: bool) -> None:
        """Choose whether a failed run pauses the queue."""
        if stop != self.stop_at_failure:
            self.stop_at_failure = stop
            self._send(SetQueueRule(stop_at_failure=stop))

    def remove(self, keys: Sequence[str], title: str = "Remove from the queue") -> None:
        """Remove entries that are not in training; their runs stay."""
        found = {entry.key: entry for entry in self.entries if entry.key in keys and entry.status != "running"}
        if found:
            with self._owner.edits.recording(title):
                self._restore_removed({**self._removed, **found})

    def clear(self) -> None:
        """Remove the entries that are over; their runs stay."""
        self.remove([entry.key for entry in self.ended], "Clear the queue")

    def move(self, keys: Sequence[str], before: str) -> None:
        """Move entries before another one; "": to the end."""
        moved = [entry.key for entry in self.entries if entry.key in keys]
        rest = [entry.key for entry in self.entries if entry.key not in keys]
        place = rest.index(before) if before in rest else len(rest)
        with self._owner.edits.recording("Order the queue", key="queue order"):
            self._restore_order((*rest[:place], *moved, *rest[place:]))

    def shift(self, keys: Sequence[str], by: int) -> None:
        """Move entries one place up (−1) or down (1)."""
        order = [entry.key for entry in self.entries]
        places = [order.index(key) for key in keys if key in order]
        if not places:
            return
        rest = [key for key in order if key not in keys]
        first = min(places) + by if by < 0 else max(places) + 1 + by - len(places)
        at = max(0, min(first, len(rest)))
        self.move(keys, rest[at] if at < len(rest) else "")

    # ---- edits ---------------------------------------------------------------------------------------------------

    def _restore_removed(self, removed: Mapping[str, QueueEntry]) -> None:
        before, self._removed = self._removed, removed
        gone = tuple(key for key in removed if key not in before)
        back = tuple(entry for key, entry in before.items() if key not in removed)
        if gone or back:
            self.entries = (*(entry for entry in self.entries if entry.key not in gone), *back)
            self._order = tuple(entry.key for entry in self.entries)
            self._arrange(ArrangeQueue(removed=gone, restored=back, order=self._order))

    def _restore_order(self, order: tuple[str, ...]) -> None:
        if order != self._order or order != tuple(entry.key for entry in self.entries):
            self._order = order
            self._arrange(ArrangeQueue(order=order))

    def _arrange(self, command: ArrangeQueue) -> None:
        """Show the new order at once, and send it; the reply shows what the engine made of it."""
        place = {key: number for number, key in enumerate(command.order)}
        self.entries = tuple(sorted(self.entries, key=lambda entry: place.get(entry.key, len(place))))
        self._send(command)

    def _send(self, command: Command) -> None:
        """Send a change; several may be under way, so that each has a slot of its own."""
        self.problem = ""
        request = Request(self._owner.link, self)
        request.failed.connect(self._on_failed)
        for ended in (request.replied, request.failed, request.dropped):
            ended.connect(request.deleteLater)
        request.send(command)
        self.changed.emit()

    # ---- events --------------------------------------------------------------------------------------------------

    def _on_listed(self, event: QueueListed) -> None:
        self.entries, self.current, self.note = event.entries, event.current, event.note
        self.working, self.elsewhere, self.stop_at_failure = event.working, event.elsewhere, event.stop_at_failure
        self.listed = True
        self._order = keys = tuple(entry.key for entry in event.entries)
        if not self.current:
            self.step, self._left_s, self._steps = 0, UNKNOWN, 0
        self.choose([key for key in self.chosen if key in keys])
        self.changed.emit()

    def _on_reported(self, event: EngineReported) -> None:
        if self.current and event.steps:
            self.step, self._steps, self._left_s = event.step, event.steps, event.seconds_left
            self.progressed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is not Reason.ENGINE_GONE:
            self.problem = failure.message
            if failure.command != ListQueue.__name__:
                self.refresh()  # the engine has left the queue as it was
        self.changed.emit()


def _settings(entry: QueueEntry) -> Any:
    """What the time of a step depends on."""
    training = {name: entry.spec.training.get(name) for name in ("batch_size", "accumulate", "precision")}
    return entry.spec.family, entry.spec.config, entry.spec.data, entry.spec.data_config, training


def _kind(entry: QueueEntry) -> Any:
    return entry.spec.family, entry.spec.data
