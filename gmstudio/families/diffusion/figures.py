"""Figures of a diffusion model: predictions at several noise levels, and the error by timestep.

Shapes: B batch, C channels, H height, W width.
"""

import torch
from torch import Tensor

from gmstudio.families.diagnostics import Figure
from gmstudio.families.diffusion.denoiser import Denoiser
from gmstudio.families.diffusion.process import NoiseSchedule, standard_noise
from gmstudio.families.diffusion.samplers import intensities

NUM_SHOWN, NUM_BINS = 6, 10
DEPTHS = (0.1, 0.3, 0.5, 0.7, 0.9)


def denoised_figure(
    network: Denoiser, schedule: NoiseSchedule, images_BCHW: Tensor, generator: torch.Generator
) -> Figure:
    """Images, one per row: the input, then the noised and the predicted image for each depth.

    Args:
        network: predicts the noise.
        schedule: of the noise.
        images_BCHW: in [-1, 1]; the first few are shown.
        generator: source of the noise.
    """
    x0_BCHW = images_BCHW[:NUM_SHOWN]
    columns, names = [x0_BCHW], ["input"]
    for depth in DEPTHS:
        t = max(1, round(depth * schedule.num_timesteps))
        t_B = torch.full((len(x0_BCHW),), t, dtype=torch.int64, device=x0_BCHW.device)
        xt_BCHW = schedule.noised(x0_BCHW, t_B, standard_noise(x0_BCHW, generator))
        eps_BCHW = network(xt_BCHW, schedule.fraction(t_B))
        columns += [xt_BCHW, schedule.predicted_x0(xt_BCHW, t_B, eps_BCHW)]
        names += [f"t = {t}", "denoised"]
    return Figure(
        "images",
        "denoised",
        "Denoised from several timesteps",
        "Validation images with noise of several timesteps, each beside the image predicted from it: with more "
        "noise, the prediction contains less of the input.",
        series=tuple(names),
        images=intensities(torch.stack(columns, dim=1).flatten(0, 1)),
        columns=len(names),
    )


def error_figure(network: Denoiser, schedule: NoiseSchedule, images_BCHW: Tensor, generator: torch.Generator) -> Figure:
    """Mean squared error of the noise in equal parts of the timesteps; arguments as for ``denoised_figure``."""
    rows = max(NUM_BINS, len(images_BCHW) // NUM_BINS * NUM_BINS)
    x0_BCHW = images_BCHW[torch.arange(rows, device=images_BCHW.device) % len(images_BCHW)]
    place_B = (torch.arange(rows, device=images_BCHW.device) + 0.5) / rows
    t_B = (1 + (place_B * schedule.num_timesteps).long()).clamp(max=schedule.num_timesteps)
    eps_BCHW = standard_noise(x0_BCHW, generator)
    error_BCHW = eps_BCHW - network(schedule.noised(x0_BCHW, t_B, eps_BCHW), schedule.fraction(t_B))
    errors = error_BCHW.square().flatten(1).mean(1).view(NUM_BINS, -1).mean(1)
    return Figure(
        "bars",
        "error_by_timestep",
        "Squared error of the noise by timestep",
        "From little noise, left, where it hardly differs from the image, to nothing but noise, right, where it is "
        "easy; 1 is the error of predicting 0.",
        series=("squared error",),
        values=errors[None],
    )
