r"""Two classes of points whose densities are known, and models of them, fitted in closed form or by Newton steps.

Discriminative: logistic regression, p(y = 1 | x) = σ(w·φ(x) + b), by penalized maximum likelihood. Generative:
Gaussians p(x | y) with p(y), from which p(y | x) = p(x, y) / p(x) follows by Bayes. Naive Bayes and LDA share their
variances among the classes, so that their p(y | x) is a logistic function of a linear one, too: both kinds differ in
the fit alone.

Source: Ng & Jordan 2002, On discriminative vs. generative classifiers, NeurIPS 14, section 2; Bishop 2006, Pattern
Recognition and Machine Learning, sections 4.2 and 4.3.
Shapes: R repeats, N points, F features, G cells of a grid, row by row; rows are x₂, columns x₁, the first one lowest.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Labels = NDArray[np.int64]
Shape = Literal["independent", "correlated", "unequal", "moons"]

REACH = 5.0
CELLS = 128
CELL = 2 * REACH / CELLS
CENTRES: Numbers = np.asarray((np.arange(CELLS) + 0.5) * CELL - REACH, np.float64)
GRID: Numbers = np.stack(np.meshgrid(CENTRES, CENTRES), axis=-1).reshape(-1, 2).astype(np.float64)
PENALTY = 0.01
"""Of logistic regression, half of it times ‖w‖²: else w grows without limit where a line separates the points."""
NEWTON_STEPS = 12
SMALLEST_VARIANCE = 1e-3


@dataclass(frozen=True, eq=False)
class Gaussians:
    """Mixture of Gaussians in the plane.

    Args:
        means: (K, 2); all components weigh the same.
        covariances: (K, 2, 2).
    """

    means: Numbers
    covariances: Numbers

    def density(self, x_N2: Numbers) -> Numbers:
        """p(x): (N,)."""
        total = np.zeros(len(x_N2))
        for mean, covariance in zip(self.means, self.covariances, strict=True):
            offset = x_N2 - mean
            squared = (offset @ np.linalg.inv(covariance) * offset).sum(1)
            total += np.exp(-0.5 * squared) / (2 * math.pi * math.sqrt(np.linalg.det(covariance)))
        density: Numbers = total / len(self.means)
        return density

    def draw(self, count: int, generator: torch.Generator) -> Numbers:
        """(count, 2) points."""
        chosen = torch.randint(len(self.means), (count,), generator=generator).numpy()
        eps = torch.randn((count, 2), generator=generator, dtype=torch.float64).numpy()
        factors = np.linalg.cholesky(self.covariances)
        points: Numbers = self.means[chosen] + np.einsum("nij,nj->ni", factors[chosen], eps)
        return points


@dataclass(frozen=True, eq=False)
class TwoClasses:
    """p*(x, y): two classes.

    Args:
        share: p*(y = 1).
        classes: p*(x | y) of y = 0 and 1.
    """

    share: float
    classes: tuple[Gaussians, Gaussians]

    def joint(self, x_N2: Numbers) -> Numbers:
        """p*(x, y): (2, N)."""
        weights = (1 - self.share, self.share)
        return np.stack([weight * one.density(x_N2) for weight, one in zip(weights, self.classes, strict=True)])

    def draw(self, count: int, generator: torch.Generator) -> tuple[Numbers, Labels]:
        """(count, 2) points and their (count,) labels; at least two of each class."""
        uniforms = torch.rand(count, generator=generator).numpy()
        labels = (uniforms < self.share).astype(np.int64)
        labels[:2], labels[2:4] = 0, 1
        both = np.stack([one.draw(count, generator) for one in self.classes])
        return both[labels, np.arange(count)], labels


def classes_of(shape: Shape, share: float) -> TwoClasses:
    """Two classes of a shape; see the setting that names it."""
    if shape == "moons":
        angles = np.linspace(0, math.pi, 9)
        upper = np.stack([1.9 * np.cos(angles) - 0.95, 1.9 * np.sin(angles) - 0.5], axis=1)
        covariances = np.repeat(0.3**2 * np.eye(2)[None], 9, axis=0)
        return TwoClasses(share, (Gaussians(upper, covariances), Gaussians(-upper, covariances)))
    shared = {"independent": (1.0, 1.0, 0.0), "correlated": (1.2, 1.2, 0.85), "unequal": (0.45, 0.45, 0.0)}[shape]
    other = (1.8, 1.4, 0.5) if shape == "unequal" else shared
    mean = np.array([0.8, 0.1]) if shape == "correlated" else np.array([0.9, 0.6])
    pair = tuple(Gaussians((sign * mean)[None], _covariance(*of)[None]) for sign, of in ((-1.0, shared), (1.0, other)))
    return TwoClasses(share, (pair[0], pair[1]))


def _covariance(first: float, second: float, correlation: float) -> Numbers:
    shared = correlation * first * second
    return np.array([[first**2, shared], [shared, second**2]])


# ---- discriminative ----------------------------------------------------------------------------------------------


def features_of(x_N2: Numbers, quadratic: bool) -> Numbers:
    """(N, F) coordinates, with their squares and product where ``quadratic``."""
    if not quadratic:
        return x_N2
    first, second = x_N2[..., 0], x_N2[..., 1]
    return np.concatenate([x_N2, np.stack([first**2, first * second, second**2], axis=-1)], axis=-1)


def logistic_regression(x_RNF: Numbers, y_RN: Labels) -> Numbers:
    """Weights and offset (R, F + 1) of largest penalized likelihood, by Newton steps."""
    design = np.concatenate([x_RNF, np.ones((*x_RNF.shape[:-1], 1))], axis=-1)
    penalty = PENALTY * np.append(np.ones(x_RNF.shape[-1]), 1e-6)
    weights = np.zeros((len(design), design.shape[-1]))
    value = _penalized(design, y_RN, weights, penalty)
    for _ in range(NEWTON_STEPS):
        p = _sigmoid(np.einsum("rnf,rf->rn", design, weights))
        slope = np.einsum("rnf,rn->rf", design, p - y_RN) + penalty * weights
        curvature = np.einsum("rnf,rn,rng->rfg", design, p * (1 - p), design, optimize=True) + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, slope[..., None])[..., 0]
        size = np.ones(len(weights))
        for _halving in range(8):
            moved = weights - size[:, None] * step
            reached = _penalized(design, y_RN, moved, penalty)
            worse = reached > value + 1e-12
            if not worse.any():
                break
            size = np.where(worse, size / 2, size)
        weights, value = moved, reached
    return weights


def _penalized(design: Numbers, y_RN: Labels, weights: Numbers, penalty: Numbers) -> Numbers:
    logits = np.einsum("rnf,rf->rn", design, weights)
    loss: Numbers = (np.logaddexp(0, logits) - y_RN * logits).sum(1) + 0.5 * (penalty * weights**2).sum(1)
    return loss


# ---- generative --------------------------------------------------------------------------------------------------


def class_means(x_RND: Numbers, y_RN: Labels) -> tuple[Numbers, Numbers]:
    """Means (R, 2, D) of both classes and their shares (R, 2), by one added point each."""
    chosen = np.stack([1 - y_RN, y_RN], axis=1).astype(np.float64)
    counts = chosen.sum(2)
    return np.einsum("rkn,rnd->rkd", chosen, x_RND) / counts[..., None], (counts + 1) / (counts.sum(1)[:, None] + 2)


def shared_gaussians(x_RND: Numbers, y_RN: Labels, naive: bool) -> Numbers:
    """Weights and offset (R, D + 1) of log p(y = 1 | x) - log p(y = 0 | x) of naive Bayes, or of LDA.

    Args:
        x_RND: points.
        y_RN: labels.
        naive: independent coordinates, so that the covariance is diagonal.
    """
    means, shares = class_means(x_RND, y_RN)
    offsets = x_RND - np.take_along_axis(means, y_RN[..., None], axis=1)
    if naive:
        weights = (means[:, 1] - means[:, 0]) / np.maximum((offsets**2).mean(1), SMALLEST_VARIANCE)
    else:
        covariance = np.einsum("rnd,rne->rde", offsets, offsets) / offsets.shape[1]
        covariance += SMALLEST_VARIANCE * np.eye(x_RND.shape[-1])
        weights = np.linalg.solve(covariance, (means[:, 1] - means[:, 0])[..., None])[..., 0]
    middle = (means[:, 1] + means[:, 0]) / 2
    offset = np.log(shares[:, 1] / shares[:, 0]) - (weights * middle).sum(1)
    return np.concatenate([weights, offset[:, None]], axis=1)


def fitted_gaussians(x_N2: Numbers, y_N: Labels, kind: Literal["naive bayes", "lda", "qda"]) -> TwoClasses:
    """p(x, y) with a Gaussian for each class; the covariance is diagonal for naive Bayes and shared but for QDA."""
    means, shares = class_means(x_N2[None], y_N[None])
    offsets = x_N2 - means[0, y_N]
    pooled = offsets.T @ offsets / len(offsets)
    covariances = []
    for label in (0, 1):
        own = offsets[y_N == label]
        found = own.T @ own / len(own) if kind == "qda" else pooled
        found = np.diag(np.diag(found)) if kind == "naive bayes" else found
        covariances.append(found + SMALLEST_VARIANCE * np.eye(2))
    pair = tuple(Gaussians(means[0, k][None], covariances[k][None]) for k in (0, 1))
    return TwoClasses(float(shares[0, 1]), (pair[0], pair[1]))


# ---- errors ------------------------------------------------------------------------------------------------------


def error_of(chance_G: Numbers, joint_2G: Numbers) -> float:
    """Probability of a wrong label under p*, when the more probable one is chosen.

    Args:
        chance_G: p(y = 1 | x) of the classifier in each cell.
        joint_2G: p*(x, y) in each cell.
    """
    wrong = np.where(chance_G > 0.5, joint_2G[0], joint_2G[1])
    return float(wrong.sum() / joint_2G.sum())


def errors_of_lines(weights_RF: Numbers, joint_2G: Numbers) -> Numbers:
    """Probability of a wrong label of linear classifiers, (R,).

    Coordinates after the first two are N(0, 1) in both classes. So their part of the decision is Gaussian, too, and the
    error is an integral over the first two alone.

    Args:
        weights_RF: weights of two coordinates and of the others, then the offset.
        joint_2G: p*(x, y) on ``GRID``.
    """
    found = []
    for weights in weights_RF:
        logit = GRID @ weights[:2] + weights[-1]
        spread = float(np.linalg.norm(weights[2:-1]))
        ones = torch.special.ndtr(torch.from_numpy(logit / spread)).numpy() if spread > 0 else (logit > 0) * 1.0
        found.append(float((joint_2G[0] @ ones + joint_2G[1] @ (1 - ones)) / joint_2G.sum()))
    return np.array(found)


def _sigmoid(logits: Numbers) -> Numbers:
    found: Numbers = 0.5 * (1 + np.tanh(logits / 2))
    return found
