"""Messages of the page Samples of the Density panel: how good the samples of a model are.

Samples are drawn with the default settings of the family, and kept in the engine under a key while it runs.
"""

from typing import ClassVar, Literal

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.images import ImageSpec

MIN_SAMPLES, MAX_SAMPLES = 20, 10_000
"""Numbers of samples of a measurement."""
MAX_NEIGHBOUR = 50
"""Largest k."""

SpaceKind = Literal["classifier", "random", "pixels", "inception"]
Better = Literal["low", "high", "one"]
"""Which values of a number are good: low ones, high ones, or those near 1."""


class SampleSpace(msgspec.Struct, frozen=True, kw_only=True):
    """Choice of the features in which samples are compared with images.

    Args:
        kind: ``classifier``: the last hidden layer of a small convolutional classifier that is trained on the labelled
            training images; ``random``: the same network with random weights; ``pixels``; ``inception``: pool3 of
            Inception-v3 with weights of the user.
        weights: of ``inception``: path of the file of weights.
        pickled: of ``inception``: read ``.pt`` and ``.pth`` files, too.
    """

    kind: SpaceKind = "classifier"
    weights: str = ""
    pickled: bool = False


class QualityNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A number about the quality of samples.

    Args:
        name: key, for example ``precision``.
        title: for display; contains the feature space.
        value: of the samples.
        error: its standard error; NaN: unknown.
        reference: of held-out images in place of the samples; NaN: there are none.
        reference_error: its standard error; NaN: unknown.
        better: which values are good.
    """

    name: str
    title: str
    value: float
    error: float
    reference: float
    reference_error: float
    better: Better


class DistanceCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Fréchet distance over the number of images.

    Args:
        counts: (S,) int64, rising.
        values: (S,) float64.
        errors: (S,) float64: spread of one measurement; the last: standard error.
        limit: for n → ∞; NaN: unknown.
        limit_error: its standard error; NaN: unknown.
    """

    counts: Array
    values: Array
    errors: Array
    limit: float
    limit_error: float


class ClassShares(msgspec.Struct, frozen=True, kw_only=True):
    """Classes of samples, as a classifier assigns them.

    Args:
        names: of the K classes.
        samples: (K,) float64 shares of the samples.
        data: (K,) float64 shares of the training images' labels.
        confidence: mean probability of the assigned class, of the samples.
        reference_confidence: of held-out images; NaN: there are none.
        accuracy: of the classifier on validation images; NaN: there are none.
    """

    names: tuple[str, ...]
    samples: Array
    data: Array
    confidence: float
    reference_confidence: float
    accuracy: float


class Memorization(msgspec.Struct, frozen=True, kw_only=True):
    """Distances of samples to their nearest training images, and those of held-out images.

    Args:
        space: title of the space of the distances.
        indices: (N, K) int64 numbers of the nearest training images of each sample, the nearest first.
        distances: (N, K) float64.
        percentiles: (N,) float64, 0 … 100, of each sample's distance among those of the held-out images; NaN: there
            are none.
        held_out: (M,) float64 distances of held-out images to their nearest training image.
        z: standardized statistic of the Mann–Whitney test; NaN: there are no held-out images.
        p_value: one-sided: samples are closer to training images than held-out images are.
    """

    space: str
    indices: Array
    distances: Array
    percentiles: Array
    held_out: Array
    z: float
    p_value: float


class SampleReport(msgspec.Struct, frozen=True, kw_only=True):
    """Quality of the samples of a model.

    Args:
        key: of the samples, for ``FetchDrawnSamples``.
        count: number of samples, N.
        image: their shape and levels.
        data: short name of the data set.
        label_names: label → name; empty: labels are their own names.
        space: title of the feature space.
        num_features: of the space.
        sampler: settings of sampling; empty: there are none.
        num_training: training images that the samples are compared with.
        num_held_out: held-out images that give the reference.
        numbers: the numbers.
        curve: Fréchet distance over the number of samples.
        reference_curve: that of the held-out images; None: there are too few.
        classes: None: the images have no labels.
        memorization: one or two, the first in pixels.
        warnings: sentences.
        weights_step: training step of the weights.
    """

    key: str
    count: int
    image: ImageSpec
    data: str
    label_names: tuple[str, ...] = ()
    space: str
    num_features: int
    sampler: str
    num_training: int
    num_held_out: int
    numbers: tuple[QualityNumber, ...]
    curve: DistanceCurve
    reference_curve: DistanceCurve | None
    classes: ClassShares | None
    memorization: tuple[Memorization, ...]
    warnings: tuple[str, ...]
    weights_step: int


class EstimateSampling(Command, frozen=True, kw_only=True):
    """Estimate how long it takes to draw samples, by drawing a few; answered with ``SamplingEstimated``.

    Args:
        run: name of the run.
        count: number of samples.
        seed: of the samples.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    count: int
    seed: int = 0


class MeasureSamples(Command, frozen=True, kw_only=True):
    """Draw samples and measure their quality; answered with ``SamplesMeasured`` many times, the last done.

    Args:
        run: name of the run.
        count: number of samples, ``MIN_SAMPLES`` … ``MAX_SAMPLES``.
        space: features in which they are compared with images.
        neighbour: k of precision and recall.
        coverage_neighbour: k of density and coverage.
        seed: of the samples, and of choices of images.
    """

    background: ClassVar[bool] = True
    superseded_within: ClassVar[tuple[str, ...] | None] = ("run",)

    run: str
    count: int = 1000
    space: SampleSpace = SampleSpace()
    neighbour: int = 3
    coverage_neighbour: int = 5
    seed: int = 0


class FetchDrawnSamples(Command, frozen=True, kw_only=True):
    """Fetch kept samples; answered with ``DrawnSamplesFetched``.

    Args:
        key: of the samples.
        indices: (n,) int64 numbers of samples, at most 4096.
    """

    key: str
    indices: Array


class SamplingEstimated(Event, frozen=True, kw_only=True):
    """Time that samples take.

    Args:
        run: name of the run.
        count: number of samples.
        kept: samples that are drawn already.
        seconds: that the others take; negative: longer than could be measured.
        sampler: settings of sampling; empty: there are none.
        weights_step: training step of the weights.
    """

    run: str
    count: int
    kept: int
    seconds: float
    sampler: str
    weights_step: int


class SamplesMeasured(Event, frozen=True, kw_only=True):
    """Progress of a measurement, or its result.

    Args:
        run: name of the run.
        stage: of the work, for example ``drawing samples``.
        done: of the stage.
        total: of the stage; 0: unknown.
        rate: units per second; 0: unknown.
        seconds_left: of the stage; negative: unknown.
        report: the result, in the last reply.
    """

    run: str
    stage: str = ""
    done: int = 0
    total: int = 0
    rate: float = 0.0
    seconds_left: float = -1.0
    report: SampleReport | None = None

    def ends_request(self) -> bool:
        """Return whether this is the last reply."""
        return self.report is not None


class DrawnSamplesFetched(Event, frozen=True, kw_only=True):
    """Samples.

    Args:
        indices: their numbers, (n,) int64.
        images: (n, C, H, W) uint8 levels.
        image: shape and levels.
    """

    indices: Array
    images: Array
    image: ImageSpec
