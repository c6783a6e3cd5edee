r"""Mixtures of Gaussians on a line, with all that is known of them in closed form, and how a user's table becomes one.

    p(x) = Σ_k w_k N(x; m_k, s_k²),    ∂ log p(x) / ∂x = Σ_k r_k(x) (m_k - x) / s_k²,    r_k = p(k | x).

Shapes: K components, N places.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.labs.simplex import normalized

Numbers = NDArray[np.float64]

MIN_DEVIATION, MAX_DEVIATION = 0.05, 2.0


@dataclass(frozen=True, eq=False)
class GaussianMixture:
    """Mixture on a line.

    Args:
        weights: (K,), of sum 1.
        means: (K,).
        deviations: (K,), above 0.
    """

    weights: Numbers
    means: Numbers
    deviations: Numbers

    @classmethod
    def of_table(cls, table_K3: Numbers) -> "GaussianMixture":
        """Mixture of rows of weight, mean and standard deviation."""
        return cls(table_K3[:, 0], table_K3[:, 1], table_K3[:, 2])

    def scaled(self, factor: float, noise: float) -> "GaussianMixture":
        """Distribution of ``factor · x + noise · ε``, ε ~ N(0, 1)."""
        return GaussianMixture(self.weights, factor * self.means, np.sqrt((factor * self.deviations) ** 2 + noise**2))

    def joint(self, x: Numbers) -> Numbers:
        """Density of component and place, w_k N(x; m_k, s_k²): (..., K) for places (...)."""
        z = (x[..., None] - self.means) / self.deviations
        density: Numbers = self.weights * np.exp(-0.5 * z**2) / (math.sqrt(2 * math.pi) * self.deviations)
        return density

    def density(self, x: Numbers) -> Numbers:
        """p(x)."""
        density: Numbers = self.joint(x).sum(-1)
        return density

    def log_density(self, x: Numbers) -> Numbers:
        """Log p(x), defined far from all means, too."""
        z = (x[..., None] - self.means) / self.deviations
        with np.errstate(divide="ignore"):
            logs = np.log(self.weights) - 0.5 * z**2 - np.log(self.deviations) - 0.5 * math.log(2 * math.pi)
        log_density: Numbers = np.logaddexp.reduce(logs, axis=-1)
        return log_density

    def responsibilities(self, x: Numbers) -> Numbers:
        """p(k | x): (..., K), computed in logarithms, so that it is defined far from all means."""
        z = (x[..., None] - self.means) / self.deviations
        with np.errstate(divide="ignore"):
            log_joint = np.log(self.weights) - 0.5 * z**2 - np.log(self.deviations)
        joint = np.exp(log_joint - log_joint.max(-1, keepdims=True))
        shares: Numbers = joint / joint.sum(-1, keepdims=True)
        return shares

    def score(self, x: Numbers) -> Numbers:
        """∂ log p(x) / ∂x."""
        pulls = (self.means - x[..., None]) / self.deviations**2
        score: Numbers = (self.responsibilities(x) * pulls).sum(-1)
        return score

    def cdf(self, x: Numbers) -> Numbers:
        """P(X ≤ x)."""
        z = torch.from_numpy(np.ascontiguousarray((x[..., None] - self.means) / self.deviations))
        cdf: Numbers = (self.weights * torch.special.ndtr(z).numpy()).sum(-1)
        return cdf

    def sample(self, count: int, generator: torch.Generator) -> Numbers:
        """Draw (count,) places."""
        weights = torch.from_numpy(self.weights).to(generator.device)
        chosen = torch.multinomial(weights, count, replacement=True, generator=generator).cpu().numpy()
        noise = torch.randn(count, generator=generator, device=generator.device).double().cpu().numpy()
        draws: Numbers = self.means[chosen] + self.deviations[chosen] * noise
        return draws


def checked_table(table_K3: Numbers, reach: float) -> tuple[Numbers, str]:
    """A user's table of weights, means and standard deviations as it can be used.

    Args:
        table_K3: (K, 3).
        reach: largest distance of a mean from 0.

    Returns:
        The table with weights of sum 1, and a sentence where they were normalized; else it is empty.

    Raises:
        ValueError: when a weight is negative, all are 0, or a mean or a deviation is outside its limits.
    """
    weights, note = normalized(table_K3[:, 0], "weight")
    means, deviations = table_K3[:, 1], table_K3[:, 2]
    if (np.abs(means) > reach).any():
        worst = means[np.abs(means).argmax()]
        raise ValueError(f"A mean is {worst:g}; it must be from {-reach:g} to {reach:g}.")
    outside = (deviations < MIN_DEVIATION) | (deviations > MAX_DEVIATION)
    if outside.any():
        raise ValueError(
            f"A standard deviation is {deviations[outside][0]:g}; it must be from {MIN_DEVIATION:g} to "
            f"{MAX_DEVIATION:g}."
        )
    return np.stack([weights, means, deviations], axis=1), note
