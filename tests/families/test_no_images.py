"""No images at all go through every family with codes, chains or bounds, and come out as none."""

from typing import Any

import pytest
import torch

from gmstudio.families import FAMILIES
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec

CASES: list[tuple[str, dict[str, Any]]] = [
    ("autoencoder", {"reconstruction": "likelihood"}),
    ("autoencoder", {"architecture": "conv"}),
    ("vae", {}),
    ("vae", {"architecture": "conv", "decoder": "discretized gaussian"}),
    ("gan", {"architecture": "dcgan"}),
    ("rbm", {"num_temperatures": 3}),
    ("gsn", {}),
    ("realnvp", {"num_couplings": 1, "dequantization": "variational"}),
    ("ddpm", {"num_timesteps": 3}),
]


@pytest.mark.parametrize(("name", "config"), CASES, ids=[f"{n}-{'-'.join(map(str, c.values()))}" for n, c in CASES])
def test_nothing_in_nothing_out(name: str, config: dict[str, Any]) -> None:
    family: Any = FAMILIES[name]
    image = ImageSpec(3, 5, 6, 4)
    model = family(parse_config(family.Config, config), image).eval()
    nothing, noise = torch.zeros((0, *image.shape), dtype=torch.uint8), torch.Generator().manual_seed(0)
    for score in ("elbo", "log_prob_estimate"):
        if hasattr(model, score):
            assert getattr(model, score)(nothing, num_samples=2, generator=noise).shape == (0,)
    if hasattr(model, "sample"):
        samples = model.sample(0, generator=noise)
        assert samples.shape == nothing.shape and samples.dtype == torch.uint8
    if hasattr(model, "chain"):
        assert next(model.chain(nothing, noise)).shape == nothing.shape
    if hasattr(model, "encode"):
        assert model.encode(nothing).shape == (0, model.latent.num_dims)
    if hasattr(model, "decode"):
        assert model.decode(torch.zeros(0, model.latent.num_dims)).shape == nothing.shape
