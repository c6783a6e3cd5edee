"""Test figures of the ready models, as ``gmstudio score`` computes them."""

from collections.abc import Iterator
from typing import TypeVar

import msgspec
from msgspec import Struct

from benchmarks.shipped.recipe import ExampleScore
from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.label_mixture import label_mixture
from gmstudio.engine.evaluation.likelihood import default_samples, has_likelihood, score
from gmstudio.engine.evaluation.reconstruction import reconstruction_errors, reconstructs
from gmstudio.engine.evaluation.sample_quality import NUM_COMPARED, SampleQuality
from gmstudio.families.base import Family

T = TypeVar("T")


class Figure(Struct, frozen=True, kw_only=True):
    """Figure of a model on test images.

    Args:
        kind: what was computed.
        num_images: test images.
        nats: mean −log p(x), or the bound or estimate of it; None where there is none.
        error_nats: standard error of the mean.
        bits_per_dim: the mean in bits per sub-pixel.
        shares: name → share, of the quality of samples; empty where there is a likelihood.
        mse: mean squared error of reconstructions per sub-pixel, black 0 and white 1; None where there is a likelihood.
        warning: limitation of the figure; empty: none.
    """

    kind: str
    num_images: int
    nats: float | None = None
    error_nats: float | None = None
    bits_per_dim: float | None = None
    shares: dict[str, float] = {}  # msgspec copies empty defaults
    mse: float | None = None
    warning: str = ""


def figure_of(model: Family, dataset: Dataset, settings: ExampleScore) -> Figure:
    """Score a model on the first test images, which are balanced by class."""
    count = min(settings.num_images, len(dataset.test))
    images = dataset.view("test", range(count))
    if settings.temperatures:
        model.config = msgspec.structs.replace(model.config, num_temperatures=settings.temperatures)
    if has_likelihood(model):
        samples = settings.num_samples or default_samples(model, count)
        found = _last(score(model, images, samples, mixture=label_mixture(model, dataset.train.labels)))
        return Figure(
            kind=found.kind,
            num_images=count,
            nats=round(-found.mean_nats, 3),
            error_nats=round(found.error_nats, 3),
            bits_per_dim=round(found.bits_per_dim, 5),
            warning=found.warning,
        )
    if reconstructs(model):
        return Figure(
            kind="mean squared error of reconstructions",
            num_images=count,
            mse=round(float(_last(reconstruction_errors(model, images)).mean()), 6),
        )
    quality = SampleQuality(dataset, model.device, 0, "test", min(count, NUM_COMPARED))
    shares = {name: round(share, 3) for name, share in _last(quality.measure(model)).items()}
    return Figure(kind="quality of samples", num_images=quality.num_compared, shares=shares)


def as_plain(figure: Figure) -> dict[str, object]:
    """Figure as plain values, without those that it has not."""
    plain: dict[str, object] = msgspec.to_builtins(figure)
    return {name: value for name, value in plain.items() if value not in (None, "", {})}


def _last(pieces: Iterator[T | None]) -> T:
    return next(piece for piece in pieces if piece is not None)
