"""Diagnostic figures as messages: of a chosen image and pixel, refused in words outside the image."""

from typing import Any

import numpy as np
import pytest
import torch
from autoregressive_cases import make
from torch import Tensor

from gmstudio.engine.training.diagnostics import (
    chosen_pixel,
    draw_figures,
    draw_pixel_figures,
    figure_pieces,
    pixel_figure_pieces,
)
from gmstudio.families import FAMILIES
from gmstudio.families.autoregressive import chain_figures
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import random_images

SPEC = ImageSpec(1, 4, 5, 2)
AUTOREGRESSIVE = [name for name, family in FAMILIES.items() if issubclass(family, AutoregressiveFamily)]


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


@pytest.mark.parametrize("name", sorted(AUTOREGRESSIVE))
def test_long_figures_are_drawn_in_pieces_of_one_image(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose loss by pixel takes a second for 16 images, so that a slider can be answered in between."""
    monkeypatch.setattr(chain_figures, "PIECE_S", 0.0)  # as if every image took long
    model = make(name, {}, SPEC).train()
    images, scored = random_images(SPEC, 20), []
    log_prob = type(model).log_prob_per_dim

    def counted(self: Any, x: Tensor, *arguments: Any) -> Tensor:
        scored.append(len(x))
        assert not self.training and torch.is_inference_mode_enabled()
        return log_prob(self, x, *arguments)

    monkeypatch.setattr(type(model), "log_prob_per_dim", counted)
    sizes, figures = [], []
    for piece in figure_pieces(model, images, 0):
        assert model.training and not torch.is_inference_mode_enabled(), "others may use the model in between"
        sizes.append(sum(scored))
        scored.clear()
        figures += piece
    assert sizes[:16] == [1] * 16 and not any(sizes[16:])
    monkeypatch.undo()
    whole = draw_figures(model, images, 0)
    assert [figure.name for figure in figures] == [figure.name for figure in whole]
    for one, other in zip(figures, whole, strict=True):
        if one.values is not None and other.values is not None:
            np.testing.assert_allclose(one.values.numpy(), other.values.numpy(), rtol=1e-5, atol=1e-6)
    pieces = list(pixel_figure_pieces(model, images[:1], (1, 2)))
    assert len(pieces) >= 2, "the receptive field, and the losses"
    assert [f.name for piece in pieces for f in piece] == [
        f.name for f in draw_pixel_figures(model, images[:1], (1, 2))
    ]


def test_quick_figures_take_few_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain_figures, "PIECE_S", 60.0)
    model = make("made", {"num_hidden": 8}, SPEC).eval()
    assert len(list(figure_pieces(model, random_images(SPEC, 20), 0))) == 7, "1, 2, 4, 8 and 1 images, and the figures"
