"""Memorization: are samples closer to the training images than held-out images are?

Each sample's distance to its nearest training image is compared with those of held-out images to theirs. Where the
samples' are smaller (one-sided Mann–Whitney test), the model copies, or its samples are smoother than images: the
nearest images beside each sample show which. A sample's percentile is the share of held-out images that are as close
to a training image as it is, or closer; 0 is closer than any.

Nearest images are found in single precision; the distances of some more candidates are then computed exactly.

Source: Meehan, Chaudhuri & Dasgupta 2020, A Non-Parametric Test to Detect Data-Copying in Generative Models,
arXiv:2004.05675, section 3 (its test on the whole space, without a partition).

Shapes: N queries, T training images, F features, K neighbours.
"""

import importlib
import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.engine.density.quality.neighbours import squared_distances
from gmstudio.engine.runtime.beside import in_blocks

NUM_NEAREST = 5
CANDIDATES = 8
"""Images beyond those wanted whose distances are computed exactly."""
BLOCK = 128


@dataclass(frozen=True, eq=False)
class Nearest:
    """Nearest training images.

    Args:
        indices: (N, K) int64 numbers of training images, the nearest first.
        distances: (N, K) float64 Euclidean distances.
    """

    indices: NDArray[np.int64]
    distances: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CopyTest:
    """Test whether samples are closer to training images than held-out images are.

    Args:
        z: standardized U of the samples' distances, ties corrected; far below 0: closer.
        p_value: probability of such a U, or a smaller one, where both are equally close; NaN: there are no two sets.
        percentiles: (N,) float64, 0 … 100, of each sample among the held-out images.
    """

    z: float
    p_value: float
    percentiles: NDArray[np.float64]


def nearest_training(
    queries_NF: Tensor, training_TF: Tensor, count: int = NUM_NEAREST
) -> Generator[None, None, Nearest]:
    """Find the nearest training images in threads; yields while they run.

    Args:
        queries_NF: features of samples, or of held-out images.
        training_TF: features of the training images.
        count: K, at most the number of training images.
    """
    count = min(count, len(training_TF))
    candidates = min(count + CANDIDATES, len(training_TF))
    centre = training_TF.float().mean(0)
    training = training_TF.float() - centre
    indices = np.zeros((len(queries_NF), count), np.int64)
    distances = np.zeros((len(queries_NF), count))

    def work(rows: slice) -> None:
        rough = squared_distances(queries_NF[rows].float() - centre, training)
        near = rough.topk(candidates, dim=1, largest=False).indices
        offsets = training[near].double() - (queries_NF[rows].float() - centre).double()[:, None]
        exact, order = offsets.square().sum(2).sqrt().sort(dim=1, stable=True)
        indices[rows] = near.gather(1, order)[:, :count].cpu().numpy()
        distances[rows] = exact[:, :count].cpu().numpy()

    yield from in_blocks(len(queries_NF), BLOCK, work)
    return Nearest(indices, distances)


def copy_test(samples_N: NDArray[np.float64], held_out_M: NDArray[np.float64]) -> CopyTest:
    """Test distances to the nearest training image.

    Args:
        samples_N: of the samples.
        held_out_M: of held-out images; empty: there are none, so that neither test nor percentiles are known.
    """
    if not len(held_out_M) or not len(samples_N):
        return CopyTest(math.nan, math.nan, np.full(len(samples_N), math.nan))
    ordered = np.sort(held_out_M)
    percentiles = 100.0 * np.searchsorted(ordered, samples_N, side="right") / len(ordered)
    if ordered[0] == ordered[-1] == samples_N.min() == samples_N.max():
        return CopyTest(0.0, 1.0, percentiles)
    stats = importlib.import_module("scipy.stats")
    found = stats.mannwhitneyu(samples_N, held_out_M, alternative="less", method="asymptotic")
    p_value = float(found.pvalue)
    n, m = len(samples_N), len(held_out_M)
    _, ties = np.unique(np.concatenate((samples_N, held_out_M)), return_counts=True)
    total = n + m
    variance = n * m / 12 * (total + 1 - float((ties.astype(np.float64) ** 3 - ties).sum()) / (total * (total - 1)))
    z = (float(found.statistic) - n * m / 2) / math.sqrt(variance)
    return CopyTest(z, p_value, percentiles)
