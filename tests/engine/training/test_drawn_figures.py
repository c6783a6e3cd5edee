"""Diagnostic figures as messages: of a chosen image and pixel, refused in words outside the image."""

from typing import Any

import numpy as np
import pytest
from autoregressive_cases import make

from gmstudio.engine.training.diagnostics import chosen_pixel, draw_figures, draw_pixel_figures
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import random_images

SPEC = ImageSpec(1, 4, 5, 2)


def test_a_pixel_is_the_middle_or_inside_the_image() -> None:
    assert chosen_pixel(SPEC, None) == (2, 2)
    assert chosen_pixel(SPEC, (3, 4)) == (3, 4)
    with pytest.raises(ValueError, match="no pixel at row 4, column 0; rows are 0 to 3 and columns 0 to 4"):
        chosen_pixel(SPEC, (4, 0))


@pytest.mark.parametrize(("name", "config"), [("made", {"num_hidden": 8}), ("pixelcnn", {"num_channels": 2})])
def test_figures_are_sent_with_their_maps(name: str, config: dict[str, Any]) -> None:
    model = make(name, config, SPEC).eval()
    images = random_images(SPEC, 3)
    figures = {f.name: f for f in (*draw_pixel_figures(model, images[:1], (1, 2)), *draw_figures(model, images, 0))}
    field = figures["receptive_field"]
    assert field.kind == "maps" and field.mark == (1, 2) and field.values is not None
    assert field.values.dtype == "uint8" and field.values.shape == (1, 1, 4, 5)
    loss = figures["loss_map"].values
    assert loss is not None and loss.dtype == "float32" and np.isfinite(loss.numpy()).all()
    assert not draw_pixel_figures(model, images[:0], (1, 2)), "no validation images"
