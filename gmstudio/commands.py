"""What the window asks of the engine, but for codes and timelines (``latent_commands``).

Every command carries a request number that its reply repeats.
"""

from typing import Any, Literal

import msgspec

from gmstudio.array import Array


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of what the window asks of the engine."""

    request: int = 0


# ---- commands: the engine -------------------------------------------------------------------------------


class Ping(Command, frozen=True, kw_only=True):
    """Answered at once with ``Pong``, even during a long step."""


class ChooseDevice(Command, frozen=True, kw_only=True):
    """Use this device from the next model on: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``."""

    device: str


class Shutdown(Command, frozen=True, kw_only=True):
    """Checkpoint whatever trains, then exit 0."""


# ---- commands: data ---------------------------------------------------------------------------------------


class BrowseData(Command, frozen=True, kw_only=True):
    """Load a data source and show images of one split, from ``start`` on; answered with ``DataBrowsed``."""

    data: str
    data_config: dict[str, Any]
    split: Literal["train", "valid", "test"] = "train"
    start: int = 0
    count: int = 64


class DescribeModel(Command, frozen=True, kw_only=True):
    """Check a config against a data source without training; answered with ``ModelDescribed``."""

    family: str
    config: dict[str, Any]
    data: str
    data_config: dict[str, Any]
    training: dict[str, Any] = {}


# ---- commands: training and runs ----------------------------------------------------------------------------


class StartTraining(Command, frozen=True, kw_only=True):
    """Begin a run; answered with ``RunOpened``. One run trains at a time.

    Args:
        folder: where the run folder goes; empty: a new one in the library of runs.
    """

    family: str
    config: dict[str, Any]
    data: str
    data_config: dict[str, Any]
    training: dict[str, Any]
    folder: str = ""


class ResumeRun(Command, frozen=True, kw_only=True):
    """Continue a run on disk from its latest checkpoint; ``steps`` moves its end; answered with ``RunOpened``."""

    run: str
    steps: int | None = None


class PauseTraining(Command, frozen=True, kw_only=True):
    """Stand still after the current step; no checkpoint is written."""


class ResumeTraining(Command, frozen=True, kw_only=True):
    """Go on after a pause."""


class StepTraining(Command, frozen=True, kw_only=True):
    """While paused: make ``count`` steps and pause again; ``phases`` names those to run, empty: all of them."""

    count: int = 1
    phases: tuple[str, ...] = ()


class PaceTraining(Command, frozen=True, kw_only=True):
    """Slow the run in training down, or train only some of its phases, until told otherwise.

    Args:
        steps_per_s: at most so many; 0: as fast as it goes.
        phases: names of the phases to run; empty: all of them.
    """

    steps_per_s: float = 0.0
    phases: tuple[str, ...] = ()


class StopTraining(Command, frozen=True, kw_only=True):
    """End the run here and keep it: a checkpoint is written, it can be resumed later."""


class MarkCheckpoint(Command, frozen=True, kw_only=True):
    """Keep a checkpoint for good (or no longer); of the run in training, write one at the current step first."""

    run: str
    marked: bool = True


class ListRuns(Command, frozen=True, kw_only=True):
    """Answered with ``RunsListed``."""


class OpenRun(Command, frozen=True, kw_only=True):
    """Get ready to explore a run (and to show its history); answered with ``RunOpened``, then ``HistoryAppended``."""

    run: str


class FetchSamples(Command, frozen=True, kw_only=True):
    """The kept sample grid of a run at a step (the nearest one not after it); answered with ``SamplesDrawn``."""

    run: str
    step: int


class DrawFigures(Command, frozen=True, kw_only=True):
    """Draw the figures of a run's insides with its current weights; answered with ``FiguresDrawn``."""

    run: str


class KeepNotes(Command, frozen=True, kw_only=True):
    """Keep small things with a run that a person gave it: names of dimensions, directions; they replace the former."""

    run: str
    notes: dict[str, Any]


# ---- commands: pixels ---------------------------------------------------------------------------------------


class OpenPixels(Command, frozen=True, kw_only=True):
    """Open a step-by-step generation with the run's current weights; answered with ``PixelsOpened``.

    The session keeps the weights that it was opened with, so its numbers stay exact while training goes on.

    Args:
        seed: of the uniforms that turn probabilities into values.
        given: (C, H, W) levels whose first ``first`` sub-pixels are placed; None: an empty image. As many as fit in
            a few frames are placed at once; the others stand on the remembered path (see ``RewindPixels``).
        first: sub-pixels of ``given`` that are placed, in the generation order.
        weights_of: an open generation of the same run whose weights are to be used; 0: the run's current weights.
        order: name of the generation order (``PixelsOpened.orders`` says which there are), ``painted`` for that of
            ``ranks``; empty: the model's own.
        order_seed: of the shuffled order.
        ranks: (H, W) float32, for ``painted``: pixels of lower rank come first, equal ones row by row.
        mask: (C, H, W) bool: sub-pixels of ``given`` that are given. They come first, the others follow, both in the
            chosen order; so ``first`` counts the given ones first. Any set for order-agnostic models; for the others
            only one that comes first in their order anyway.
        label: class to condition on, for class-conditional models; −1: none.
    """

    run: str
    seed: int = 0
    given: Array | None = None
    first: int = 0
    weights_of: int = 0
    order: str = ""
    order_seed: int = 0
    ranks: Array | None = None
    mask: Array | None = None
    label: int = -1


class AdvancePixels(Command, frozen=True, kw_only=True):
    """Generate up to ``count`` sub-pixels, for at most ``budget_ms``; answered with ``PixelsMoved``.

    Values on the remembered path (see ``RewindPixels``) are placed again; beyond it new ones are drawn. A breakpoint
    ends it early, and is passed by the first sub-pixel of the next command.

    Args:
        stop_entropy: stop before a sub-pixel whose conditional has a larger entropy, nats; None: never.
        stop_probability: stop after a sub-pixel whose value was less likely than this; None: never.
    """

    session: int
    count: int = 1
    temperature: float = 1.0
    budget_ms: float = 12.0
    stop_entropy: float | None = None
    stop_probability: float | None = None


class PlacePixel(Command, frozen=True, kw_only=True):
    """Commit this value at the current position; forgets the path beyond; answered with ``PixelsMoved``."""

    session: int
    value: int


class EditPixel(Command, frozen=True, kw_only=True):
    """Change the value of a sub-pixel that is placed already; answered with ``PixelsMoved``.

    Args:
        step: of the sub-pixel, before the current one.
        value: its new level.
        keep: what was placed after it stays and is scored anew; otherwise it is drawn again, from the same uniforms.
            Either happens along the way back to where the generation stood, a few frames at a time: the reply may
            stand at an earlier step, with the kept values on the remembered path.
        temperature: of what is drawn again.
    """

    session: int
    step: int
    value: int
    keep: bool = True
    temperature: float = 1.0


class RewindPixels(Command, frozen=True, kw_only=True):
    """Go to ``step``, back or forward along the remembered path; answered with ``PixelsMoved``.

    Given sub-pixels that no conditional was computed for yet are scored on the way; when that takes longer than a
    few frames the reply stands at an earlier step, and the same command goes on from there.
    """

    session: int
    step: int


class ForgetPath(Command, frozen=True, kw_only=True):
    """Drop the path beyond the current step (a new seed for what follows); answered with ``PixelsMoved``."""

    session: int
    seed: int


class ForkPixels(Command, frozen=True, kw_only=True):
    """Continue the current prefix in ``count`` ways; answered with ``PixelsForked`` many times, the last one done.

    Args:
        likeliest: the first continuation takes the most likely value of each conditional instead of drawing one.
    """

    session: int
    count: int = 16
    seed: int = 0
    temperature: float = 1.0
    likeliest: bool = False


class ExplainPixel(Command, frozen=True, kw_only=True):
    """What a conditional looks at, and what it is made of; answered with ``PixelExplained``.

    Args:
        step: of the sub-pixel, at most the current one; −1: the next one.
        value: the level whose log-probability is explained; −1: the placed one, or the most likely one of the next.
    """

    session: int
    step: int = -1
    value: int = -1


class ComparePixels(Command, frozen=True, kw_only=True):
    """What another run's model makes of the same sub-pixels in the same order; answered with ``PixelsCompared``.

    Args:
        session: the generation whose placed sub-pixels are scored.
        run: of the other model, with its current weights; it must have the same kind of images, and generate in the
            session's order.
    """

    session: int
    run: str


class ClosePixels(Command, frozen=True, kw_only=True):
    """Let a session go."""

    session: int
