"""Small diffusion models, and their posterior by Bayes’ rule."""

from typing import Any

import torch
from torch import Tensor

from gmstudio.families.diffusion.ddpm import DDPM
from gmstudio.families.diffusion.process import NoiseSchedule
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec

SPECS = (
    ImageSpec(1, 1, 1, 2),
    ImageSpec(3, 1, 2, 4),
    ImageSpec(1, 2, 9, 5),
    ImageSpec(3, 11, 13, 256),
    ImageSpec(1, 8, 8, 16),
)
TINY = ImageSpec(1, 1, 2, 3)


def build(image: ImageSpec, seed: int = 0, **config: Any) -> DDPM:
    """A small model, its weights larger than at their start, and its average the same."""
    torch.manual_seed(seed)
    small = {"num_channels": 4, "num_timesteps": 6, **config}
    model = DDPM(parse_config(DDPM.Config, small), image)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.mul_(1.5).add_(0.05 * torch.randn_like(parameter))
        average = dict(model.averaged.copy.named_buffers())
        for name, parameter in model.network.named_parameters():
            average[name].copy_(parameter)
    return model


def posterior(schedule: NoiseSchedule, x0: Tensor, xt: Tensor, t: int) -> tuple[Tensor, Tensor]:
    """Mean and deviation of q(x_{t-1}|x_t, x_0), the paper's equation 7."""
    beta, before, after = schedule.beta[t], schedule.signal[t - 1].square(), schedule.signal[t].square()
    mean = before.sqrt() * beta / (1 - after) * x0 + (1 - beta).sqrt() * (1 - before) / (1 - after) * xt
    return mean, (beta * (1 - before) / (1 - after)).sqrt()
