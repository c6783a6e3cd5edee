"""Messages about one run at a glance: curves in few points, samples, events, checkpoints; and copies of runs."""

from typing import ClassVar

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event


class ReadDetails(Command, frozen=True, kw_only=True):
    """Read what a run has on the disk, for a glance; answered with ``DetailsRead``."""

    superseded_within: ClassVar[tuple[str, ...] | None] = ()
    background: ClassVar[bool] = True

    run: str


class CheckpointEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint on the disk.

    Args:
        step: training steps made.
        size_bytes: of all its files.
        kept: until the user releases it.
        latest: the one that a resumed run starts from.
        problem: why it cannot be used, one sentence; empty when it appears whole.
    """

    step: int
    size_bytes: int
    kept: bool = False
    latest: bool = False
    problem: str = ""


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An event in the history of a run.

    Args:
        step: at which it happened.
        time: ISO 8601 in UTC.
        kind: of event.
        text: one sentence.
    """

    step: int
    time: str
    kind: str
    text: str


class SketchedCurve(msgspec.Struct, frozen=True, kw_only=True):
    """A curve in few points: (N,) int64 steps and float64 values.

    Args:
        split: ``train`` or ``valid``.
        steps: of the points.
        values: at these steps.
    """

    split: str
    steps: Array
    values: Array


class DetailsRead(Event, frozen=True, kw_only=True):
    """Contents of a run on the disk.

    Args:
        term: name of the curves' term.
        curves: of the term, by split.
        samples: newest saved grid, (N, C, H, W) uint8, 0 … 255; None: none was saved.
        sample_step: step of the grid.
        sample_kind: as in ``SamplesDrawn``.
        events: newest last, at most some dozens.
        checkpoints: by rising step.
        size_bytes: of the run's folder.
        device: on which it was trained.
        versions: of the libraries with which it began.
        problem: why a part is missing, one sentence; empty otherwise.
    """

    run: str
    term: str
    curves: tuple[SketchedCurve, ...]
    samples: Array | None
    sample_step: int
    sample_kind: str
    events: tuple[LogEntry, ...]
    checkpoints: tuple[CheckpointEntry, ...]
    size_bytes: int
    device: str
    versions: dict[str, str]
    problem: str = ""


class DuplicateRun(Command, frozen=True, kw_only=True):
    """Copy a run, or an example, into a new run of the library; answered with ``RunDescribed``.

    The copy can be trained on; it has its name, note and tags, and says in its log what it is a copy of.
    """

    background: ClassVar[bool] = True

    run: str
