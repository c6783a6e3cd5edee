"""Samplers of a diffusion model, from noise to an image, and their inversion, from an image to its noise.

Source: Ho, Jain & Abbeel 2020, arXiv:2006.11239, algorithm 2; Song, Meng & Ermon 2021, Denoising diffusion implicit
models, arXiv:2010.02502, sections 4.1 to 4.3.

Shapes: B batch, C channels, H height, W width, S shifts of a network's blocks.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from gmstudio.families.diffusion.denoiser import Denoiser
from gmstudio.families.diffusion.process import NoiseSchedule

INVERSION_ROUNDS = 3


class Denoised(NamedTuple):
    """One step of denoising.

    Args:
        t: the time that was reached.
        state: x_t, (B, C, H, W).
        predicted: the predicted image of the step, (B, C, H, W) in [-1, 1].
    """

    t: int
    state: Tensor
    predicted: Tensor


def denoise(
    network: Denoiser,
    schedule: NoiseSchedule,
    state: Tensor,
    times: list[int],
    eta: float,
    generator: torch.Generator | None = None,
) -> Iterator[Denoised]:
    """Denoise from the first of some times to the last, one step for each further time.

    Args:
        network: predicts the noise.
        schedule: of the noise.
        state: (B, C, H, W) at the first time.
        times: strictly falling.
        eta: noise added, 0 (none) to 1 (ancestral).
        generator: source of it.
    """
    shifts = _shifts(network, schedule, times[:-1], state)
    for index, (t, to) in enumerate(pairwise(times)):
        eps = network.with_shifts(state, shifts[index : index + 1])
        predicted = ((state - schedule.noise[t] * eps) / schedule.signal[t]).clamp(-1.0, 1.0)
        noise = None
        if eta > 0.0 and to > 0:
            noise = torch.randn(state.shape, generator=generator, dtype=state.dtype, device=state.device)
        state = schedule.step(state, predicted, t, to, eta, noise)
        yield Denoised(to, state, predicted)


def denoised(
    network: Denoiser,
    schedule: NoiseSchedule,
    state: Tensor,
    times: list[int],
    eta: float,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Final state of ``denoise``."""
    for step in denoise(network, schedule, state, times, eta, generator):
        state = step.state
    return state


def noised_back(network: Denoiser, schedule: NoiseSchedule, x0: Tensor, times: list[int]) -> Tensor:
    """DDIM inversion: from the image to the noise of which ``denoised`` approximately gives the image.

    The noise predicted at the later time of a step is computed by fixed-point iteration, which may not converge for
    long steps.

    Args:
        network: predicts the noise.
        schedule: of the noise.
        x0: (B, C, H, W) images in [-1, 1].
        times: strictly falling to 0, as for ``denoise``.
    """
    shifts = _shifts(network, schedule, times[:-1], x0)
    state = x0
    for index in reversed(range(len(times) - 1)):
        t, to = times[index], times[index + 1]
        later = state
        for _ in range(INVERSION_ROUNDS):
            eps = network.with_shifts(later, shifts[index : index + 1])
            image = (state - schedule.noise[to] * eps) / schedule.signal[to]
            later = schedule.signal[t] * image + schedule.noise[t] * eps
        state = later
    return state


def intensities(x_BCHW: Tensor) -> Tensor:
    """Images in [-1, 1] as intensities in [0, 1]."""
    return (0.5 * (x_BCHW + 1.0)).clamp(0.0, 1.0)


def _shifts(network: Denoiser, schedule: NoiseSchedule, times: list[int], like: Tensor) -> Tensor:
    """Embeddings of all times at once: (len(times), S)."""
    fractions = torch.tensor(times, dtype=like.dtype, device=like.device) / schedule.num_timesteps
    shifts: Tensor = network.time(fractions)
    return shifts
