"""Bound of a diffusion model: the KL of x_T counts, and gradients of an untrained network are finite."""

from typing import Any

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from gmstudio.families import FAMILIES
from gmstudio.families.diffusion.process import NoiseSchedule
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec


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


def test_what_the_last_image_still_tells_is_part_of_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    schedule = NoiseSchedule(2, "linear")
    x0 = torch.linspace(-1.0, 1.0, 6).view(2, 1, 1, 3)
    last = Normal(schedule.signal[2].double() * x0.double(), schedule.noise[2].double())
    expected = kl_divergence(last, Normal(0.0, 1.0)).flatten(1).sum(1)
    torch.testing.assert_close(schedule.prior_kl(x0).double(), expected, rtol=1e-3, atol=1e-7)
    assert expected.min() > 1e-4
    family: Any = FAMILIES["ddpm"]
    settings = {"weighting": "bound", "num_timesteps": 2, "num_channels": 4, "num_scales": 1}
    model = family(parse_config(family.Config, settings), ImageSpec(1, 1, 3, 2)).eval()
    x = torch.tensor([[[[0, 1, 1]]]])

    def scores() -> tuple[float, float]:
        noise = torch.Generator().manual_seed(0)
        return float(model.elbo(x, 1, noise)), float(model.loss(x, noise)["loss"].detach())

    bound, loss = scores()
    with monkeypatch.context() as patch:
        patch.setattr(NoiseSchedule, "prior_kl", lambda _schedule, images: torch.full((len(images),), 7.0))
        lower, higher = scores()
    assert bound - lower == pytest.approx(7.0, abs=0.01) and higher - loss == pytest.approx(7.0, abs=0.01)
