"""Messages about generation step by step, whole images at a time."""

from typing import ClassVar, Literal

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.metrics import MetricValues

# ---- commands: trajectories ------------------------------------------------------------------------------------


class RunTrajectory(Command, frozen=True, kw_only=True):
    """Generate step by step, whole images at a time; answered with many ``TrajectoryAppended``, the last one done.

    A newer one for the same run supersedes it.

    Args:
        kind: ``generation``: the family's own chain, denoising or layers; ``training``: the sample grids that were kept
            while the run trained.
        count: generations side by side.
        steps: transitions wanted.
        seed: of all noise.
        start: where the generations begin: ``noise`` (or the prior), ``data`` (images of a split) or ``image``.
        split: for ``data``.
        index: for ``data``: of the first image; the next ones follow.
        image: for ``image``: (C, H, W) uint8 levels, where all of them begin.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    kind: Literal["generation", "training"] = "generation"
    count: int = 4
    steps: int = 100
    seed: int = 0
    start: Literal["noise", "data", "image"] = "noise"
    split: SplitName = "valid"
    index: int = 0
    image: Array | None = None


# ---- events: trajectories --------------------------------------------------------------------------------------


class TrajectoryAppended(Event, frozen=True, kw_only=True):
    """New moments of generations that run side by side.

    Args:
        start: number of the first of these moments on the trajectory.
        labels: M labels, one for each moment.
        images: (M, N, C, H, W) uint8, 0 … 255.
        metrics: (M, N) values of each quantity.
        steps: moments that there will be, about; 0: unknown.
        weights_step: training step of the weights; of a trajectory of the training itself, the last one's.
        done: nothing more comes.
    """

    run: str
    start: int
    labels: tuple[str, ...]
    images: Array
    metrics: tuple[MetricValues, ...]
    steps: int
    weights_step: int
    done: bool

    def ends_request(self) -> bool:
        """The last one is ``done``."""
        return self.done
