"""Messages about trajectories: generation step by step, whole images at a time."""

from typing import Any, ClassVar, Literal

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.metrics import MetricValues

# ---- commands: trajectories ------------------------------------------------------------------------------------


class RunTrajectory(Command, frozen=True, kw_only=True):
    """Generate step by step, whole images at a time; answered with many ``TrajectoryAppended``, the last one done.

    A newer command for the same run supersedes it.

    Args:
        kind: ``generation``: the family's own chain, denoising or layers; ``training``: the sample grids saved while
            the run trained.
        count: chains side by side.
        steps: transitions requested; of a training, frames.
        seed: seed of all noise.
        start: initial states: ``noise`` (or the prior), ``data`` (images of a split) or ``image``.
        split: split of the images, for ``data``.
        index: number of the first image, for ``data``; the following images initialize the other chains.
        image: (C, H, W) uint8 levels that initialize all chains, for ``image``.
        sampler: fields of the family's SamplerConfig as plain values; those left out have their defaults.
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
    sampler: dict[str, Any] = msgspec.field(default_factory=dict)


# ---- events: trajectories --------------------------------------------------------------------------------------


class TrajectoryAppended(Event, frozen=True, kw_only=True):
    """New frames of chains that run side by side.

    Args:
        start: number of the first of these frames.
        labels: M labels, one for each frame.
        positions: M positions on the trajectory's axis: Gibbs step, timestep t, layer or training step.
        images: (M, N, C, H, W) uint8, 0 … 255.
        metrics: (M, N) values of each quantity.
        steps: number of frames that there will be; 0: unknown.
        weights_step: training step of the weights; of a training, that of the last frame.
        done: this is the last event.
    """

    run: str
    start: int
    labels: tuple[str, ...]
    positions: tuple[int, ...]
    images: Array
    metrics: tuple[MetricValues, ...]
    steps: int
    weights_step: int
    done: bool

    def ends_request(self) -> bool:
        """Return whether this is the last event of its trajectory."""
        return self.done
