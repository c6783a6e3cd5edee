"""Another model scores the same sub-pixels in the same order, or says why it cannot."""

from typing import Any

import numpy as np
import pytest
import torch
from pixel_navigators import EVERYTHING, SMALL, advance, arrive, open_one, rewind, small_model
from tiny_autoregressive import TinyAutoregressive

from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.protocol.array import Array
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import ComparePixels, PixelsCompared

GREY = ImageSpec(channels=1, height=3, width=4, levels=4)
COLOUR = ImageSpec(channels=3, height=2, width=2, levels=3)


def compare(explorer: PixelExplorer, session: int, model: Any) -> PixelsCompared:
    command = ComparePixels(request=8, session=session, run="other")
    (compared,) = explorer.compare(model, "other", 70, command)
    assert isinstance(compared, PixelsCompared)
    assert (compared.request, compared.session, compared.run, compared.weights_step) == (8, session, "other", 70)
    return compared


@pytest.mark.parametrize("name", list(SMALL))
@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
def test_it_says_what_a_generation_of_the_other_model_says(name: str, image: ImageSpec) -> None:
    first, other, explorer = small_model("nade", image), small_model(name, image), PixelExplorer()
    session = open_one(explorer, first)[0].session
    whole = advance(explorer, session, EVERYTHING)
    opened, _ = open_one(explorer, other, levels=whole.image, num_placed=image.num_dims)
    expected = arrive(explorer, opened.session, image.num_dims)
    compared = compare(explorer, session, other)
    assert compared.step == image.num_dims and compared.conditional.shape == (0,)
    np.testing.assert_allclose(compared.nats.numpy(), expected.nats.numpy(), rtol=1e-4, atol=1e-5)
    for step in (0, image.num_dims // 2):
        rewind(explorer, session, step)
        expected, compared = rewind(explorer, opened.session, step), compare(explorer, session, other)
        assert compared.step == step == len(compared.nats.numpy())
        np.testing.assert_allclose(compared.nats.numpy(), expected.nats.numpy(), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(compared.conditional.numpy(), expected.conditional.numpy(), atol=1e-5)
    assert other.training and all(parameter.requires_grad for parameter in other.parameters())


def test_a_foreign_order_with_observed_sub_pixels_is_compared_in_that_order() -> None:
    explorer = PixelExplorer()
    mask = np.zeros(GREY.shape, dtype=np.bool_)
    mask[0, 1:, ::2] = True
    levels = np.random.default_rng(0).integers(0, 4, GREY.shape).astype(np.uint8)
    fields: dict[str, Any] = {
        "levels": Array.of(levels), "num_placed": int(mask.sum()), "observed": Array.of(mask), "order": "snake"
    }  # fmt: skip
    session = open_one(explorer, small_model("nade", GREY), **fields)[0].session
    moved = advance(explorer, session, EVERYTHING)
    made = small_model("made", GREY).eval()
    compared = compare(explorer, session, made)
    x = torch.from_numpy(moved.image.numpy().copy())[None]
    order = torch.from_numpy(open_one(explorer, made, **fields)[0].order.numpy().copy())
    assert compared.nats.numpy().sum() == pytest.approx(-made.log_prob(x, order=order).item(), rel=1e-5)
    with pytest.raises(ValueError, match=r"PixelCNN generates in raster order.*This generation has another order"):
        compare(explorer, session, small_model("pixelcnn", GREY))


def test_the_weights_of_the_moment_are_compared() -> None:
    explorer, other = PixelExplorer(), small_model("fvbn", GREY)
    session = open_one(explorer, small_model("pixelcnn", GREY))[0].session
    advance(explorer, session, 5)
    before = compare(explorer, session, other)
    with torch.no_grad():
        other.bias_FD.add_(1.0)
        other.weight_FDD.mul_(2.0)
    assert compare(explorer, session, other).nats != before.nats


def test_a_label_holds_for_both_where_both_know_it() -> None:
    explorer = PixelExplorer()
    values: dict[str, Any] = {"num_classes": 3, "spread": 0.8}
    model, unlabelled = small_model("gated_pixelcnn", GREY, **values), small_model("gated_pixelcnn", GREY)
    session = open_one(explorer, model, label=2)[0].session
    moved = advance(explorer, session, 6)
    np.testing.assert_allclose(compare(explorer, session, model).nats.numpy(), moved.nats.numpy(), rtol=1e-4)
    plain = open_one(explorer, unlabelled, levels=moved.image, num_placed=6)[0].session
    expected = arrive(explorer, plain, 6)
    np.testing.assert_allclose(compare(explorer, session, unlabelled).nats.numpy(), expected.nats.numpy(), rtol=1e-4)


def test_a_model_known_by_its_session_is_compared_by_stepping() -> None:
    explorer, tiny = PixelExplorer(), TinyAutoregressive(GREY)
    session = open_one(explorer, small_model("pixelcnn", GREY))[0].session
    moved = advance(explorer, session, EVERYTHING)
    x = torch.from_numpy(moved.image.numpy().copy())[None]
    compared = compare(explorer, session, tiny)
    assert compared.nats.numpy().sum() == pytest.approx(-tiny.log_prob(x).item(), rel=1e-5)
    rewind(explorer, session, 4)
    assert compare(explorer, session, tiny).conditional.shape == (4,)
    snake = open_one(explorer, small_model("nade", GREY), order="snake")[0].session
    with pytest.raises(ValueError, match="another order"):
        compare(explorer, snake, tiny)


def test_other_images_and_other_models_are_refused() -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, small_model("fvbn", GREY))[0].session
    with pytest.raises(ValueError, match=r"images of 2×2 RGB, 3 levels.*one of 3×4 grey, 4 levels"):
        compare(explorer, session, small_model("fvbn", COLOUR))
    with pytest.raises(ValueError, match="Only an autoregressive model"):
        compare(explorer, session, torch.nn.Linear(1, 1))
    with pytest.raises(ValueError, match="Generation 99"):
        compare(explorer, 99, small_model("fvbn", GREY))
