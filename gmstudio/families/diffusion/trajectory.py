"""Trajectory of a diffusion model: the noisy image x_t at each step of denoising.

Shapes: B batch, C channels, H height, W width.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from gmstudio.families.base import TrajectoryStep
from gmstudio.families.diffusion.process import NoiseSchedule
from gmstudio.families.diffusion.samplers import denoise, intensities
from gmstudio.families.diffusion.unet import UNet
from gmstudio.protocol.metrics import Metric

NOISE_LEVEL = Metric("noise level", "σ_t", help="Standard deviation of the noise in x_t.")
CHANGE = Metric(
    "change of predicted image", unit="RMS", help="Root mean square change of the prediction of x_0 by a step."
)


def denoising_trajectory(
    network: UNet,
    schedule: NoiseSchedule,
    state: Tensor,
    times: list[int],
    eta: float,
    generator: torch.Generator | None,
) -> Iterator[TrajectoryStep]:
    """States of ``denoise``, the first one included; arguments as there."""
    predicted = torch.zeros_like(state)
    yield _step(schedule, times[0], state, state.new_zeros(len(state)))
    for step in denoise(network, schedule, state, times, eta, generator):
        change_B = 0.5 * (step.predicted - predicted).square().flatten(1).mean(1).sqrt()
        predicted = step.predicted
        yield _step(schedule, step.t, step.state, change_B)


def _step(schedule: NoiseSchedule, t: int, state: Tensor, change_B: Tensor) -> TrajectoryStep:
    noise_B = schedule.noise[t].expand(len(state))
    return TrajectoryStep(intensities(state), {NOISE_LEVEL: noise_B, CHANGE: change_B}, f"t = {t}", t)
