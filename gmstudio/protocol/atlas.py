"""Messages of the Atlas: samples drawn live, what a sample costs, and demonstrations."""

from typing import ClassVar, Literal

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.scenes import Scene

LiveKind = Literal["samples", "means", "decoded codes"]
"""Samples; means of p(x|z) for codes drawn from the prior; or random codes decoded by a model that is no generative
one."""


class DemonstrationCard(msgspec.Struct, frozen=True, kw_only=True):
    """Description of a demonstration.

    Args:
        name: its key.
        title: two or three words.
        sentence: one sentence on what it shows.
        families: names of the families that it shows; a ready model of each is used where there is one.
    """

    name: str
    title: str
    sentence: str
    families: tuple[str, ...]


# ---- commands ----------------------------------------------------------------------------------------------------


class DrawLiveSamples(Command, frozen=True, kw_only=True):
    """Draw a few samples of a run's model; answered with many ``LiveSamplesDrawn``, the last one done.

    Args:
        run: name of the run.
        count: number of images.
        seed: seed of all noise.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("run", "count")

    run: str
    count: int = 16
    seed: int = 0


class MeasureSampling(Command, frozen=True, kw_only=True):
    """Count what one sample of a run's model costs; answered with ``SamplingMeasured``."""

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str


class RunDemonstration(Command, frozen=True, kw_only=True):
    """Compute a demonstration; answered with many ``SceneShown``, the last one done. A newer one supersedes it.

    Args:
        name: key of the demonstration.
        models: family → name of a run whose model is used; where a family is missing, a small model is trained.
        seed: seed of all noise and of all training.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ()

    name: str
    models: dict[str, str] = msgspec.field(default_factory=dict)
    seed: int = 0


# ---- events ------------------------------------------------------------------------------------------------------


class LiveSamplesDrawn(Event, frozen=True, kw_only=True):
    """Samples of a run's model, complete or growing.

    Args:
        run: name of the run.
        kind: what the images are.
        images: (N, C, H, W) uint8, 0 … 255; sub-pixels that are not drawn yet are black.
        share: share of the sub-pixels that are drawn, 0 to 1.
        engine_ms: time that the engine computed until now for all N images, in milliseconds.
        weights_step: training step of the weights.
        done: the images are complete.
    """

    run: str
    kind: LiveKind
    images: Array
    share: float
    engine_ms: float
    weights_step: int
    done: bool

    def ends_request(self) -> bool:
        """Return whether the images are complete."""
        return self.done


class SamplingMeasured(Event, frozen=True, kw_only=True):
    """Cost of one sample, counted while one was drawn.

    Args:
        run: name of the run.
        passes: passes through the network that generates, one after another; 0: it has no network to count.
        by_pixel: a pass for each sub-pixel.
        num_parameters: trainable scalars.
        latent_dims: dimensions of its code; 0: it has none.
    """

    run: str
    passes: int
    by_pixel: bool
    num_parameters: int
    latent_dims: int


class SceneShown(Event, frozen=True, kw_only=True):
    """State of a demonstration.

    Args:
        name: key of the demonstration.
        scene: what is drawn.
        done: the demonstration has ended.
    """

    name: str
    scene: Scene
    done: bool

    def ends_request(self) -> bool:
        """Return whether the demonstration has ended."""
        return self.done
