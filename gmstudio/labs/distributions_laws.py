r"""Distributions of one number: Bernoulli, categorical, Gaussian, mixture of Gaussians, discretized logistic.

Each is drawn from by the inverse of its distribution function at uniform numbers (a mixture first draws its component),
so that the same uniforms follow the parameters. Continuous ones are counted in cells, the outermost of which hold the
tails.

Source: Bishop 2006, sections 2.1-2.3; Devroye 1986, chapter 2 (inversion); Salimans, Karpathy, Chen & Kingma 2017,
PixelCNN++, section 2.1 (discretized logistic). Shapes: N draws, M cells, K components.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.labs.base import Numbers
from gmstudio.labs.information import entropy

LOW, HIGH, NUM_CELLS = -10.0, 10.0, 80
"""Cells in which draws of continuous distributions are counted."""
QUADRATURE = np.linspace(-60.0, 60.0, 12_001)
"""Places at which the entropy of a mixture is integrated; nearly all mass is far inside."""


@dataclass(frozen=True, eq=False)
class Law:
    """A distribution.

    Args:
        edges: (M + 1,) rising edges of the cells.
        probabilities: (M,) of the cells; they sum to one.
        labels: of the values, where there are a few; empty: cells of an axis.
        continuous: it has a density, and the outermost cells hold the tails.
        mean: E[x].
        variance: Var[x].
        entropy: nats; of the density where it is continuous.
        log_prob: (N,) values → (N,) nats, of the density where it is continuous.
        draw: (N, 2) uniforms in [0, 1) → (N,) values.
    """

    edges: Numbers
    probabilities: Numbers
    labels: tuple[str, ...]
    continuous: bool
    mean: float
    variance: float
    entropy: float
    log_prob: Callable[[Numbers], Numbers]
    draw: Callable[[Numbers], Numbers]

    def cells(self, values: Numbers) -> NDArray[np.int64]:
        """(N,) numbers of the cells of values."""
        return np.clip(np.searchsorted(self.edges, values, side="right") - 1, 0, len(self.probabilities) - 1)

    @property
    def heights(self) -> Numbers:
        """(M,) probabilities, or mean densities of the cells where it is continuous."""
        return self.probabilities / np.diff(self.edges) if self.continuous else self.probabilities


def finite(values: Numbers, probabilities: Numbers, labels: tuple[str, ...] = ()) -> Law:
    """Distribution over whole numbers in a row.

    Args:
        values: (M,) rising by one.
        probabilities: (M,) summing to one.
        labels: of the values; empty: they lie on an axis.
    """
    mean = float(values @ probabilities)
    edges = np.append(values - 0.5, values[-1] + 0.5)
    cumulative = np.cumsum(probabilities)
    last = int(np.flatnonzero(probabilities)[-1])

    def log_prob(x: Numbers) -> Numbers:
        with np.errstate(divide="ignore"):
            found: Numbers = np.log(probabilities[np.rint(x - values[0]).astype(np.int64)])
        return found

    def draw(uniforms: Numbers) -> Numbers:
        # Rounding may leave the last sum a little below one: no draw may land beyond the last possible value.
        drawn: Numbers = values[np.minimum(np.searchsorted(cumulative, uniforms[:, 0], side="right"), last)]
        return drawn

    variance = float(np.square(values - mean) @ probabilities)
    return Law(edges, probabilities, labels, False, mean, variance, entropy(probabilities), log_prob, draw)


def bernoulli(p: float) -> Law:
    """P(x = 1) = p, P(x = 0) = 1 - p."""
    return finite(np.arange(2.0), np.array([1.0 - p, p]), ("0", "1"))


def categorical(probabilities: Numbers) -> Law:
    """P(x = i) = p_i for i = 1 … m; ``probabilities`` (m,) sum to one."""
    values = np.arange(1.0, len(probabilities) + 1)
    return finite(values, probabilities, tuple(str(int(value)) for value in values))


def discretized_logistic(levels: int, location: float, scale: float) -> Law:
    """P(v) = σ((v + ½ - μ) / s) - σ((v - ½ - μ) / s) for v = 0 … levels - 1; the outermost levels hold the tails."""
    inner = torch.from_numpy((np.arange(levels - 1) + 0.5 - location) / scale)
    below = np.concatenate([[0.0], torch.sigmoid(inner).numpy(), [1.0]])
    above = np.concatenate([[1.0], torch.sigmoid(-inner).numpy(), [0.0]])
    # Below the location by differences of σ, above it by those of 1 - σ: neither loses digits in its tail.
    masses = np.where(np.arange(levels) < location, np.diff(below), -np.diff(above))
    return finite(np.arange(float(levels)), masses / masses.sum())


def mixture(weights: Numbers, means: Numbers, deviations: Numbers) -> Law:
    """p(x) = Σ_k w_k N(x; μ_k, σ_k²); one component is a Gaussian. All (K,); the weights sum to one."""
    edges = np.linspace(LOW, HIGH, NUM_CELLS + 1)
    below = _normal_cdf((edges[1:-1, None] - means) / deviations) @ weights
    probabilities = np.diff(np.concatenate([[0.0], below, [1.0]]))
    mean = float(weights @ means)
    variance = float(weights @ (np.square(deviations) + np.square(means - mean)))
    component = finite(np.arange(float(len(weights))), weights)

    def log_prob(x: Numbers) -> Numbers:
        scaled = (x[:, None] - means) / deviations
        with np.errstate(divide="ignore"):
            terms = np.log(weights) - 0.5 * np.square(scaled) - np.log(deviations * np.sqrt(2 * np.pi))
        found: Numbers = np.logaddexp.reduce(terms, axis=1)
        return found

    def draw(uniforms: Numbers) -> Numbers:
        chosen = component.draw(uniforms[:, 1:]).astype(np.int64)
        standard = torch.special.ndtri(torch.from_numpy(np.clip(uniforms[:, 0], 1e-300, 1.0 - 1e-16))).numpy()
        drawn: Numbers = means[chosen] + deviations[chosen] * standard
        return drawn

    nats = gaussian_entropy(deviations[0]) if len(weights) == 1 else _integrated_entropy(log_prob)
    return Law(edges, probabilities / probabilities.sum(), (), True, mean, variance, nats, log_prob, draw)


def gaussian_entropy(deviation: float) -> float:
    """½ log(2πe σ²), nats."""
    return 0.5 * float(np.log(2 * np.pi * np.e * deviation**2))


def _integrated_entropy(log_prob: Callable[[Numbers], Numbers]) -> float:
    """-∫ p log p by the trapezoidal rule, which converges fast for a smooth density that vanishes at both ends."""
    nats = log_prob(QUADRATURE)
    step = float(QUADRATURE[1] - QUADRATURE[0])
    return -float((np.exp(nats) * np.maximum(nats, -1e4)).sum()) * step


def _normal_cdf(values: Numbers) -> Numbers:
    found: Numbers = torch.special.ndtr(torch.from_numpy(values)).numpy()
    return found
