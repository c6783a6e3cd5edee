"""Messages about the queue of runs: settings that wait to be trained, one run after another."""

from typing import Literal, get_args

import msgspec

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs_grid import RunGrid

MAX_QUEUED = 1000
"""Entries of the queue, those that are over included."""

QueueStatus = Literal["waiting", "running", "finished", "failed", "stopped"]
"""``running``: it is being started or in training, paused or not."""
QUEUE_ENDED: tuple[QueueStatus, ...] = ("finished", "failed", "stopped")
assert set(QUEUE_ENDED) < set(get_args(QueueStatus))


class QueueEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the queue.

    Args:
        key: identity, unique in the queue.
        spec: complete settings.
        label: what differs, in words.
        data_label: name of the data and size of the images.
        tags: that the run gets when it begins.
        status: where it stands.
        run: name of the run once it has begun; a waiting entry that has one is resumed.
        step: training steps made when it last stopped.
        message: reason of a failure, or why it waits again; empty: none.
        seconds: time that its training took so far.
    """

    key: str
    spec: RunSpec
    label: str = ""
    data_label: str = ""
    tags: tuple[str, ...] = ()
    status: QueueStatus = "waiting"
    run: str = ""
    step: int = 0
    message: str = ""
    seconds: float = 0.0


class ListQueue(Command, frozen=True, kw_only=True):
    """List the queue; answered with ``QueueListed``."""


class AddToQueue(Command, frozen=True, kw_only=True):
    """Add runs to the end of the queue; all settings are checked first. Answered with ``RunsQueued``.

    Args:
        specs: their settings.
        labels: what differs, one for each; none: written by the engine.
        tags: that the runs get.
        grid: definition that is kept for the page Grid; None: the runs are no grid.
    """

    specs: tuple[RunSpec, ...]
    labels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    grid: RunGrid | None = None


class ArrangeQueue(Command, frozen=True, kw_only=True):
    """Remove, bring back and order entries that are not in training; answered with ``QueueListed``.

    Args:
        removed: keys of entries that leave the queue; those in training stay.
        restored: entries that were removed before and come back as they were.
        order: keys in their new order; entries that are not named stay behind them in theirs.
    """

    removed: tuple[str, ...] = ()
    restored: tuple[QueueEntry, ...] = ()
    order: tuple[str, ...] = ()


class WorkQueue(Command, frozen=True, kw_only=True):
    """Train the entries one after another; answered with ``QueueListed``.

    Args:
        first: key of the entry that comes next, also one that is over, which is then resumed or trained again; empty:
            the order stays.
        now: end the entry in training with a checkpoint first; it waits behind ``first`` and is resumed later.
    """

    first: str = ""
    now: bool = False


class PauseQueue(Command, frozen=True, kw_only=True):
    """Begin no further entry; the run in training goes on. Answered with ``QueueListed``."""


class SetQueueRule(Command, frozen=True, kw_only=True):
    """Choose whether a failed run pauses the queue; answered with ``QueueListed``."""

    stop_at_failure: bool


class QueueListed(Event, frozen=True, kw_only=True):
    """The queue as it is now; also sent unasked when it changes.

    Args:
        entries: in their order.
        working: entries are trained one after another by this engine.
        elsewhere: the engine of another window trains them.
        current: key of the entry that this engine trains or starts; empty: none.
        note: one sentence on why the queue waits; empty: nothing is to be said.
        stop_at_failure: a failed run pauses the queue.
    """

    entries: tuple[QueueEntry, ...]
    working: bool
    elsewhere: bool = False
    current: str = ""
    note: str = ""
    stop_at_failure: bool = False


class RunsQueued(Event, frozen=True, kw_only=True):
    """Runs were added to the queue; ``QueueListed`` comes before.

    Args:
        keys: of the new entries.
    """

    keys: tuple[str, ...]
