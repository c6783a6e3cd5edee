"""What only this family promises; the laws are tests of their own, by the option in pyproject.toml."""

import torch
from gmstudio_pixel_mixture.family import PixelMixture

from gmstudio import FAMILIES, ImageSpec

IMAGE = ImageSpec(channels=1, height=4, width=4, levels=2)


def test_gmstudio_has_the_family() -> None:
    """The entry point is found."""
    assert FAMILIES["pixel_mixture"] is PixelMixture


def test_one_prototype_makes_pixels_independent() -> None:
    """What was drawn before tells nothing."""
    model = PixelMixture(PixelMixture.Config(num_prototypes=1), IMAGE)
    order = model.own_order
    some, others = torch.zeros(1, 1, 4, 4, dtype=torch.uint8), torch.ones(1, 1, 4, 4, dtype=torch.uint8)
    assert torch.allclose(model.logits(some, order), model.logits(others, order))
