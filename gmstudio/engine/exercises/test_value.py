"""Value of a run on the test split: −log p(x) where there is one, else what replaces it."""

import math
from collections.abc import Generator

from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.label_mixture import label_mixture
from gmstudio.engine.evaluation.likelihood import default_samples, has_likelihood, score
from gmstudio.engine.evaluation.sample_quality import NUM_COMPARED, SampleQuality
from gmstudio.engine.plane.grid import grid_of_data, is_points
from gmstudio.engine.plane.metrics import Reference
from gmstudio.engine.plane.surface import Surface
from gmstudio.families.base import Family
from gmstudio.protocol.exercises import TestValue

SPLIT = "test"


def test_value(
    model: Family, dataset: Dataset, surface: Surface | None, seed: int = 0
) -> Generator[None, None, TestValue]:
    """Compute the test value piece by piece; returns it.

    A likelihood, its bound or its estimate where the family has one; for points of a known distribution KL(p* ‖ p) of
    the histogram of samples; else the coverage of the test images by samples.

    Args:
        model: in evaluation mode.
        dataset: that it was trained on.
        surface: density of the model over the grid of points; None: the images are no points, or it has none.
        seed: of all noise.
    """
    images = dataset.view(SPLIT, range(len(dataset.test)))
    if has_likelihood(model):
        samples, mixture = default_samples(model, len(images)), label_mixture(model, dataset.train.labels)
        for result in score(model, images, samples, seed, mixture=mixture):
            if result is not None:
                unit = "nats per point" if is_points(model.image) else "nats per image"
                return TestValue(
                    value=-result.mean_nats, error=result.error_nats, unit=unit, kind=result.kind, images=len(images)
                )
            yield None
    if surface is not None and surface.method is not None and dataset.truth is not None:
        metrics = Reference.of(grid_of_data(model, dataset), dataset).measure(surface)
        kind = f"KL(p* ‖ p) over the grid, p by {surface.method}"
        return TestValue(value=metrics.forward_kl, error=math.nan, unit="nats", kind=kind, images=len(images))
    quality = SampleQuality(dataset, model.device, seed, SPLIT, min(len(images), NUM_COMPARED))
    for shares in quality.measure(model):
        if shares is not None:
            kind = "coverage: share of the test images with a sample in their neighbourhood; higher is better"
            return TestValue(
                value=shares["samples_coverage"], error=math.nan, unit="", kind=kind, images=quality.num_compared
            )
        yield None
    raise AssertionError("a score and a measurement end with their result")
