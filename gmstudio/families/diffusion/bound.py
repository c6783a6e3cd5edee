r"""Variational bound of diffusion models, estimated from a few of its timesteps.

    -log p(x_0) ≤ KL(q(x_T|x_0) ‖ N(0, I)) + Σ_{t>1} KL(q(x_{t-1}|x_t, x_0) ‖ p(x_{t-1}|x_t)) - E[log p(x_0|x_1)]

Source: Ho, Jain & Abbeel 2020, arXiv:2006.11239, equation 5.

Shapes: B batch, C channels, H height, W width, T timesteps.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from gmstudio.families.diffusion.process import NoiseSchedule, standard_noise, stratified_times
from gmstudio.nn.stacks import scaled


class DiffusionBound(NamedTuple):
    """Variational bound under a network.

    Args:
        schedule: of the noise.
        network: (x_t, t/T) → predicted noise.
        levels: values that a sub-pixel can take.
    """

    schedule: NoiseSchedule
    network: Callable[[Tensor, Tensor], Tensor]
    levels: int

    def estimate(self, x: Tensor, num_samples: int, generator: torch.Generator | None) -> Tensor:
        """Unbiased estimate of the bound on the log-probability of (B, C, H, W) integer images: (B,), nats.

        Of the sum over t > 1, ``num_samples`` timesteps are drawn for each image where there are more; else every
        timestep is computed, as often as ``num_samples`` allows.

        Args:
            x: integers.
            num_samples: evaluations of the sum's terms per image, 1 or more.
            generator: source of t and ε.
        """
        num_terms = self.schedule.num_timesteps - 1
        x0_BCHW = scaled(x, self.levels, self.schedule.signal)
        one_B = torch.ones(len(x), dtype=torch.int64, device=x0_BCHW.device)
        rounds = max(1, num_samples // num_terms) if num_terms else num_samples
        decoder_B = torch.stack([self._term(x, x0_BCHW, one_B, generator) for _ in range(rounds)]).mean(0)
        total_B = torch.zeros_like(decoder_B)
        if num_samples >= num_terms:
            times = [t * one_B for t in range(2, num_terms + 2)] * rounds
            weight = 1.0 / rounds
        else:
            strata = stratified_times(num_samples * len(x), 2, num_terms + 1, x0_BCHW.device, generator)
            times = list(strata.view(num_samples, -1))
            weight = num_terms / num_samples
        for t_B in times:
            total_B += weight * self._term(x, x0_BCHW, t_B, generator)
        return -(self.schedule.prior_kl(x0_BCHW) + total_B + decoder_B)

    def of_prediction(self, x: Tensor, x0_BCHW: Tensor, image_BCHW: Tensor, t_B: Tensor) -> Tensor:
        """Unbiased estimate of −ELBO from a prediction at one uniformly drawn timestep per image: (B,), nats.

        Args:
            x: (B, C, H, W) integers.
            x0_BCHW: the same images in [-1, 1].
            image_BCHW: images predicted from x_t; they receive the gradient.
            t_B: the timesteps, 1 to T.
        """
        is_first_B = t_B == 1
        # Elsewhere predictions may be so far off that the decoder's gradient is NaN, even where it is masked.
        decoded_BCHW = torch.where(is_first_B.view(-1, 1, 1, 1), image_BCHW, x0_BCHW)
        term_B = torch.where(
            is_first_B,
            -self.schedule.log_decoder(x, self.levels, decoded_BCHW),
            self.schedule.kl(x0_BCHW, image_BCHW, t_B),
        )
        return self.schedule.num_timesteps * term_B + self.schedule.prior_kl(x0_BCHW)

    def terms(self, x: Tensor, first: int, last: int, generator: torch.Generator | None) -> Tensor:
        """Sum of the terms of timesteps ``first`` + 1 … ``last``, the KL of x_T among that of timestep 1: (B,), nats.

        Args:
            x: (B, C, H, W) integers.
            first: terms left out at the beginning.
            last: number of the last term, at most T.
            generator: source of ε.
        """
        x0_BCHW = scaled(x, self.levels, self.schedule.signal)
        total_B = torch.zeros(len(x), dtype=x0_BCHW.dtype, device=x0_BCHW.device)
        if first == 0:
            one_B = torch.ones(len(x), dtype=torch.int64, device=x0_BCHW.device)
            total_B += self.schedule.prior_kl(x0_BCHW) + self._term(x, x0_BCHW, one_B, generator)
        times_S = torch.arange(max(first + 1, 2), last + 1, device=x0_BCHW.device)
        if len(times_S):
            repeated = (len(times_S), 1, 1, 1)
            t_N = times_S.repeat_interleave(len(x))
            kl_N = self._term(x.repeat(repeated), x0_BCHW.repeat(repeated), t_N, generator)
            total_B += kl_N.unflatten(0, (len(times_S), len(x))).sum(0)
        return total_B

    def _term(self, x: Tensor, x0_BCHW: Tensor, t_B: Tensor, generator: torch.Generator | None) -> Tensor:
        """Term of the bound, -log p(x_0|x_1) where t = 1 and a KL where t > 1: (B,), nats."""
        eps_BCHW = standard_noise(x0_BCHW, generator)
        xt_BCHW = self.schedule.noised(x0_BCHW, t_B, eps_BCHW)
        predicted = self.network(xt_BCHW, self.schedule.fraction(t_B))
        image_BCHW = self.schedule.predicted_x0(xt_BCHW, t_B, predicted).clamp(-1.0, 1.0)
        if bool((t_B == 1).all()):
            return -self.schedule.log_decoder(x, self.levels, image_BCHW)
        return self.schedule.kl(x0_BCHW, image_BCHW, t_B)
