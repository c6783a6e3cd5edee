"""Trajectory of a diffusion model: the noisy image x_t, or the image predicted from it, at each step of denoising.

Shapes: B batch, C channels, H height, W width.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from gmstudio.families.base import TrajectoryStep
from gmstudio.families.diffusion.denoiser import Denoiser
from gmstudio.families.diffusion.process import NoiseSchedule
from gmstudio.families.diffusion.sampler_config import DDPMSampler
from gmstudio.families.diffusion.samplers import denoise, intensities
from gmstudio.protocol.metrics import Metric

NOISE_LEVEL = Metric("noise level", "σ_t", help="Standard deviation of the noise in x_t.")
CHANGE = Metric(
    "change of predicted image", unit="RMS", help="Root mean square change of the prediction of x_0 by a step."
)


def denoising_trajectory(
    network: Denoiser,
    schedule: NoiseSchedule,
    state: Tensor,
    times: list[int],
    sampler: DDPMSampler,
    generator: torch.Generator | None,
) -> Iterator[TrajectoryStep]:
    """States of ``denoise``, the first one included, or the images predicted from them; arguments as there."""
    predicted, before, zeros_B = sampler.shown == "x_0", torch.zeros_like(state), state.new_zeros(len(state))
    if not predicted:
        yield _step(schedule, times[0], state, zeros_B, f"t = {times[0]}")
    for t, step in zip(times, denoise(network, schedule, state, times, sampler.noise, generator), strict=False):
        change_B = 0.5 * (step.predicted - before).square().flatten(1).mean(1).sqrt()
        before, state = step.predicted, step.state
        if predicted:
            yield _step(schedule, t, step.predicted, change_B, f"x̂₀ predicted at t = {t}")
        else:
            yield _step(schedule, step.t, step.state, change_B, f"t = {step.t}")
    if predicted:
        yield _step(schedule, times[-1], state, zeros_B, f"t = {times[-1]}")


def _step(schedule: NoiseSchedule, t: int, images: Tensor, change_B: Tensor, label: str) -> TrajectoryStep:
    noise_B = schedule.noise[t].expand(len(images))
    return TrajectoryStep(intensities(images), {NOISE_LEVEL: noise_B, CHANGE: change_B}, label, t)
