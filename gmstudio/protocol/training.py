"""Messages about training: start, pause, step, stop, checkpoints, diagnostics."""

from typing import Literal

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.run_spec import RunSpec

# ---- commands: training and runs ----------------------------------------------------------------------------


class StartTraining(Command, frozen=True, kw_only=True):
    """Begin a run; answered with ``RunOpened``. One run trains at a time.

    Args:
        spec: the settings of the run.
        folder: path of the run folder to be made; empty: a new one in the library of runs.
    """

    spec: RunSpec
    folder: str = ""


class ResumeRun(Command, frozen=True, kw_only=True):
    """Continue a run on disk from its latest checkpoint; ``steps`` moves its end; answered with ``RunOpened``."""

    run: str
    steps: int | None = None


class PauseTraining(Command, frozen=True, kw_only=True):
    """Stand still after the current step; no checkpoint is written."""


class ResumeTraining(Command, frozen=True, kw_only=True):
    """Continue after a pause."""


class StepTraining(Command, frozen=True, kw_only=True):
    """While paused: make ``count`` steps and pause again; ``phases`` names those to run, empty: all of them."""

    count: int = 1
    phases: tuple[str, ...] = ()


class PaceTraining(Command, frozen=True, kw_only=True):
    """Limit the rate of the run in training, or train only some of its phases, until the next such command.

    Args:
        steps_per_s: upper limit; 0: none.
        phases: names of the phases to run; empty: all of them.
    """

    steps_per_s: float = 0.0
    phases: tuple[str, ...] = ()


class StopTraining(Command, frozen=True, kw_only=True):
    """End the run here and keep it: a checkpoint is written, it can be resumed later."""


class KeepCheckpoint(Command, frozen=True, kw_only=True):
    """Keep the latest checkpoint of a run from being deleted; the run in training first writes one of its step.

    Args:
        keep: False: allow all kept checkpoints to be deleted.
    """

    run: str
    keep: bool = True


class DrawFigures(Command, frozen=True, kw_only=True):
    """Draw the figures of a run's diagnostics with its current weights; answered with ``FiguresDrawn``."""

    run: str


class TrainingChanged(Event, frozen=True, kw_only=True):
    """The run in training changed its status: running, paused, stopped, finished or failed (with a message)."""

    run: str
    status: Literal["running", "paused", "stopped", "finished", "failed"]
    step: int
    message: str = ""


class FigureDrawn(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of a model's diagnostics.

    Args:
        kind: ``histogram``: ``values`` (S, N) counts of N bins between N + 1 ``edges``; ``bars``: (S, N), one bar each;
            ``images``: a grid.
        name: unique in the family.
        title: heading, with the unit.
        help: one sentence.
        series: S names; for images those of the grid's columns, or none.
        edges: (N + 1,) float32.
        values: (S, N) float32.
        reference: (N,) float32, to compare the values with.
        images: (M, C, H, W) uint8, 0 … 255.
        columns: of the grid; 0: as many as fit.
    """

    kind: Literal["histogram", "bars", "images"]
    name: str
    title: str
    help: str
    series: tuple[str, ...] = ()
    edges: Array | None = None
    values: Array | None = None
    reference: Array | None = None
    images: Array | None = None
    columns: int = 0


class FiguresDrawn(Event, frozen=True, kw_only=True):
    """Figures of the weights of a step, on request."""

    run: str
    step: int
    figures: tuple[FigureDrawn, ...]


class CheckpointSaved(Event, frozen=True, kw_only=True):
    """A checkpoint is on disk and verified.

    Args:
        kept: it is never deleted in favour of newer ones.
    """

    run: str
    step: int
    kept: bool = False
