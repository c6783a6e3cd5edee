r"""Distributions of codes: the standard normal that a VAE is trained with, and ones that are fitted afterwards.

A distribution fitted to an autoencoder's codes makes a generative model of it in two stages: z from it, then x from
p(x | z). Source: Ghosh, Sajjadi, Vergari, Black & Schölkopf 2020, From variational to deterministic autoencoders,
arXiv:1903.12436, section 4 (density estimation after training).
Shapes: N codes of two entries, K components.
"""

import importlib
import math
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch

from gmstudio.labs.base import LabBench, Numbers

SMALLEST_VARIANCE = 1e-4
MAX_EM_STEPS = 500


@dataclass(frozen=True, eq=False)
class CodePrior:
    """Mixture of Gaussians over codes.

    Args:
        title: short name.
        weights: (K,), of sum 1.
        means: (K, 2).
        covariances: (K, 2, 2).
    """

    title: str
    weights: Numbers
    means: Numbers
    covariances: Numbers

    def draw(self, count: int, generator: torch.Generator) -> Numbers:
        """(count, 2) codes; generator on the CPU."""
        chosen = torch.multinomial(torch.from_numpy(self.weights), count, replacement=True, generator=generator).numpy()
        eps = torch.randn((count, 2), generator=generator, dtype=torch.float64).numpy()
        factors = np.linalg.cholesky(self.covariances)
        codes: Numbers = self.means[chosen] + np.einsum("nij,nj->ni", factors[chosen], eps)
        return codes

    def log_density(self, z_N2: Numbers) -> Numbers:
        """Log p(z): (N,), nats."""
        offsets = z_N2[:, None] - self.means
        inverses = np.linalg.inv(self.covariances)
        squared = np.einsum("nki,kij,nkj->nk", offsets, inverses, offsets)
        logs = np.log(self.weights) - 0.5 * (squared + np.linalg.slogdet(self.covariances)[1]) - math.log(2 * math.pi)
        density: Numbers = np.logaddexp.reduce(logs, axis=1)
        return density


def standard_normal_prior() -> CodePrior:
    """N(0, I)."""
    return CodePrior("N(0, I)", np.ones(1), np.zeros((1, 2)), np.eye(2)[None])


def fitted_gaussian(z_N2: Numbers) -> CodePrior:
    """Gaussian of largest likelihood."""
    covariance = np.cov(z_N2.T, bias=True) + SMALLEST_VARIANCE * np.eye(2)
    return CodePrior("fitted Gaussian", np.ones(1), z_N2.mean(0)[None], covariance[None])


def fitted_mixture(bench: LabBench, z_N2: Numbers, components: int) -> Generator[None, None, CodePrior]:
    """Mixture of Gaussians by EM; it is fitted beside the engine's loop, as its library takes a second to import."""

    def fit() -> CodePrior:
        library = importlib.import_module("sklearn.mixture")
        found = library.GaussianMixture(
            components, random_state=bench.seed, max_iter=MAX_EM_STEPS, reg_covar=SMALLEST_VARIANCE
        ).fit(z_N2)
        weights = found.weights_ / found.weights_.sum()
        return CodePrior(f"mixture of {components}", weights, found.means_, found.covariances_)

    return (yield from bench.beside(fit))


@dataclass(frozen=True, eq=False)
class Validity:
    """Measure of samples by their nearest training images.

    Args:
        train: (M, D) training images, levels as shares of the largest one.
        limit: distance below which 95 % of held-out images have their nearest training image.
    """

    train: torch.Tensor
    limit: float

    @classmethod
    def of(cls, train_MD: torch.Tensor, held_out_ND: torch.Tensor) -> "Validity":
        """Measure whose limit is that of held-out images."""
        distances = torch.cdist(held_out_ND, train_MD).min(1).values
        return cls(train_MD, float(torch.quantile(distances, 0.95)))

    def measure(self, samples_ND: torch.Tensor) -> tuple[float, float]:
        """Share of samples within the limit, and their mean distance from the nearest training image."""
        distances = torch.cdist(samples_ND, self.train).min(1).values
        return float((distances <= self.limit + 1e-6).float().mean()), float(distances.mean())
