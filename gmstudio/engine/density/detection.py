"""Detection of anomalies by the scores of two sets of images: ROC and precision–recall curves with their areas.

The anomaly score of an image is ``sign`` times its score, and an image is called anomalous where that is at least a
threshold. A is the area under the ROC curve: the probability that an anomalous image has the higher anomaly score of a
random pair, ties counted half (Hanley & McNeil 1982, The meaning and use of the area under a receiver operating
characteristic (ROC) curve, Radiology 143). It is computed from ranks as whole numbers, so that nothing is rounded.

Average precision is Σ (R_n − R_{n−1}) P_n over the thresholds, without interpolation. Curves and areas are those of
scikit-learn's ``roc_curve`` (all thresholds kept), ``precision_recall_curve`` and ``average_precision_score``.

The interval of the area is that of the percentile bootstrap: both sets are drawn anew with replacement, each from
itself (Efron & Tibshirani 1993, An Introduction to the Bootstrap, section 13.3).
"""

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.array import Array
from gmstudio.protocol.density import RocCurves

Scores = NDArray[np.float64]

MAX_RESAMPLES = 100_000
PIECE_S = 0.004
COVERAGE = 0.95
FEW_IMAGES = 30
"""Images of a set below which the interval of the bootstrap is too narrow."""
FOUND_PERCENT = 95
"""Recall, in per cent, at which the false-positive rate is reported."""


def detect(typical: Scores, anomalous: Scores, sign: int, seed: int = 0, resamples: int = 1000) -> RocCurves:
    """Return the curves of a detector, see ``detect_pieces``."""
    *_, curves = detect_pieces(typical, anomalous, sign, seed, resamples)
    assert curves is not None
    return curves


def detect_pieces(
    typical: Scores, anomalous: Scores, sign: int, seed: int = 0, resamples: int = 1000
) -> Iterator[RocCurves | None]:
    """Compute the curves of a detector in pieces: yields None after each, then the result.

    Args:
        typical: (N,) scores of typical images; those that are NaN are left out, infinite ones are ordered as they are.
        anomalous: (M,) scores of anomalous images, likewise.
        sign: factor that makes a score an anomaly score, 1 or −1.
        seed: of the bootstrap.
        resamples: of the bootstrap; 0: the interval is NaN.

    Raises:
        ValueError: when a set has no score that is a number, or the number of resamples is outside its range.
    """
    assert sign in (1, -1)
    if not 0 <= resamples <= MAX_RESAMPLES:
        raise ValueError(f"{resamples:,} resamples of the bootstrap; choose 0 to {MAX_RESAMPLES:,}.")
    typical = _anomaly_scores(typical, sign, "typical")
    yield None
    anomalous = _anomaly_scores(anomalous, sign, "anomalous")
    yield None
    thresholds, true, false = _counts(typical, anomalous)
    yield None
    low, high = np.nan, np.nan
    for interval in _interval(typical, anomalous, seed, resamples):
        if interval is None:
            yield None
        else:
            low, high = interval
    recall = true / len(anomalous)
    called = true + false
    precision = np.where(called > 0, true / np.maximum(called, 1), 1.0)
    at_95 = int(np.argmax(true * 100 >= FOUND_PERCENT * len(anomalous)))
    yield RocCurves(
        thresholds=Array.of(thresholds),
        true_positive_rates=Array.of(recall),
        false_positive_rates=Array.of(false / len(typical)),
        precisions=Array.of(precision),
        auroc=_area(typical, anomalous),
        auroc_low=low,
        auroc_high=high,
        average_precision=float((np.diff(recall) * precision[1:]).sum()),
        fpr_at_95=float(false[at_95] / len(typical)),
    )


def detection_warnings(typical: Scores, anomalous: Scores) -> tuple[str, ...]:
    """Return sentences on scores that are no numbers, and on sets of few images."""
    found = []
    for scores, name in ((typical, "typical"), (anomalous, "anomalous")):
        bad = int(np.isnan(scores).sum())
        if bad:
            found.append(
                f"{bad:,} of {len(scores):,} {name} images have no score (NaN) and are left out of the curves; choose "
                "another checkpoint or another statistic."
            )
        infinite = int(np.isinf(scores).sum())
        if infinite:
            found.append(f"{infinite:,} of {len(scores):,} {name} images have an infinite score, which ranks as such.")
        left = len(scores) - bad
        if left < FEW_IMAGES:
            found.append(
                f"Only {left} {name} {'image' if left == 1 else 'images'}: the bootstrap interval is too narrow below "
                f"{FEW_IMAGES}. Choose more images."
            )
    return tuple(found)


def group_numbers(count: int, size: int, seed: int, name: str) -> NDArray[np.int64]:
    """Divide images at random into groups of one size; those that are left over are in none.

    Args:
        count: number of images.
        size: images of a group.
        seed: of the order.
        name: of the set, for the message.

    Returns:
        (count // size, size) numbers of the images.

    Raises:
        ValueError: when there are too few images for a group, or the size is below 1.
    """
    if size < 1:
        raise ValueError(f"Groups of {size} images; choose 1 or more.")
    if count < size:
        raise ValueError(
            f"{count:,} {name} images make no group of {size:,}; choose more images or groups of at most {count:,}."
        )
    order = np.random.default_rng([seed, size]).permutation(count) if size > 1 else np.arange(count)
    return order[: count - count % size].reshape(-1, size).astype(np.int64)


def _anomaly_scores(scores: Scores, sign: int, name: str) -> Scores:
    """Return anomaly scores, rising, without NaN."""
    kept = np.sort(sign * scores[~np.isnan(scores)].astype(np.float64))
    if not len(kept):
        reason = "all of their scores are NaN" if len(scores) else "the set is empty"
        raise ValueError(f"There are no {name} images to compare: {reason}. Choose another set or statistic.")
    return kept


def _counts(typical: Scores, anomalous: Scores) -> tuple[Scores, NDArray[np.int64], NDArray[np.int64]]:
    """Return thresholds, falling from +∞, with the numbers of anomalous and typical images that they call anomalous."""
    both = np.sort(np.concatenate([typical, anomalous]), kind="stable")  # merges two sorted halves
    thresholds = both[np.concatenate([[True], both[1:] != both[:-1]])][::-1]
    true = len(anomalous) - np.searchsorted(anomalous, thresholds, "left")
    false = len(typical) - np.searchsorted(typical, thresholds, "left")
    return (
        np.concatenate([[np.inf], thresholds]),
        np.concatenate([[0], true]).astype(np.int64),
        np.concatenate([[0], false]).astype(np.int64),
    )


def _area(typical: Scores, anomalous: Scores) -> float:
    below = np.searchsorted(typical, anomalous, "left")
    below_or_tied = np.searchsorted(typical, anomalous, "right")
    pairs = 2 * len(typical) * len(anomalous)
    return (int(below.sum()) + int(below_or_tied.sum())) / pairs


def _interval(typical: Scores, anomalous: Scores, seed: int, resamples: int) -> Iterator[tuple[float, float] | None]:
    """Yield None after each piece, then the ends of the interval; NaN without resamples."""
    random = np.random.default_rng(seed)
    n, m = len(typical), len(anomalous)
    below = np.searchsorted(typical, anomalous, "left")
    below_or_tied = np.searchsorted(typical, anomalous, "right")
    areas = np.empty(resamples)
    cumulative = np.zeros(n + 1, np.int64)
    began = time.perf_counter()
    for number in range(resamples):
        np.cumsum(np.bincount(random.integers(0, n, n, np.int32), minlength=n), out=cumulative[1:])
        wins = cumulative[below] + cumulative[below_or_tied]
        areas[number] = wins[random.integers(0, m, m, np.int32)].sum() / (2 * n * m)
        if time.perf_counter() - began > PIECE_S:
            yield None
            began = time.perf_counter()
    if not resamples:
        yield np.nan, np.nan
        return
    low, high = np.quantile(areas, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    yield float(low), float(high)
