"""Diffusion trained on its bound: predictions of an untrained network from late times are far off, and do no harm."""

from typing import Any

import pytest
import torch

from gmstudio.cards import ImageSpec, parse_config
from gmstudio.families import FAMILIES


@pytest.mark.parametrize(("schedule", "num_timesteps"), [("cosine", 500), ("cosine", 50), ("linear", 5)])
def test_every_gradient_is_finite_from_the_first_step(schedule: str, num_timesteps: int) -> None:
    family: Any = FAMILIES["ddpm"]
    settings = {
        "weighting": "bound",
        "schedule": schedule,
        "num_timesteps": num_timesteps,
        "num_channels": 4,
        "num_scales": 1,
        "attention": False,
    }
    torch.manual_seed(0)
    model = family(parse_config(family.Config, settings), ImageSpec(1, 4, 4, 256))
    noise = torch.Generator().manual_seed(0)
    x = torch.randint(256, (64, 1, 4, 4), generator=noise)
    for _ in range(20):
        model.zero_grad()
        terms = model.loss(x, noise)
        terms["loss"].backward()
        assert torch.isfinite(terms["loss"])
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name
