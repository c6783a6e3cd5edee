"""Orders, observed sub-pixels and labels of a generation; refusals of what a model cannot do."""

from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pixel_navigators import EVERYTHING, SMALL, advance, arrive, open_one, small_model
from tiny_autoregressive import TinyAutoregressive

from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.families.autoregressive.orders import ORDER_NAMES, OrderName, named_order, painted_order
from gmstudio.protocol.array import Array
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import ContinuePixels, PixelsContinued, PixelsMoved

BINARY = ImageSpec(channels=1, height=4, width=3, levels=2)
COLOUR = ImageSpec(channels=3, height=2, width=2, levels=4)
ANY_ORDER = ["nade", "made"]
FIXED = ["markov", "fvbn", "pixelcnn", "gated_pixelcnn", "pixelrnn_row", "pixelrnn_diagonal"]


def random_levels(image: ImageSpec) -> NDArray[np.uint8]:
    return np.random.default_rng(2).integers(0, image.levels, image.shape).astype(np.uint8)


def observed_mask(image: ImageSpec) -> NDArray[np.bool_]:
    """Mask of the observed sub-pixels: all but a square in the middle and one colour of a corner."""
    mask = np.ones(image.shape, dtype=np.bool_)
    mask[:, 1, :2] = False
    mask[-1, 0, 0] = False
    return mask


@pytest.mark.parametrize("name", ANY_ORDER)
@pytest.mark.parametrize("image", [BINARY, COLOUR], ids=["binary", "colour"])
@pytest.mark.parametrize("order", ["spiral", "random", "painted"])
def test_a_foreign_order_with_observed_sub_pixels_adds_up_to_scoring(name: str, image: ImageSpec, order: str) -> None:
    model, explorer = small_model(name, image), PixelExplorer()
    levels, mask = random_levels(image), observed_mask(image)
    ranks = np.random.default_rng(5).normal(size=image.shape[1:]).astype(np.float32)
    opened, _ = open_one(
        explorer,
        model,
        levels=Array.of(levels),
        num_placed=int(mask.sum()),
        observed=Array.of(mask),
        order=order,
        order_seed=4,
        ranks=Array.of(ranks) if order == "painted" else None,
    )
    assert (opened.order_name, opened.num_observed, opened.any_order) == (order, mask.sum(), True)
    wanted = (
        painted_order(torch.from_numpy(ranks), image)
        if order == "painted"
        else named_order(cast(OrderName, order), image, seed=4)
    )
    is_observed = mask[tuple(wanted.T.numpy())]
    np.testing.assert_array_equal(
        opened.order.numpy(), np.concatenate([wanted.numpy()[is_observed], wanted.numpy()[~is_observed]])
    )
    reached = arrive(explorer, opened.session, opened.num_observed)
    np.testing.assert_array_equal(reached.image.numpy(), np.where(mask, levels, 0))
    moved = advance(explorer, opened.session, EVERYTHING)
    np.testing.assert_array_equal(moved.image.numpy()[mask], levels[mask])
    x = torch.from_numpy(moved.image.numpy().copy())[None]
    model.eval()
    expected = -model.log_prob(x, order=torch.from_numpy(opened.order.numpy().copy())).item()
    assert moved.nats.numpy().sum() == pytest.approx(expected, rel=1e-5)


def test_what_is_generated_follows_the_distribution_given_the_observed_sub_pixels() -> None:
    image = ImageSpec(channels=1, height=2, width=2, levels=2)
    model, explorer = small_model("nade", image, spread=1.0).eval(), PixelExplorer()
    mask = np.array([[[False, True], [False, True]]])
    levels = np.array([[[0, 1], [0, 0]]], dtype=np.uint8)
    opened, _ = open_one(explorer, model, levels=Array.of(levels), num_placed=2, observed=Array.of(mask))
    arrive(explorer, opened.session, 2)
    counts = np.zeros((2, 2))
    for seed in range(16):
        (*_, last) = explorer.continuations(ContinuePixels(session=opened.session, count=256, seed=seed))
        assert isinstance(last, PixelsContinued)
        images = last.images.numpy()
        assert (images[:, 0, 0, 1] == 1).all() and (images[:, 0, 1, 1] == 0).all()
        np.add.at(counts, (images[:, 0, 0, 0], images[:, 0, 1, 0]), 1)
    whole = torch.tensor([[[[a, 1], [b, 0]]] for a in (0, 1) for b in (0, 1)], dtype=torch.uint8)
    with torch.no_grad():
        joint = model.log_prob(whole, order=torch.from_numpy(opened.order.numpy().copy())).exp()
    expected = (joint / joint.sum()).view(2, 2).numpy()
    np.testing.assert_allclose(counts / counts.sum(), expected, atol=0.04)  # five standard deviations


@pytest.mark.parametrize("name", list(SMALL))
def test_each_model_offers_the_orders_that_it_can_generate_in(name: str) -> None:
    model, explorer = small_model(name, BINARY), PixelExplorer()
    opened, _ = open_one(explorer, model)
    np.testing.assert_array_equal(opened.order.numpy(), model.own_order.numpy())
    assert opened.order_name == "raster" and opened.num_observed == 0
    assert opened.any_order == (name in ANY_ORDER)
    if name in ANY_ORDER:
        assert opened.orders == (*ORDER_NAMES, "painted") and not opened.order_words
    else:
        assert opened.orders == ("raster",) and opened.order_words == model.order_words
    again, _ = open_one(explorer, model, order="raster", weights_of=opened.session)
    assert again.order == opened.order


@pytest.mark.parametrize(
    ("name", "values", "order_name"),
    [
        ("pixelcnn", {"corner": "bottom right"}, "raster_bottom_right"),
        ("fvbn", {"order": "spiral"}, "spiral"),
        ("markov", {"order": "random", "order_seed": 5}, "random"),
    ],
)
def test_a_fixed_order_has_its_name(name: str, values: dict[str, Any], order_name: str) -> None:
    opened, _ = open_one(PixelExplorer(), small_model(name, BINARY, **values))
    assert opened.orders == (opened.order_name,) == (order_name,)


@pytest.mark.parametrize("name", FIXED)
def test_another_order_of_a_fixed_model_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"generates in .*(raster|trained in)"):
        open_one(PixelExplorer(), small_model(name, BINARY), order="spiral")


@pytest.mark.parametrize("name", FIXED)
def test_a_fixed_model_is_conditioned_on_what_is_first_in_its_order(name: str) -> None:
    model, explorer = small_model(name, BINARY), PixelExplorer()
    mask = np.zeros(BINARY.shape, dtype=np.bool_)
    mask[0, 0] = mask[0, 1, 0] = True
    levels = Array.of(random_levels(BINARY))
    opened, _ = open_one(explorer, model, levels=levels, num_placed=4, observed=Array.of(mask))
    assert opened.num_observed == 4
    assert arrive(explorer, opened.session, 4).path == 4
    mask[0, 2, 1] = True
    with pytest.raises(ValueError, match=r"of these 5 the first 4.*order-agnostically"):
        open_one(explorer, model, levels=levels, num_placed=5, observed=Array.of(mask))


def test_more_than_the_observed_sub_pixels_can_be_placed() -> None:
    explorer, mask = PixelExplorer(), observed_mask(BINARY)
    levels = Array.of(random_levels(BINARY))
    opened, _ = open_one(
        explorer, small_model("nade", BINARY), levels=levels, num_placed=BINARY.num_dims, observed=Array.of(mask)
    )
    moved = arrive(explorer, opened.session, BINARY.num_dims)
    assert opened.num_observed == mask.sum() and moved.image == levels


def test_a_label_conditions_the_generation_and_its_continuations() -> None:
    model, explorer = small_model("gated_pixelcnn", BINARY, num_classes=3, spread=1.0), PixelExplorer()
    firsts = []
    for label in (-1, 0, 2):
        opened, moved = open_one(explorer, model, label=label)
        assert (opened.num_classes, opened.label) == (3, label)
        firsts.append(moved.conditional.numpy())
        finished = advance(explorer, opened.session, EVERYTHING)
        (*_, continued) = _continued(explorer, opened.session)
        labels = None if label == -1 else torch.full((4,), label)
        with torch.no_grad():
            x = torch.from_numpy(finished.image.numpy().copy())[None]
            expected = -model.log_prob(x, labels=None if labels is None else labels[:1]).item()
            continuations = -model.log_prob(torch.from_numpy(continued.images.numpy().copy()), labels=labels)
        assert finished.nats.numpy().sum() == pytest.approx(expected, rel=1e-5)
        np.testing.assert_allclose(continued.nats.numpy(), continuations, rtol=1e-4)
    assert not np.allclose(firsts[0], firsts[1], atol=1e-3) and not np.allclose(firsts[1], firsts[2], atol=1e-3)


def _continued(explorer: PixelExplorer, session: int) -> list[PixelsContinued]:
    arrive(explorer, session, 3)
    events = explorer.continuations(ContinuePixels(session=session, count=4))
    return [event for event in events if isinstance(event, PixelsContinued)]


def test_a_model_known_by_its_session_only_keeps_to_its_order() -> None:
    model = TinyAutoregressive(BINARY)
    opened, _ = open_one(PixelExplorer(), model, order="raster")
    assert opened.orders == ("raster",) and not opened.any_order and opened.order_words
    with pytest.raises(ValueError, match="generates in an order of its own only"):
        open_one(PixelExplorer(), model, order="snake")
    with pytest.raises(ValueError, match="cannot be conditioned on a label"):
        open_one(PixelExplorer(), model, label=1)


NOTHING = Array.of(np.zeros(BINARY.shape, np.uint8))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"order": "zigzag"}, "no order 'zigzag'; choose one of raster"),
        ({"order": "random", "order_seed": -1}, "seed is -1"),
        ({"order": "painted"}, "needs ranks"),
        ({"order": "snake", "ranks": Array.of(np.zeros((4, 3), np.float32))}, "belong to the order 'painted'"),
        ({"order": "painted", "ranks": Array.of(np.zeros((3, 4), np.float32))}, r"shape \(3, 4\).*\(4, 3\)"),
        ({"order": "painted", "ranks": Array.of(np.full((4, 3), np.nan, np.float32))}, "not finite"),
        ({"observed": Array.of(np.ones(BINARY.shape, np.bool_))}, "there is no image"),
        ({"levels": NOTHING, "observed": Array.of(np.ones((4, 3), np.bool_))}, r"bool of shape \(4, 3\).*\(1, 4, 3\)"),
        ({"levels": NOTHING, "observed": Array.of(np.ones(BINARY.shape, np.uint8))}, "uint8 of shape"),
        ({"label": 1}, "not trained with labels"),
        ({"label": -2}, "not trained with labels"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        open_one(PixelExplorer(), small_model("nade", BINARY), **fields)


def test_a_label_that_does_not_exist_is_refused() -> None:
    model = small_model("gated_pixelcnn", BINARY, num_classes=3)
    with pytest.raises(ValueError, match="no label 3; this model has 0 to 2"):
        open_one(PixelExplorer(), model, label=3)


@pytest.mark.parametrize("image", [ImageSpec(1, 1, 1, 2), ImageSpec(1, 7, 1, 2)], ids=["1x1", "7x1"])
@pytest.mark.parametrize("name", list(SMALL))
def test_tiny_images_are_generated_too(name: str, image: ImageSpec) -> None:
    explorer = PixelExplorer()
    opened, _ = open_one(explorer, small_model(name, image))
    moved = advance(explorer, opened.session, EVERYTHING)
    assert isinstance(moved, PixelsMoved) and moved.step == image.num_dims
