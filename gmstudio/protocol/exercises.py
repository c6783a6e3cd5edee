"""Exercises of public courses, set up as asked: what is asked, runs that answer it, and the files that they deliver."""

from typing import ClassVar, Literal, get_args

import msgspec

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.run_spec import RunSpec

Deliverable = Literal["curve", "test", "samples", "density"]
"""Training curve; value on the test split; samples; p(x) over the grid of points."""
DELIVERABLES: tuple[Deliverable, ...] = get_args(Deliverable)
DELIVERABLE_TITLES: dict[Deliverable, str] = {
    "curve": "training curve",
    "test": "test value",
    "samples": "samples",
    "density": "p(x) over the grid",
}


class OurValue(msgspec.Struct, frozen=True, kw_only=True):
    """Value that gmstudio reached on the exercise as it is set up, where it was run.

    Args:
        value: on the test split.
        unit: for example ``nats per point``.
        kind: how it was computed, for example ``exact log-likelihood``.
        seconds: of the training, on one CPU core.
    """

    value: float
    unit: str
    kind: str
    seconds: float


class ExerciseRun(msgspec.Struct, frozen=True, kw_only=True):
    """Run that answers a part of an exercise.

    Args:
        name: its key within the exercise, and the name of its folder of deliverables.
        title: part and model, for example ``(a) Histogram``.
        spec: family, data and settings; those that are left out have their defaults.
        deliverables: files that it delivers.
        ours: our value; None: it was not run.
    """

    name: str
    title: str
    spec: RunSpec
    deliverables: tuple[Deliverable, ...]
    ours: OurValue | None = None


class Exercise(msgspec.Struct, frozen=True, kw_only=True):
    """An exercise.

    Args:
        name: its key, for example ``cs294-hw1-1``.
        title: three to eight words.
        course: university, number and name of the course.
        year: of the version that is followed.
        number: of the homework and the question.
        task: what is asked, in a few sentences of our own.
        differs: how the set-up differs from what is asked, in sentences; empty: in nothing that matters.
        after: the task could not be checked against its sheet: it is set up after the exercise.
        labs: laboratories on its subject.
        runs: runs that answer it; none: it is worked at in the laboratories.
    """

    name: str
    title: str
    course: str
    year: str
    number: str
    task: str
    differs: str = ""
    after: bool = False
    labs: tuple[str, ...] = ()
    runs: tuple[ExerciseRun, ...]


# ---- commands ----------------------------------------------------------------------------------------------------


class WriteDeliverables(Command, frozen=True, kw_only=True):
    """Write the files that an exercise asks for, from a run; answered with ``DeliverablesWritten``, several times.

    Args:
        run: name of the run.
        deliverables: which files.
        folder: folder to write them into; it is made where it is missing.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("folder",)

    run: str
    deliverables: tuple[Deliverable, ...]
    folder: str


# ---- events ------------------------------------------------------------------------------------------------------


class TestValue(msgspec.Struct, frozen=True, kw_only=True):
    """Value of a run on the test split.

    Args:
        value: lower is better where it is a −log p(x) or a distance.
        error: its standard error; NaN: unknown.
        unit: for example ``nats per point``.
        kind: how it was computed.
        images: number of images or points.
    """

    __test__: ClassVar[bool] = False

    value: float
    error: float
    unit: str
    kind: str
    images: int


class DeliverablesWritten(Event, frozen=True, kw_only=True):
    """Progress or end of writing deliverables.

    Args:
        run: name of the run.
        stage: present work in a few words.
        files: paths of the files that are there.
        test: value on the test split, once it is computed.
        done: this is the last reply.
    """

    run: str
    stage: str
    files: tuple[str, ...] = ()
    test: TestValue | None = None
    done: bool = True

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.done
