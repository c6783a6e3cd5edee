"""Value of a run on test images for its report, with its standard error and how it was measured.

The likelihood, its bound or its estimate where the family has one, from the scores that are kept with the run; the
divergence from a known density of points; the error of reconstructions; else the coverage of test images by samples.
"""

import math
import time
from collections.abc import Generator
from contextlib import closing

import numpy as np

from gmstudio.data.dataset import Dataset
from gmstudio.engine.density.opened_images import OpenedImages
from gmstudio.engine.density.scoring import score_and_keep
from gmstudio.engine.density.statistics.log_prob import LogProb
from gmstudio.engine.density.subject import Subject
from gmstudio.engine.evaluation.likelihood import has_likelihood
from gmstudio.engine.evaluation.reconstruction import reconstruction_errors, reconstructs
from gmstudio.engine.exercises.test_value import test_value
from gmstudio.engine.plane.grid import is_points
from gmstudio.engine.plane.surface import Surface
from gmstudio.engine.runs.report.content import Figure
from gmstudio.protocol.density import StatisticSettings

SEED = 0
SPLIT = "test"

FigureWork = Generator[float, None, Figure]
"""Share that is done after each piece; returns the value."""


def measure_figure(subject: Subject, dataset: Dataset, surface: Surface | None, num_images: int) -> FigureWork:
    """Compute the value piece by piece.

    Args:
        subject: the model.
        dataset: that it was trained on.
        surface: density of a model of points; None: there is none.
        num_images: most test images; 0: all.
    """
    total = len(dataset.test)
    count = min(num_images, total) if num_images else total
    began = time.monotonic()
    if has_likelihood(subject.model):
        return (yield from _likelihood(subject, dataset, count, began))
    if reconstructs(subject.model):
        return (yield from _reconstruction(subject, dataset, count, began))
    found = test_value(subject.model, dataset, surface, SEED)
    while True:
        try:
            next(found)
        except StopIteration as end:
            value = end.value
            break
        yield 0.5
    measured = f"{value.images:,} test images, seed {SEED}, {_seconds(began)}"
    error = value.error
    if math.isnan(error) and 0 < value.value < 1 and not value.unit:  # a share of the images
        error = math.sqrt(value.value * (1 - value.value) / value.images)
    return Figure(value.value, error, value.unit, value.kind, False, math.nan, math.nan, measured)


def _likelihood(subject: Subject, dataset: Dataset, count: int, began: float) -> FigureWork:
    statistic = LogProb(subject, StatisticSettings(), SEED)
    images = dataset.view(SPLIT, range(count))
    labels = dataset.test.labels
    opened = OpenedImages(
        images, subject.model.image, None if labels is None else labels[:count], (), f"{dataset.source}, {SPLIT}"
    )
    with closing(score_and_keep(statistic, opened, SEED)) as pieces:
        for scores in pieces:
            yield scores.done / count
    values = scores.values[np.isfinite(scores.values)]
    error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    mean, image = -float(values.mean()) if len(values) else math.nan, subject.model.image
    what = "points" if is_points(image) else "images"
    kept = f", {scores.kept:,} of them kept from before" if scores.kept else ""
    return Figure(
        value=mean,
        error=error,
        unit="nats per point" if is_points(image) else "nats per image",
        kind=f"−log p(x), {scores.kind_text}",
        is_bound=statistic.kind == "lower bound",
        bits=image.bits_per_dim(mean),
        bits_error=image.bits_per_dim(error),
        measured=f"{len(values):,} of {len(dataset.test):,} test {what}{kept}, seed {SEED}, {_seconds(began)}",
        warnings=scores.warnings,
    )


def _reconstruction(subject: Subject, dataset: Dataset, count: int, began: float) -> FigureWork:
    errors = np.zeros(0)
    for part in reconstruction_errors(subject.model, dataset.view(SPLIT, range(count))):
        errors = errors if part is None else part
        yield 0.5
    return Figure(
        value=float(errors.mean()),
        error=float(errors.std(ddof=1)) / math.sqrt(count) if count > 1 else math.nan,
        unit="",
        kind="mean squared error of reconstructions over the sub-pixels, black 0, white 1; no likelihood",
        is_bound=False,
        bits=math.nan,
        bits_error=math.nan,
        measured=f"{count:,} of {len(dataset.test):,} test images, {_seconds(began)}",
    )


def _seconds(began: float) -> str:
    return f"{time.monotonic() - began:.1f} s"
