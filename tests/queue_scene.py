"""Tiny runs for the tests of the queue and of grids."""

from typing import Any

import msgspec
from runs_scene import RunsScene

from gmstudio.protocol.base import Event
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs_grid import GridAxis, RunGrid
from gmstudio.protocol.runs_queue import (
    ArrangeQueue,
    ListQueue,
    PauseQueue,
    QueueEntry,
    QueueListed,
    SetQueueRule,
    WorkQueue,
)

QUICK: dict[str, Any] = {"steps": 12, "batch_size": 16, "validate_every": 6, "sample_every": 6, "num_samples": 4}


def tiny_spec(**training: Any) -> RunSpec:
    """A NADE with a few hidden units on 8×8 digits."""
    return RunSpec(family="nade", config={"num_hidden": 4}, data="digits", training=QUICK | training)


def axis(field: str, title: str, *values: Any) -> GridAxis:
    return GridAxis(field=field, title=title, values=values, labels=tuple(f"{value:g}" for value in values))


def tiny_grid(name: str = "rates", seeds: tuple[int, ...] = (0,)) -> RunGrid:
    """Two learning rates × two sizes."""
    return RunGrid(
        name=name,
        created="2026-11-30T08:00:00+00:00",
        columns=axis("training.learning_rate", "Learning rate", 0.001, 0.01),
        rows=axis("config.num_hidden", "Hidden units", 4, 8),
        bases=(tiny_spec(),),
        seeds=seeds,
    )


def queue_entry(key: str, **values: Any) -> QueueEntry:
    """An entry that waits."""
    return msgspec.structs.replace(QueueEntry(key=key, spec=tiny_spec(), label=f"NADE {key}"), **values)


class QueueEngine:
    """Answers the commands about the queue as an engine does that trains nothing.

    Attributes:
        entries: of the queue.
        refuses: changes are not made.
    """

    def __init__(self, scene: RunsScene) -> None:
        self._scene = scene
        self.entries = tuple(map(queue_entry, "abcd"))
        self.refuses = False
        self.working, self.current, self.note, self.stop = False, "", "", False
        scene.answers |= {
            ListQueue: lambda command: [self.listed(command.request)],
            ArrangeQueue: self._arrange,
            WorkQueue: self._work,
            PauseQueue: self._pause,
            SetQueueRule: self._set_rule,
        }

    @property
    def order(self) -> str:
        return "".join(entry.key for entry in self.entries)

    def listed(self, request: int = 0) -> QueueListed:
        return QueueListed(
            request=request,
            entries=self.entries,
            working=self.working,
            current=self.current,
            note=self.note,
            stop_at_failure=self.stop,
        )

    def report(self) -> None:
        """Report the queue unasked."""
        self._scene.client.deliver(self.listed())

    def set(self, key: str, *, current: bool = False, **values: Any) -> None:
        """Change an entry, and report it."""
        self.current = key if current else self.current
        self.entries = tuple(
            msgspec.structs.replace(entry, **values) if entry.key == key else entry for entry in self.entries
        )
        self.report()

    def _arrange(self, command: ArrangeQueue) -> list[Event]:
        if not self.refuses:
            entries = [entry for entry in self.entries if entry.key not in command.removed]
            entries += command.restored
            place = {key: number for number, key in enumerate(command.order)}
            self.entries = tuple(sorted(entries, key=lambda entry: place.get(entry.key, len(place))))
        return [self.listed(command.request)]

    def _work(self, command: WorkQueue) -> list[Event]:
        self.working = True
        return [self.listed(command.request)]

    def _pause(self, command: PauseQueue) -> list[Event]:
        self.working = False
        return [self.listed(command.request)]

    def _set_rule(self, command: SetQueueRule) -> list[Event]:
        self.stop = command.stop_at_failure
        return [self.listed(command.request)]
