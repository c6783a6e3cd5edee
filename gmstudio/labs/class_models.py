"""Families trained on each of two classes of points, and errors of classifiers measured against the number of points.

Shapes: R repeats, N points, F coordinates, L levels of a coordinate.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from gmstudio.data.dataset import Dataset, Split
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.labs.base import LabBench, Numbers
from gmstudio.labs.drawing import line
from gmstudio.labs.two_classes import (
    CELL,
    CELLS,
    REACH,
    Labels,
    TwoClasses,
    errors_of_lines,
    logistic_regression,
    shared_gaussians,
)
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.points import PointAxis
from gmstudio.protocol.scenes import Curves
from gmstudio.protocol.training_settings import Training

LEVELS = 64
FAMILY_CONFIG: Mapping[str, dict[str, Any]] = {
    "made": {"num_hidden": 64},
    "nade": {"num_hidden": 64, "num_components": 5},
}
FAMILY_STEPS = 300
TRAINING = Training(steps=FAMILY_STEPS, batch_size=128, learning_rate=1e-2, schedule="cosine")
SIZES = (8, 16, 32, 64, 128, 256, 512, 1024)
FITS = ("logistic regression", "naive Bayes", "LDA")
MULTIPLICATIONS_AT_ONCE, SETS_AT_ONCE = 1_000_000, 8


def train_class_models(
    bench: LabBench, family: str, x_N2: Numbers, y_N: Labels, joint_2G: Numbers
) -> Iterator[tuple[float, bool]]:
    """Train a model on the points of each class, and put p(x, y) into ``joint_2G`` at the end.

    Points are images of two sub-pixels of ``LEVELS`` levels; p(y) is the share of each class. Yields the share of the
    work done, and whether ``joint_2G`` is complete.
    """
    shares = (np.bincount(y_N, minlength=2) + 1) / (len(y_N) + 2)
    for label in (0, 1):
        dataset = _as_images(x_N2[y_N == label])
        model = bench.build(family, FAMILY_CONFIG[family], dataset)
        assert isinstance(model, AutoregressiveFamily)
        for step in bench.train(model, dataset, TRAINING):
            yield (label + step / FAMILY_STEPS) / 2, False
        joint_2G[label] = shares[label] * _density(model)
    yield 1.0, True


def _as_images(x_N2: Numbers) -> Dataset:
    levels = np.clip((x_N2 + REACH) / (2 * REACH) * LEVELS, 0, LEVELS - 1).astype(np.uint8)
    split = Split(levels.reshape(-1, 1, 1, 2))
    return Dataset(
        source="points",
        config={},
        image=ImageSpec(channels=1, height=1, width=2, levels=LEVELS),
        train=split,
        valid=split,
        test=split,
        axes=(PointAxis("x₁", -REACH, REACH), PointAxis("x₂", -REACH, REACH)),
    )


def _density(model: AutoregressiveFamily) -> Numbers:
    """Density of a model of two sub-pixels in the lab's cells, (G,): that of the level which contains the cell."""
    places = np.stack(np.meshgrid(np.arange(LEVELS), np.arange(LEVELS)), axis=-1).reshape(-1, 1, 1, 2)
    with torch.inference_mode():
        log_prob = model.log_prob(torch.from_numpy(places).to(model.device))
    share = log_prob.double().exp().cpu().numpy().reshape(LEVELS, LEVELS)
    repeats = CELLS // LEVELS
    density: Numbers = np.repeat(np.repeat(share, repeats, axis=0), repeats, axis=1).ravel() / (repeats * CELL) ** 2
    return density


class LearningCurve:
    """Errors of three linear classifiers against the number of points; empty at first.

    Naive Bayes and LDA share their variances among the classes, and so are logistic functions of linear ones, too.
    """

    def __init__(self) -> None:
        self._errors: dict[int, Numbers] = {}

    def measure(self, truth: TwoClasses, joint_2G: Numbers, others: int, repeats: int, seed: int) -> Iterator[float]:
        """Fit ``repeats`` sets of points of each size; yields the share of the work done."""
        for number, size in enumerate(SIZES):
            at_once = max(1, min(SETS_AT_ONCE, MULTIPLICATIONS_AT_ONCE // (size * (others + 3) ** 2)))
            found: list[Numbers] = []
            for begin in range(0, repeats, at_once):
                generator = torch.Generator().manual_seed(seed + 7919 * (size + begin))
                count = min(at_once, repeats - begin)
                x_RNF, y_RN = _sets(truth, count, size, others, generator)
                weights = (
                    logistic_regression(x_RNF, y_RN),
                    shared_gaussians(x_RNF, y_RN, naive=True),
                    shared_gaussians(x_RNF, y_RN, naive=False),
                )
                yield (number + begin / repeats) / len(SIZES)
                found.append(np.stack([errors_of_lines(w, joint_2G) for w in weights]))
                yield (number + (begin + count) / repeats) / len(SIZES)
            self._errors[size] = np.concatenate(found, axis=1)

    def curves(self, bayes: float, others: int) -> Curves:
        """Mean errors over the sizes."""
        sizes = list(self._errors)
        lines = [line("Bayes error", (SIZES[0], SIZES[-1]), (bayes, bayes))]
        lines += [
            line(name.removesuffix(" regression"), sizes, [self._errors[size][row].mean() for size in sizes])
            for row, name in enumerate(FITS)
        ]
        also = f", with {others} other coordinates" if others else ""
        return Curves(
            title=f"Error against n{also}",
            x_title="n, points",
            y_title="error",
            lines=tuple(lines),
            x_range=(float(SIZES[0]), float(SIZES[-1])),
            y_range=(0.0, 0.5),
            log_x=True,
        )

    def finding(self) -> str:
        """Which approaches its error sooner, and which has less of it in the end."""
        if len(self._errors) < len(SIZES):
            return "Error against n: which of the two needs fewer points, and which is better with many?"
        means = np.stack([self._errors[size].mean(1) for size in SIZES], axis=1)
        spread = self._errors[SIZES[0]].std(1) / np.sqrt(self._errors[SIZES[0]].shape[1])
        few, many = SIZES[1], SIZES[-1]
        reached = [SIZES[int(np.argmax(row <= row[-1] + 0.02))] for row in means]
        return (
            f"Mean errors: with {few} points {_listed(means[:, 1])}; with {many:,} points {_listed(means[:, -1])}. "
            f"Logistic regression is within 0.02 of its last error from {reached[0]:,} points on, naive Bayes from "
            f"{reached[1]:,}. The means are of {self._errors[many].shape[1]} sets of points (standard errors up to "
            f"{spread.max():.3f})."
        )


def _listed(errors: Numbers) -> str:
    return ", ".join(f"{name} {error:.3f}" for name, error in zip(FITS, errors, strict=True))


def _sets(truth: TwoClasses, count: int, size: int, others: int, generator: torch.Generator) -> tuple[Numbers, Labels]:
    """Sets of points with coordinates that are the same in both classes: (R, N, F) and labels (R, N)."""
    drawn = [truth.draw(size, generator) for _ in range(count)]
    noise = torch.randn((count, size, others), generator=generator, dtype=torch.float64).numpy()
    return np.concatenate([np.stack([x for x, _ in drawn]), noise], axis=2), np.stack([y for _, y in drawn])
