"""A diffusion model with dense layers: all laws on points and images, the score of known data, old runs."""

import pytest
import torch
from tiny_families import fit

from gmstudio.families.diffusion.ddpm import DDPM
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import seeded

LINE, PLANE, GREY = ImageSpec(1, 1, 1, 8), ImageSpec(1, 1, 2, 8), ImageSpec(1, 4, 4, 4)
SMALL = DDPM.Config(network="dense", num_hidden=24, num_layers=2, num_timesteps=6)


@pytest.mark.parametrize("law", laws.laws_of(DDPM, SMALL, images=(LINE, PLANE, GREY)), ids=str)
def test_law(law: laws.LawCase) -> None:
    law()


def test_the_score_of_a_normal_distribution_is_learned() -> None:
    """Of data N(m, s²) the noisy data are normal, too, and their score is a straight line."""
    image = ImageSpec(1, 1, 1, 256)
    torch.manual_seed(0)
    model = DDPM(DDPM.Config(network="dense", num_hidden=48, num_layers=2, num_timesteps=50), image)
    levels = (140.0 + 20.0 * torch.randn(2000, generator=seeded())).round().clamp(0, 255)
    fit(model, levels.view(-1, 1, 1, 1).to(torch.uint8), 400, learning_rate=5e-3, max_norm=1.0)
    model.eval()
    mean, deviation = 2 * 140 / 255 - 1, 2 * 20 / 255
    for t in (15, 30, 45):
        signal, noise = model.noise_level(t)
        variance = (signal * deviation) ** 2 + noise**2
        x = signal * mean + variance**0.5 * torch.linspace(-1.5, 1.5, 31).unsqueeze(1)
        with torch.no_grad():
            score = model.score(x, t)
        expected = (signal * mean - x) / variance
        assert (score - expected).square().mean() < 0.05 * expected.square().mean()


def test_runs_from_before_the_setting_have_a_u_net() -> None:
    old = parse_config(DDPM.Config, {"num_timesteps": 6, "num_channels": 4})
    model = DDPM(old, PLANE)
    assert old.network == "unet" and "network.time.layers.0.weight" in model.state_dict()
    assert "averaged.copy.down_blocks.0.0.conv1.weight" in model.state_dict()
