r"""Diffusion of numbers: marginals in closed form, the ways back from noise, and a score learned by a small network.

With p_0 a mixture of Gaussians everything is one, too: q(x_t) = Σ_k w_k N(√ᾱ_t m_k, ᾱ_t s_k² + 1 - ᾱ_t). So the score
s(x_t) = ∂ log q(x_t) / ∂x_t is exact, and by Tweedie's formula the mean of what there was before the noise,

    E[x_0 | x_t] = (x_t + (1 - ᾱ_t) s(x_t)) / √ᾱ_t.

Source: Ho, Jain & Abbeel 2020, arXiv:2006.11239, section 2; Song, Meng & Ermon 2021, arXiv:2010.02502, equation 12 (the
ways back: η = 1 is ancestral, η = 0 follows the ODE of Song et al. 2021, arXiv:2011.13456, section 4.3); Efron 2011,
Tweedie's formula and selection bias; Vincent 2011, A connection between score matching and denoising autoencoders.
Shapes: T timesteps, N particles, P places.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gmstudio.families.diffusion.process import NoiseSchedule, ScheduleKind
from gmstudio.labs.gaussian_mixture import GaussianMixture
from gmstudio.labs.small_networks import dense_network
from gmstudio.nn.plain_adam import PlainAdam

Numbers = NDArray[np.float64]
Score = Callable[[Numbers, int], Numbers]
"""Places (N,) at a time t → score (N,)."""

NUM_FREQUENCIES = 4
DIFFERENCE = 1e-4
"""Distance of the places whose log-densities give a derivative."""


class LineDiffusion:
    """Forward process on a line, and the ways back.

    Args:
        timesteps: T.
        kind: schedule of β_t.

    Attributes:
        alpha_bar: (T + 1,) ᾱ_t, with ᾱ_0 = 1.
        signal: √ᾱ_t.
        noise: √(1 - ᾱ_t).
    """

    def __init__(self, timesteps: int, kind: ScheduleKind) -> None:
        self.timesteps = timesteps
        beta = NoiseSchedule(timesteps, kind).beta.double().numpy()
        self.alpha_bar: Numbers = np.cumprod(1.0 - beta).astype(np.float64)
        self.signal, self.noise = np.sqrt(self.alpha_bar), np.sqrt(1.0 - self.alpha_bar)

    def marginal(self, start: GaussianMixture, t: int) -> GaussianMixture:
        """q(x_t)."""
        return start.scaled(float(self.signal[t]), float(self.noise[t]))

    def denoised(self, x: Numbers, t: int, score: Numbers) -> Numbers:
        """E[x_0 | x_t] by Tweedie's formula from the score, for t ≥ 1."""
        mean: Numbers = (x + (1.0 - self.alpha_bar[t]) * score) / self.signal[t]
        return mean

    def posterior_mean(self, start: GaussianMixture, x: Numbers, t: int) -> Numbers:
        """E[x_0 | x_t] by Bayes: the mean of each component's Gaussian posterior, weighted by p(k | x_t)."""
        gain = start.deviations**2 * self.signal[t]
        total = (start.deviations * self.signal[t]) ** 2 + self.noise[t] ** 2
        means = start.means + gain / total * (x[..., None] - self.signal[t] * start.means)
        mean: Numbers = (self.marginal(start, t).responsibilities(x) * means).sum(-1)
        return mean

    def posterior_density(self, start: GaussianMixture, x0: Numbers, xt: float, t: int) -> Numbers:
        """q(x_0 | x_t) = q(x_t | x_0) p_0(x_0) / q(x_t) at places x_0."""
        z = (xt - self.signal[t] * x0) / self.noise[t]
        likelihood = np.exp(-0.5 * z**2) / (math.sqrt(2 * math.pi) * self.noise[t])
        density: Numbers = likelihood * start.density(x0) / self.marginal(start, t).density(np.array([xt]))
        return density

    def noise_error(self, start: GaussianMixture, score: Score, x_P: Numbers, t: int) -> float:
        """(1 - ᾱ_t) E ‖score - s‖² under q(x_t), its mean squared error in units of the noise, by a sum over places."""
        marginal = self.marginal(start, t)
        squared = (score(x_P, t) - marginal.score(x_P)) ** 2
        return float((1 - self.alpha_bar[t]) * (squared * marginal.density(x_P)).sum() * (x_P[1] - x_P[0]))

    def exact_score(self, start: GaussianMixture) -> Score:
        """The score of q(x_t)."""
        return lambda x, t: self.marginal(start, t).score(x)

    def backward(self, x_N: Numbers, score: Score, eta: float, generator: torch.Generator) -> Iterator[Numbers]:
        """States of particles on the way from t = T to 0, (N,) each, the first one as given.

        Args:
            x_N: particles of noise.
            score: of q(x_t), exact or learned.
            eta: 1: ancestral sampling; 0: the ODE, without noise.
            generator: source of the noise.
        """
        yield x_N
        for t in range(self.timesteps, 0, -1):
            x0_N = self.denoised(x_N, t, score(x_N, t))
            variance = (
                (1 - self.alpha_bar[t - 1]) / (1 - self.alpha_bar[t]) * (1 - self.alpha_bar[t] / self.alpha_bar[t - 1])
            )
            deviation = eta * math.sqrt(max(variance, 0.0))
            kept = math.sqrt(max(1 - self.alpha_bar[t - 1] - deviation**2, 0.0))
            x_N = self.signal[t - 1] * x0_N + kept * (x_N - self.signal[t] * x0_N) / self.noise[t]
            if deviation > 0:
                x_N = x_N + deviation * torch.randn(len(x_N), generator=generator, dtype=torch.float64).numpy()
            yield x_N


class ScoreNetwork(nn.Module):
    """ε̂(x_t, t): a network of two hidden layers that predicts the noise, so that the score is -ε̂ / √(1 - ᾱ_t).

    Args:
        hidden: units in each layer.
        generator: source of the initial weights.
    """

    def __init__(self, hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        self.layers = dense_network((2 + 2 * NUM_FREQUENCIES, hidden, hidden, 1), generator)

    def forward(self, x_N: Tensor, time_N: Tensor) -> Tensor:
        """Predict the noise in places (N,) at times t / T, (N,)."""
        angles = math.pi * time_N[:, None] * torch.arange(1, NUM_FREQUENCIES + 1, dtype=x_N.dtype)
        h = torch.cat([x_N[:, None], time_N[:, None], angles.cos(), angles.sin()], dim=1)
        noise: Tensor = self.layers(h)
        return noise.squeeze(1)

    def score(self, diffusion: LineDiffusion) -> Score:
        """The learned score."""

        def learned(x: Numbers, t: int) -> Numbers:
            with torch.inference_mode():
                places = torch.from_numpy(np.ascontiguousarray(x)).float()
                noise = self(places, torch.full_like(places, t / diffusion.timesteps))
            found: Numbers = -noise.double().numpy() / diffusion.noise[t]
            return found

        return learned


def learn_score(
    network: ScoreNetwork,
    diffusion: LineDiffusion,
    start: GaussianMixture,
    steps: int,
    batch_size: int,
    generator: torch.Generator,
) -> Iterator[float]:
    """Train by denoising score matching, E ‖ε - ε̂(√ᾱ_t x_0 + √(1 - ᾱ_t) ε, t)‖²: yields the loss of each step."""
    optimizer = PlainAdam(network.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    signal, noise = (torch.from_numpy(values).float() for values in (diffusion.signal, diffusion.noise))
    for _ in range(steps):
        x0_N = torch.from_numpy(start.sample(batch_size, generator)).float()
        t_N = torch.randint(1, diffusion.timesteps + 1, (batch_size,), generator=generator)
        eps_N = torch.randn(batch_size, generator=generator)
        loss = (network(signal[t_N] * x0_N + noise[t_N] * eps_N, t_N / diffusion.timesteps) - eps_N).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        yield loss.item()


def score_by_differences(mixture: GaussianMixture, x: Numbers) -> Numbers:
    """Derivative of log p by central differences, to check the closed form."""
    rise = mixture.log_density(x + DIFFERENCE) - mixture.log_density(x - DIFFERENCE)
    slope: Numbers = rise / (2 * DIFFERENCE)
    return slope


def kolmogorov_smirnov(draws_N: Numbers, start: GaussianMixture) -> float:
    """Largest distance of the empirical distribution function of draws from that of a mixture, 0 to 1."""
    cdf_N = start.cdf(np.sort(draws_N))
    steps = np.arange(len(draws_N) + 1) / len(draws_N)
    return float(max((cdf_N - steps[:-1]).max(), (steps[1:] - cdf_N).max()))


def total_variation(draws_N: Numbers, start: GaussianMixture, edges: Numbers) -> float:
    """Half the summed difference of the shares of draws and of a mixture in bins, outer ones to infinity; 0 to 1."""
    counts = np.histogram(np.clip(draws_N, edges[0], edges[-1]), edges)[0]
    cdf = start.cdf(edges)
    cdf[0], cdf[-1] = 0.0, 1.0
    return float(0.5 * np.abs(counts / len(draws_N) - np.diff(cdf)).sum())
