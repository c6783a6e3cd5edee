r"""Forward process of diffusion models, with its closed-form marginals and posteriors.

Noise is added in T steps, q(x_t|x_{t-1}) = N(√(1 - β_t) x_{t-1}, β_t I). With α_t = 1 - β_t and ᾱ_t = α_1 ⋯ α_t,

    q(x_t|x_0) = N(√ᾱ_t x_0, (1 - ᾱ_t) I),
    q(x_{t-1}|x_t, x_0) = N(μ̃_t, β̃_t I),   β̃_t = β_t (1 - ᾱ_{t-1}) / (1 - ᾱ_t),
    μ̃_t = √ᾱ_{t-1} β_t / (1 - ᾱ_t) x_0 + √α_t (1 - ᾱ_{t-1}) / (1 - ᾱ_t) x_t;

a sampler's step (``NoiseSchedule.step``) contains the latter two as a special case.

Source: Ho, Jain & Abbeel 2020, arXiv:2006.11239, equations 2, 4, 6 and 7; the linear schedule, section 4; the cosine
schedule, Nichol & Dhariwal 2021, arXiv:2102.09672, equation 17; steps that skip timesteps, Song, Meng & Ermon 2021,
Denoising diffusion implicit models, arXiv:2010.02502, equations 12 and 16.

Shapes: B batch, C channels, H height, W width, T timesteps; times t are integers 0 (the image) to T (noise).
"""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from gmstudio.nn.batch_part import whole_count
from gmstudio.nn.constants import constant
from gmstudio.nn.level_mixture import log_mass
from gmstudio.nn.stacks import scaled

ScheduleKind = Literal["linear", "cosine"]
MAX_BETA = 0.999
COSINE_OFFSET = 0.008


class NoiseSchedule(nn.Module):
    """β_t and the quantities derived from it, each (T + 1,), indexed by t, with β_0 = 0 and ᾱ_0 = 1.

    Args:
        num_timesteps: T.
        kind: ``linear`` is Ho et al.'s from 0.0001 to 0.02 for T = 1000, scaled so that other T end at the same noise
            level; ``cosine`` adds noise more slowly at both ends.
        first_deviation: the first step adds noise of at least this deviation. Noise far below the distance between two
            levels carries no information about images, but makes the bound much looser, because no network predicts it.

    Attributes:
        beta: β_t.
        signal: √ᾱ_t.
        noise: √(1 - ᾱ_t).
        kl_weight: of ‖x_0 - x̂_0‖² in KL(q(x_{t-1}|x_t, x_0) ‖ q(x_{t-1}|x_t, x̂_0)): half of the signal-to-noise ratio
            ᾱ/(1 - ᾱ) at t - 1 less that at t; 0 for t < 2.
    """

    beta: Tensor
    signal: Tensor
    noise: Tensor
    kl_weight: Tensor

    def __init__(self, num_timesteps: int, kind: ScheduleKind, first_deviation: float = 0.0) -> None:
        super().__init__()
        self.num_timesteps = num_timesteps
        beta = _betas_from_zero(num_timesteps, kind, first_deviation)
        alpha_bar = torch.cumprod(1.0 - beta, dim=0)
        kl_weight = torch.zeros_like(beta)
        signal_to_noise = alpha_bar[1:] / (1.0 - alpha_bar[1:])
        kl_weight[2:] = -0.5 * signal_to_noise.diff()
        values = {
            "beta": beta,
            "signal": alpha_bar.sqrt(),
            "noise": (1.0 - alpha_bar).sqrt(),
            "kl_weight": kl_weight,
        }
        for name, value in values.items():
            self.register_buffer(name, value.float(), persistent=False)

    def noised(self, x0_BCHW: Tensor, t_B: Tensor, eps_BCHW: Tensor) -> Tensor:
        """x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) ε, a draw from q(x_t|x_0)."""
        return _column(self.signal, t_B) * x0_BCHW + _column(self.noise, t_B) * eps_BCHW

    def predicted_x0(self, xt_BCHW: Tensor, t_B: Tensor, eps_BCHW: Tensor) -> Tensor:
        """Image x_0 of which x_t is a noised version with noise ε, for t ≥ 1."""
        return (xt_BCHW - _column(self.noise, t_B) * eps_BCHW) / _column(self.signal, t_B)

    def fraction(self, t_B: Tensor) -> Tensor:
        """Times as fractions of T, the network's input."""
        return t_B.to(self.signal.dtype) / self.num_timesteps

    def kl(self, x0_BCHW: Tensor, image_BCHW: Tensor, t_B: Tensor) -> Tensor:
        """KL(q(x_{t-1}|x_t, x_0) ‖ p(x_{t-1}|x_t)) for t > 1, given the image predicted from x_t: (B,), nats."""
        return self.kl_weight[t_B] * (x0_BCHW - image_BCHW).square().flatten(1).sum(1)

    def log_decoder(self, x: Tensor, levels: int, image_BCHW: Tensor) -> Tensor:
        """Log p(x_0|x_1) of integer images: N(x̂_0, β_1), integrated over each level's bin.

        Args:
            x: (B, C, H, W) integers.
            levels: values that a sub-pixel can take.
            image_BCHW: x̂_0, predicted from x_1.

        Returns:
            (B,), nats.
        """
        half_bin = 1.0 / (levels - 1)
        from_mean = scaled(x, levels, image_BCHW) - image_BCHW
        scale = self.beta[1].sqrt()
        lower, upper = (from_mean - half_bin) / scale, (from_mean + half_bin) / scale
        return log_mass("gaussian", lower, upper, x == 0, x == levels - 1).flatten(1).sum(1)

    def prior_kl(self, x0_BCHW: Tensor) -> Tensor:
        """KL(q(x_T|x_0) ‖ N(0, I)): (B,), nats; information left in the last image."""
        variance = self.noise[-1].square()
        mean_square = (self.signal[-1] * x0_BCHW).square()
        return 0.5 * (variance + mean_square - 1.0 - torch.log(variance)).flatten(1).sum(1)

    def deviation(self, t: int, to: int, eta: float) -> Tensor:
        """σ of a sampler's step from time t to an earlier one: η times that of q(x_to|x_t, x_0); 0-dim."""
        remaining = self.noise[to] / self.noise[t]
        added = (1.0 - (self.signal[t] / self.signal[to]).square()).clamp(min=0.0).sqrt()
        return eta * remaining * added

    def step(self, xt_BCHW: Tensor, x0_BCHW: Tensor, t: int, to: int, eta: float, eps_BCHW: Tensor | None) -> Tensor:
        """A sampler's step from time t to an earlier one, given the predicted image.

        With η = 1 this is a draw from q(x_to|x_t, x_0), ancestral sampling; with η = 0 it is deterministic.

        Args:
            xt_BCHW: the state.
            x0_BCHW: the predicted image.
            t: the state's time.
            to: the next time, below t.
            eta: standard deviation of the added noise, relative to that of the posterior.
            eps_BCHW: standard normal noise; needed where η > 0.
        """
        deviation = self.deviation(t, to, eta)
        direction = (xt_BCHW - self.signal[t] * x0_BCHW) / self.noise[t]
        kept = (self.noise[to].square() - deviation.square()).clamp(min=0.0).sqrt()
        mean = self.signal[to] * x0_BCHW + kept * direction
        return mean if eps_BCHW is None or eta == 0.0 else mean + deviation * eps_BCHW


def evenly_spaced_times(num_timesteps: int, num_steps: int) -> list[int]:
    """Times of a sampler with at most this number of steps: T first, 0 last, evenly spaced and strictly falling."""
    count = min(num_steps, num_timesteps)
    return [round(num_timesteps * (count - i) / count) for i in range(count + 1)]


def stratified_times(
    count: int, first: int, last: int, device: torch.device, generator: torch.Generator | None
) -> Tensor:
    """(count,) times, each uniform in first … last, those of the whole batch spread evenly; in random order."""
    order = torch.randperm(count, generator=generator, device=device)
    place = (order + torch.rand(count, generator=generator, device=device)) / max(1, whole_count(count))
    return (first + (place * (last + 1 - first)).long()).clamp(max=last)


def standard_noise(like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Standard normal noise of the shape, precision and device of ``like``."""
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)


@constant
def _betas_from_zero(num_timesteps: int, kind: ScheduleKind, first_deviation: float) -> Tensor:
    """(T + 1,) float64 β_0 = 0, β_1 … β_T."""
    beta = torch.cat([torch.zeros(1, dtype=torch.float64), _betas(num_timesteps, kind)])
    beta[1] = beta[1].clamp(min=first_deviation**2)
    return beta


def _betas(num_timesteps: int, kind: ScheduleKind) -> Tensor:
    """(T,) float64 β_1 … β_T."""
    if kind == "linear":
        scale = 1000.0 / num_timesteps
        return torch.linspace(scale * 1e-4, scale * 0.02, num_timesteps, dtype=torch.float64).clamp(max=MAX_BETA)
    t = torch.arange(num_timesteps + 1, dtype=torch.float64) / num_timesteps
    alpha_bar = torch.cos((t + COSINE_OFFSET) / (1.0 + COSINE_OFFSET) * math.pi / 2.0).square()
    return (1.0 - alpha_bar[1:] / alpha_bar[:-1]).clamp(max=MAX_BETA)


def _column(values_T: Tensor, t_B: Tensor) -> Tensor:
    """Values at times t, shaped for images: (B, 1, 1, 1)."""
    return values_T[t_B].view(-1, 1, 1, 1)
