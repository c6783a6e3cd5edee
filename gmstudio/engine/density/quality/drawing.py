"""Samples for a measurement: drawn in batches of fixed sizes and kept in memory, with an estimate of the time.

Batch b has noise of its own from the seed and b, so that more samples continue those that were drawn before.

Shapes: N samples, C channels, H rows, W columns.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import torch
from cachetools import LRUCache
from numpy.typing import NDArray

from gmstudio.engine.density.quality.progress import Step
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.runtime.inspection import exploring_pieces
from gmstudio.engine.sampling.settings import sampler_of, sampler_text
from gmstudio.families.base import Autoregressive, Family, Sampler
from gmstudio.families.generation import sample_in_pieces
from gmstudio.protocol.images import ImageSpec

KEPT = 6
"""Models whose samples are kept."""
BY_PIXELS = (50, 50, 100, 200)
"""Sizes of the batches of autoregressive families, whose steps take long for few images, too; the last repeats."""
AT_ONCE = 16
"""Size of the batches of the others, which are short pieces of work on a CPU."""
ON_A_GPU = 200
PROBED_S, GIVEN_UP_S = 0.7, 4.0
"""Time after which an estimate is good enough, and after which it is given up."""
PROBED_SIZE = 16
"""Samples at once that are tried even where that takes longer, as few samples say little of many."""
STAGE = "drawing samples"

Images = NDArray[np.uint8]


@dataclass(eq=False)
class KeptSamples:
    """Samples of a model.

    Args:
        key: identity of weights and seed.
        image: shape and levels.
        seed: of the noise.
    """

    key: str
    image: ImageSpec
    seed: int
    _batches: list[Images] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Number of samples so far."""
        return sum(len(batch) for batch in self._batches)

    def images(self, count: int) -> Images:
        """Return the first samples, (count, C, H, W) uint8."""
        return np.concatenate(self._batches)[:count] if self._batches else np.zeros((0, *self.image.shape), np.uint8)

    def at(self, indices: NDArray[np.int64]) -> Images:
        """Return samples by their numbers.

        Raises:
            ValueError: for a number that there is not.
        """
        bad = indices[(indices < 0) | (indices >= self.count)]
        if bad.size:
            raise ValueError(f"There is no sample {bad[0]}; they go from 0 to {self.count - 1}.")
        return self.images(self.count)[indices]

    def draw(self, model: Family, count: int) -> Iterator[Step | None]:
        """Draw until there are ``count`` samples; yields after each piece."""
        while self.count < count:
            number = len(self._batches)
            generator = torch.Generator(model.device).manual_seed(batch_seed(self.seed, number))
            yield Step(STAGE, min(self.count, count), count)
            assert isinstance(model, Sampler)
            pieces = sample_in_pieces(model, batch_size(model, number), generator)
            for images in exploring_pieces(model, pieces):
                if images is None:
                    yield None
                else:
                    self._batches.append(images.to(torch.uint8).cpu().numpy())
        yield Step(STAGE, count, count)


class SampleStore:
    """Samples of the models that were measured last."""

    def __init__(self) -> None:
        self._kept: LRUCache[str, KeptSamples] = LRUCache(KEPT)

    def open(self, subject: Subject, seed: int) -> KeptSamples:
        """Return the samples of a model with its present weights, those that were drawn before included."""
        model = subject.model
        identity = (model.card.name, model.config, str(model.image), subject.weights, seed)
        key = hashlib.sha256(repr(identity).encode()).hexdigest()
        if key not in self._kept:
            self._kept[key] = KeptSamples(key, model.image, seed)
        return self._kept[key]

    def find(self, key: str) -> KeptSamples:
        """Return kept samples.

        Raises:
            ValueError: when they are not kept any more.
        """
        if key not in self._kept:
            raise ValueError("These samples are not in memory any more. Measure again to draw them with the same seed.")
        return self._kept[key]


def batch_seed(seed: int, number: int) -> int:
    """Seed of the noise of a batch."""
    return int(np.random.SeedSequence([seed, number, 11]).generate_state(1, np.uint32)[0])


def batch_size(model: Family, number: int) -> int:
    """Size of a batch."""
    if isinstance(model, Autoregressive):
        return BY_PIXELS[min(number, len(BY_PIXELS) - 1)]
    return AT_ONCE if model.device.type == "cpu" else ON_A_GPU


def sampler_words(model: Family) -> str:
    """Settings of sampling at their defaults; empty: there are none."""
    return sampler_text(sampler_of(model, {}, "samples"), "samples")


def refuse_sampling(model: Family) -> str:
    """Return why a model cannot be sampled, a sentence; empty: it can."""
    if isinstance(model, Sampler):
        return ""
    return f"{model.card.title} is no generative model: it has no samples. Choose a run of another family, like VAE."


def estimate_seconds(model: Family, kept: int, count: int) -> Iterator[float | None]:
    """Estimate how long drawing takes, by drawing a few samples: yields None after each piece, then seconds.

    The time of a batch is taken as a constant and a part for each sample.

    Args:
        model: to be sampled.
        kept: samples that are drawn already.
        count: number of samples.

    Returns:
        A generator whose last value is the time of the others; negative where a single sample takes too long to say.
    """
    sizes = _sizes_left(model, kept, count)
    if not sizes:
        yield 0.0
        return
    measured: list[tuple[int, float]] = []
    size = 1
    while size <= max(sizes) and _worth_more(measured):
        spent, pieces = 0.0, 0
        generator = torch.Generator(model.device).manual_seed(size)
        assert isinstance(model, Sampler)
        work = exploring_pieces(model, sample_in_pieces(model, size, generator))
        images = None
        while images is None:
            began = perf_counter()
            images = next(work)
            spent += perf_counter() - began
            pieces += 1
            if spent > GIVEN_UP_S and images is None:
                work.close()  # type: ignore[attr-defined]
                whole = spent * model.image.num_dims / pieces if isinstance(model, Autoregressive) else -1.0
                yield whole * len(sizes)
                return
            yield None
        measured.append((size, spent))
        size *= 4
    yield _extrapolated(measured[1:] or measured, sizes)  # the first pass warms up


def _worth_more(measured: list[tuple[int, float]]) -> bool:
    """Return whether to try more samples at once."""
    spent = sum(seconds for _, seconds in measured)
    return spent < PROBED_S or (spent < GIVEN_UP_S and measured[-1][0] < PROBED_SIZE)


def _sizes_left(model: Family, kept: int, count: int) -> list[int]:
    """Sizes of the batches that are to be drawn."""
    sizes: list[int] = []
    number = drawn = 0
    while drawn < count:
        size = batch_size(model, number)
        if drawn >= kept:
            sizes.append(size)
        drawn, number = drawn + size, number + 1
    return sizes


def _extrapolated(measured: list[tuple[int, float]], sizes: list[int]) -> float:
    if len(measured) == 1:
        size, seconds = measured[0]
        return sum(seconds * (1.0 if wanted <= size else wanted / size) for wanted in sizes)
    (small, quick), (large, slow) = measured[-2:]
    each = max((slow - quick) / (large - small), 0.0)
    constant = max(slow - each * large, 0.0)
    return sum(constant + each * size for size in sizes)
