"""Messages about training: start, pause, step, stop, checkpoints, diagnostics."""

from typing import Any, ClassVar, Literal, get_args

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.run_spec import RunSpec

# ---- commands: training and runs ----------------------------------------------------------------------------


class StartTraining(Command, frozen=True, kw_only=True):
    """Start a run; answered with ``RunOpened``. One run trains at a time.

    Args:
        spec: the settings of the run.
        folder: path of the run folder, on the engine's machine, to be made; empty: a new one in the library of runs.
    """

    spec: RunSpec
    folder: str = ""


ContinuedSchedule = Literal["", "stretch", "restart", "hold"]
"""Course of a decaying learning rate after the number of steps has changed: the same decay over all steps; a new decay
from the full rate; constant at the rate of the last update. Empty: not chosen."""

CONTINUED_SCHEDULES: tuple[ContinuedSchedule, ...] = get_args(ContinuedSchedule)


class ResumeRun(Command, frozen=True, kw_only=True):
    """Continue a run from its latest checkpoint, up to ``steps`` if given; answered with ``RunOpened``.

    Args:
        run: name of the run.
        steps: new number of steps of the run; None: unchanged.
        schedule: course of a decaying learning rate where the number of steps changes; empty: not chosen, so that a
            rate that would jump fails with ``Reason.SCHEDULE_OPEN``.
    """

    run: str
    steps: int | None = None
    schedule: ContinuedSchedule = ""


class TrainOn(Command, frozen=True, kw_only=True):
    """Copy an example into the library and continue the copy; answered with ``RunOpened`` of the copy.

    Args:
        run: path of the example.
        steps: as in ``ResumeRun``.
        schedule: as in ``ResumeRun``.
    """

    run: str
    steps: int | None = None
    schedule: ContinuedSchedule = ""


class ChangeTraining(Command, frozen=True, kw_only=True):
    """Change settings of the run in training from the next step on, after a checkpoint that is kept.

    Answered with ``Done``, after the new ``RunOpened``. The change is an event in the run's history, and a resumed run
    has the changed settings.

    Args:
        run: the run in training.
        training: fields of ``Training`` that change, those that are ``live``; ``steps`` prolongs the run.
        config: settings of the family that change, those that are ``live``.
        schedule: as in ``ResumeRun``, where ``training`` has ``steps``.
    """

    background: ClassVar[bool] = True

    run: str
    training: dict[str, Any] = msgspec.field(default_factory=dict)
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    schedule: ContinuedSchedule = ""


class PauseTraining(Command, frozen=True, kw_only=True):
    """Pause after the current step; no checkpoint is written."""


class ResumeTraining(Command, frozen=True, kw_only=True):
    """Continue training after a pause."""


class StepTraining(Command, frozen=True, kw_only=True):
    """Make ``count`` steps while paused; ``phases`` names the phases to train, empty: all of them."""

    count: int = 1
    phases: tuple[str, ...] = ()


class PaceTraining(Command, frozen=True, kw_only=True):
    """Limit the pace of the run in training, or train only some of its phases, until the next such command.

    Args:
        steps_per_s: highest number of steps per second; 0: no limit.
        phases: names of the phases to train; empty: all of them.
    """

    steps_per_s: float = 0.0
    phases: tuple[str, ...] = ()


class StopTraining(Command, frozen=True, kw_only=True):
    """End the training with a checkpoint, from which it can be resumed later."""


class KeepCheckpoint(Command, frozen=True, kw_only=True):
    """Keep a checkpoint of a run from being deleted; of the run in training one of its present step is written first.

    A change to checkpoints on disk is followed by ``RunDescribed``.

    Args:
        keep: False: allow kept checkpoints to be deleted.
        step: of the checkpoint; None: the latest is kept, or all are released.
    """

    run: str
    keep: bool = True
    step: int | None = None


class DrawFigures(Command, frozen=True, kw_only=True):
    """Draw the figures of a run's diagnostics with its current weights; answered with ``FiguresDrawn``.

    Args:
        image: index of the validation image that figures of a single image show.
        pixel: row and column of the pixel that figures of a single pixel show; None: the middle of the image.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    run: str
    image: int = 0
    pixel: tuple[int, int] | None = None


class Remedy(msgspec.Struct, frozen=True, kw_only=True):
    """Changed settings with which a training that failed can go on, as a branch of its last checkpoint.

    Args:
        step: of the checkpoint.
        training: fields of ``Training`` that change, as plain values.
        words: the change for people, for example ``batch size 32``.
    """

    step: int
    training: dict[str, Any]
    words: str


class TrainingChanged(Event, frozen=True, kw_only=True):
    """The run in training changed its status: running, paused, stopped, finished, or failed (with a message).

    Args:
        message: reason of a failure or a pause, sentences for people.
        remedy: what a run that failed can go on with; None: nothing that is known.
    """

    run: str
    status: Literal["running", "paused", "stopped", "finished", "failed"]
    step: int
    message: str = ""
    remedy: Remedy | None = None


class FigureDrawn(msgspec.Struct, frozen=True, kw_only=True):
    """Diagnostic figure of a model.

    Args:
        kind: ``histogram``: ``values`` (S, N) are counts of N bins between N + 1 ``edges``; ``bars``: (S, N), one bar
            each; ``images``: a grid; ``maps``: a grid of (M, C, H, W) ``values`` in colours; ``table``: (S, N)
            ``values``, columns of N rows.
        name: identity, unique in the family.
        title: heading with the unit.
        help: explanation, one sentence.
        series: S names of the series; for images the names of the grid's columns, or none.
        edges: (N + 1,) float32 edges of the bins.
        values: (S, N) or (M, C, H, W) float32 values, in maps NaN where there is none; uint8 in maps of classes.
        reference: (N,) float32 values for comparison.
        images: (M, C, H, W) uint8, 0 … 255.
        columns: columns of the grid; 0: as many as fit.
        labels: names of the M maps or of the N rows of a table.
        classes: names of the values 0, 1 … of maps; none: the values are numbers.
        unit: unit of the values of maps.
        signed: colours of maps range from −top to top, zero being neutral.
        each: each map has a scale of its own.
        axes: names of a map's vertical and horizontal axis.
        mark: row and column of the entry that is outlined in every map.
    """

    kind: Literal["histogram", "bars", "images", "maps", "table"]
    name: str
    title: str
    help: str
    series: tuple[str, ...] = ()
    edges: Array | None = None
    values: Array | None = None
    reference: Array | None = None
    images: Array | None = None
    columns: int = 0
    labels: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    unit: str = ""
    signed: bool = False
    each: bool = False
    axes: tuple[str, str] = ("row", "column")
    mark: tuple[int, int] | None = None


class FiguresDrawn(Event, frozen=True, kw_only=True):
    """Diagnostic figures for the weights of a step.

    Args:
        num_images: validation images to choose from.
        image: index of the validation image that figures of a single image show.
        pixel: row and column that figures of a single pixel show.
        shown: that image, (C, H, W) uint8, 0 … 255; None where no figure shows a single image.
    """

    run: str
    step: int
    figures: tuple[FigureDrawn, ...]
    num_images: int = 0
    image: int = 0
    pixel: tuple[int, int] = (0, 0)
    shown: Array | None = None


class CheckpointSaved(Event, frozen=True, kw_only=True):
    """A checkpoint is on disk and verified.

    Args:
        kept: it is never deleted in favour of newer ones.
        steps: of all checkpoints that are on the disk now.
    """

    run: str
    step: int
    kept: bool = False
    steps: tuple[int, ...] = ()
