"""Grids that training keeps: what each kind of family shows of itself."""

from typing import Any

import numpy as np
import pytest
import torch

from gmstudio.engine.evaluation.likelihood import kind_of_score
from gmstudio.engine.sampling.grids import draw_grid, draw_samples, grid_kind
from gmstudio.families import FAMILIES
from gmstudio.families.base import Family
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec

IMAGE = ImageSpec(1, 4, 5, 4)


def build(name: str) -> Any:
    torch.manual_seed(0)
    family: type[Family] = FAMILIES[name]
    return family(parse_config(family.Config, {"num_hidden": 16}), IMAGE).eval()


def test_a_family_that_does_not_generate_shows_reconstructions_of_what_it_is_given() -> None:
    model = build("autoencoder")
    inputs = torch.randint(4, (9, 1, 4, 5), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    (grid,) = draw_grid(model, 6, 0, inputs)
    with torch.no_grad():
        expected = model.decode(model.encode(inputs[:6])).numpy()
    assert grid is not None and grid.dtype == np.uint8
    assert np.abs(grid / 255 - expected).max() <= 0.5 / 255 + 1e-6
    assert grid_kind(model) == "reconstructions"
    (without,) = draw_grid(model, 6, 0)
    assert without is not None and without.shape == (6, 1, 4, 5)


def test_a_decoder_of_noise_shows_means_at_codes_of_the_seed_whatever_it_is_given() -> None:
    model = build("vae")
    (grid,) = draw_grid(model, 6, 0, torch.zeros(2, 1, 4, 5, dtype=torch.uint8))
    (again,) = draw_grid(model, 6, 0)
    assert grid is not None and again is not None
    assert np.array_equal(grid, again)
    assert (grid_kind(model), grid_kind(build("nade"))) == ("means", "samples")


def test_samples_and_likelihoods_that_there_are_not_are_refused_in_words() -> None:
    model = build("autoencoder")
    with pytest.raises(ValueError, match="Autoencoder is not a generative model, so it has no samples"):
        next(draw_samples(model, 4, torch.Generator()))
    with pytest.raises(ValueError, match="Autoencoder gives no likelihood: it is not a generative model"):
        kind_of_score(model, 100)
    with pytest.raises(ValueError, match="GAN gives no likelihood: it only generates"):
        kind_of_score(build("gan"), 100)
