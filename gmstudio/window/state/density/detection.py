"""Detection of anomalies by a statistic: rates, outcomes and images at any threshold, without the engine."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.density import AnomaliesDetected

Outcome = Literal["found", "missed", "false", "passed"]
"""Anomalous images that are found or missed; typical ones that are called anomalous, or pass."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
Floats = NDArray[np.float64]


class Rates(NamedTuple):
    """What a detector does at a threshold.

    Args:
        found: share of the anomalous images that it finds (true-positive rate, recall).
        false: share of the typical images that it calls anomalous (false-positive rate).
        precision: share of anomalous images among those that it calls so; 1 where it calls none.
    """

    found: float
    false: float
    precision: float


@dataclass(frozen=True, eq=False)
class Detection:
    """Detection of anomalies at any threshold.

    Args:
        event: of the engine.
        typical: (N,) anomaly scores of the typical images.
        anomalous: (M,) anomaly scores of the anomalous images.
        typical_order: numbers of the typical images in order of falling anomaly score, without NaN.
        anomalous_order: likewise of the anomalous images.
        detail: setting that sets it apart, for example ``groups of 10``; "".
    """

    event: AnomaliesDetected
    typical: Floats
    anomalous: Floats
    typical_order: NDArray[np.int64]
    anomalous_order: NDArray[np.int64]
    detail: str = ""

    @classmethod
    def of(cls, event: AnomaliesDetected, detail: str = "") -> "Detection":
        """Take the last reply of the engine; ``detail`` sets it apart from others of the same statistic."""
        typical, anomalous = (event.sign * one.numpy().astype(np.float64) for one in (event.typical, event.anomalous))
        return cls(event, typical, anomalous, _falling(typical), _falling(anomalous), detail)

    @property
    def title(self) -> str:
        """Statistic, with the setting that sets it apart."""
        return ", ".join(filter(None, (self.event.statistic.title, self.detail)))

    def default_threshold(self) -> float:
        """Highest threshold that finds 95 % of the anomalous images."""
        known = np.sort(self.anomalous[~np.isnan(self.anomalous)])
        return float(known[int(np.floor(0.05 * len(known)))]) if len(known) else float("nan")

    def rates(self, threshold: float) -> Rates:
        """Return what a threshold does to both sets."""
        typical, anomalous = (one[~np.isnan(one)] for one in (self.typical, self.anomalous))
        found, false = int(np.sum(anomalous >= threshold)), int(np.sum(typical >= threshold))
        called = found + false
        return Rates(found / max(len(anomalous), 1), false / max(len(typical), 1), found / called if called else 1.0)

    def point(self, threshold: float) -> int:
        """Return the number of the point of the curves that belongs to a threshold; −1: there are no curves."""
        if self.event.curves is None or np.isnan(threshold):
            return -1
        falling = self.event.curves.thresholds.numpy()
        return max(0, int(np.searchsorted(-falling, -threshold, side="right")) - 1)

    def threshold_at(self, point: int) -> float:
        """Return the threshold of a point of the curves; +∞ of the first one lies just above all scores."""
        curves = self.event.curves
        assert curves is not None
        threshold = float(curves.thresholds.numpy()[point])
        if np.isfinite(threshold):
            return threshold
        finite = np.concatenate([self.typical, self.anomalous])
        return float(np.nextafter(finite[np.isfinite(finite)].max(initial=0.0), np.inf))

    def outcome(self, outcome: Outcome, threshold: float) -> NDArray[np.int64]:
        """Return the scores' numbers with an outcome, the clearest cases first."""
        is_anomalous = outcome in ("found", "missed")
        order = self.anomalous_order if is_anomalous else self.typical_order
        scores = (self.anomalous if is_anomalous else self.typical)[order]
        called = int(np.searchsorted(-scores, -threshold, side="right"))
        return order[:called] if outcome in ("found", "false") else order[called:][::-1]

    def groups(self, outcome: Outcome) -> NDArray[np.int64] | None:
        """Return (G, M) images of each score, where scores are of groups; None: each is of its image."""
        groups = self.event.anomalous_groups if outcome in ("found", "missed") else self.event.typical_groups
        return None if groups is None else groups.numpy()

    def images(self, outcome: Outcome, threshold: float) -> NDArray[np.int64]:
        """Return the numbers of the images with an outcome; of groups, all images one group after the other."""
        numbers, groups = self.outcome(outcome, threshold), self.groups(outcome)
        return numbers if groups is None else groups[numbers].reshape(-1).astype(np.int64)

    def score_of(self, outcome: Outcome, image: int) -> float:
        """Return the statistic of an image, or of its group; NaN: it has none."""
        values = (self.event.anomalous if outcome in ("found", "missed") else self.event.typical).numpy()
        groups = self.groups(outcome)
        if groups is not None:
            rows = np.flatnonzero((groups == image).any(axis=1))
            return float(values[rows[0]]) if len(rows) else float("nan")
        return float(values[image]) if image < len(values) else float("nan")


def _falling(scores: Floats) -> NDArray[np.int64]:
    known = np.flatnonzero(~np.isnan(scores))
    return known[np.argsort(-scores[known], kind="stable")].astype(np.int64)
