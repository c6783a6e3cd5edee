"""Attribution and mixture components of conditionals, of every autoregressive family."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pixel_navigators import EVERYTHING, SMALL, advance, arrive, open_one, rewind, small_model
from tiny_autoregressive import TinyAutoregressive

from gmstudio.engine.pixels import attribution as attribution_module
from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.protocol.array import Array
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import AttributePixel, PixelAttributed

BINARY = ImageSpec(channels=1, height=4, width=3, levels=2)
GREY = ImageSpec(channels=1, height=3, width=3, levels=16)
COLOUR = ImageSpec(channels=3, height=2, width=3, levels=4)
every_image = pytest.mark.parametrize("image", [BINARY, GREY, COLOUR], ids=["binary", "grey", "colour"])
MIXTURES: list[tuple[str, dict[str, Any], ImageSpec]] = [
    ("nade", {}, GREY),
    ("pixelcnn", {"output": "logistic mixture", "num_mixtures": 3}, GREY),
    ("gated_pixelcnn", {"output": "logistic mixture", "num_mixtures": 3}, COLOUR),
    ("pixelrnn_row", {"output": "logistic mixture", "num_mixtures": 3}, COLOUR),
    ("pixelrnn_diagonal", {"output": "logistic mixture", "num_mixtures": 3}, GREY),
]


def attribute(explorer: PixelExplorer, session: int, **fields: Any) -> PixelAttributed:
    (attributed,) = explorer.attribute(AttributePixel(request=5, session=session, **fields))
    assert isinstance(attributed, PixelAttributed)
    assert (attributed.request, attributed.session) == (5, session)
    return attributed


def changes(model: Any, order: NDArray[np.int64], image: NDArray[np.uint8], step: int, value: int) -> NDArray[Any]:
    """(C, H, W, L): change of log p(x_i = value | x_<i) by each level of each sub-pixel."""
    levels = model.image.levels
    x = torch.from_numpy(image.copy())[None, None].repeat(image.size, levels, 1, 1, 1)
    for place, position in enumerate(np.ndindex(image.shape)):
        x[place, torch.arange(levels), *position] = torch.arange(levels, dtype=torch.uint8)
    with torch.no_grad():
        order_D3 = torch.from_numpy(order.copy())
        logits = model.logits(torch.cat([torch.from_numpy(image.copy())[None], x.flatten(0, 1)]), order_D3)
        log_probs = logits[:, *order[step]].log_softmax(-1)[:, value]
    return (log_probs[1:] - log_probs[0]).view(*image.shape, levels).numpy()


@pytest.mark.parametrize("name", list(SMALL))
@every_image
def test_nothing_outside_the_context_has_an_influence(name: str, image: ImageSpec) -> None:
    model, explorer = small_model(name, image), PixelExplorer()
    opened, _ = open_one(explorer, model)
    moved = advance(explorer, opened.session, image.num_dims // 2 + 1)
    influence = 0.0
    for step in range(moved.step + 1):
        attributed = attribute(explorer, opened.session, step=step)
        context = rewind(explorer, opened.session, step).context
        arrive(explorer, opened.session, moved.step)
        assert attributed.receptive_field == context and attributed.step == step
        sensitivity = attributed.sensitivity.numpy()
        assert sensitivity.dtype == np.float32 and np.isfinite(sensitivity).all()
        assert not sensitivity[~context.numpy()].any()
        influence += float(np.abs(sensitivity).sum())
    assert influence > 0 or name == "pixelrnn_row"  # a rectifier of the small head may be silent everywhere
    assert attributed.kind == ("difference" if name == "markov" and model.is_counted else "gradient")


@pytest.mark.parametrize("name", [name for name in SMALL if name != "markov"])
def test_small_changes_go_where_the_gradient_points(name: str) -> None:
    # With so many levels a step to the next one is small, and the gradient says what it does.
    image = ImageSpec(channels=1, height=3, width=3, levels=256)
    model, explorer = small_model(name, image, spread=0.1).eval(), PixelExplorer()
    opened, _ = open_one(explorer, model)
    moved = advance(explorer, opened.session, 6)
    attributed = attribute(explorer, opened.session, step=5)
    picture = rewind(explorer, opened.session, 5).image.numpy()
    value = int(moved.image.numpy()[tuple(opened.order.numpy()[5])])
    assert attributed.value == value
    measured = changes(model, opened.order.numpy(), picture, 5, value)
    for position in np.argwhere(attributed.receptive_field.numpy()):
        level = int(picture[tuple(position)])
        up, down = min(level + 1, 255), max(level - 1, 0)
        slope = (measured[(*position, up)] - measured[(*position, down)]) / (up - down) * 255
        assert attributed.sensitivity.numpy()[tuple(position)] == pytest.approx(slope, rel=0.1, abs=0.02)


@pytest.mark.parametrize("name", ["nade", "fvbn", "gated_pixelcnn"])
def test_the_unit_is_nats_per_whole_range_of_levels(name: str) -> None:
    model, explorer = small_model(name, GREY).double().eval(), PixelExplorer()
    opened, _ = open_one(explorer, model)
    moved = advance(explorer, opened.session, 5)
    attributed = attribute(explorer, opened.session, value=3)
    order, levels = torch.from_numpy(opened.order.numpy().copy()), torch.from_numpy(moved.image.numpy().copy()).double()
    tiny = 1e-6 * torch.eye(GREY.num_dims, dtype=torch.float64).view(-1, *GREY.shape)
    with torch.no_grad():
        up, down = (
            model.log_components(levels + sign * tiny, 5, order)[:, :, 3].logsumexp(1).view(GREY.shape)
            for sign in (1, -1)
        )
    per_range = (up - down) / 2e-6 * (GREY.levels - 1)
    np.testing.assert_allclose(attributed.sensitivity.numpy(), per_range.numpy(), rtol=1e-4, atol=1e-5)
    assert attributed.sensitivity.numpy().any()


def test_a_table_is_attributed_by_changing_the_levels() -> None:
    image = ImageSpec(channels=1, height=2, width=3, levels=4)
    model, explorer = small_model("markov", image, spread=1.0).eval(), PixelExplorer()
    opened, _ = open_one(explorer, model)
    moved = advance(explorer, opened.session, 4)
    attributed = attribute(explorer, opened.session, value=2)
    assert (attributed.kind, attributed.step, attributed.value) == ("difference", 4, 2)
    measured = changes(model, opened.order.numpy(), moved.image.numpy(), 4, 2)
    largest = np.take_along_axis(measured, np.abs(measured).argmax(-1)[..., None], -1)[..., 0]
    np.testing.assert_allclose(attributed.sensitivity.numpy(), largest, atol=1e-5)
    assert np.count_nonzero(attributed.sensitivity.numpy()) == 2


def test_a_model_known_by_its_session_is_attributed_by_differences_too(monkeypatch: pytest.MonkeyPatch) -> None:
    image = ImageSpec(channels=1, height=2, width=3, levels=4)
    model, explorer = TinyAutoregressive(image), PixelExplorer()
    opened, _ = open_one(explorer, model)
    moved = advance(explorer, opened.session, 4)
    attributed = attribute(explorer, opened.session)
    order = opened.order.numpy()
    values = torch.from_numpy(moved.image.numpy()[tuple(order.T)].copy())[None].long()

    def log_prob(values: torch.Tensor) -> float:
        with torch.no_grad():
            return float(model.logits(values, 4).log_softmax(1)[0, attributed.value])

    for place in range(4):
        others = [values.clone() for _ in range(image.levels)]
        for level, other in enumerate(others):
            other[0, place] = level
        found = [log_prob(other) - log_prob(values) for other in others]
        largest = max(found, key=abs)
        assert attributed.sensitivity.numpy()[tuple(order[place])] == pytest.approx(largest, abs=1e-5)
    monkeypatch.setattr(attribution_module, "MAX_CHANGES", 11)  # 4 sub-pixels of 3 other levels are 12 changes
    farthest = attribute(explorer, opened.session).sensitivity.numpy()
    assert np.count_nonzero(farthest) == 4 and (np.abs(farthest) <= np.abs(attributed.sensitivity.numpy()) + 1e-6).all()
    monkeypatch.setattr(attribution_module, "MAX_CHANGES", 3)
    with pytest.raises(ValueError, match="each of 4 sub-pixels takes as many evaluations; at most 3"):
        attribute(explorer, opened.session)


def test_pixelcnn_has_a_blind_spot_and_gated_pixelcnn_has_none() -> None:
    image, here = ImageSpec(channels=1, height=9, width=9, levels=2), (7, 3)
    step = here[0] * image.width + here[1]
    missing = {}
    for name, layers in (("pixelcnn", {"num_blocks": 4}), ("gated_pixelcnn", {"num_layers": 4})):
        sizes = {"num_channels": 16, "num_head_channels": 16, **layers}
        model, explorer = small_model(name, image, spread=0.05, **sizes), PixelExplorer()
        influence = np.zeros(image.shape[1:], dtype=np.bool_)
        for seed in range(3):  # a rectifier that is silent for one image is not for another
            levels = Array.of(np.random.default_rng(seed).integers(0, 2, image.shape).astype(np.uint8))
            opened, _ = open_one(explorer, model, levels=levels, num_placed=step)
            arrive(explorer, opened.session, step)
            attributed = attribute(explorer, opened.session)
            influence |= attributed.sensitivity.numpy()[0] != 0
        field = attributed.receptive_field.numpy()[0]
        np.testing.assert_array_equal(influence, field)
        rows, columns = np.nonzero(field)
        window = np.zeros_like(field)
        window[rows.min() : here[0], columns.min() : columns.max() + 1] = True
        window[here[0], columns.min() : here[1]] = True
        missing[name] = window & ~field
    assert not missing["gated_pixelcnn"].any()
    assert missing["pixelcnn"].sum() > 5
    row, column = np.argwhere(missing["pixelcnn"]).T
    assert (column > here[1]).all() and (row < here[0]).all()  # above and to the right


@pytest.mark.parametrize(("name", "values", "image"), MIXTURES, ids=[case[0] for case in MIXTURES])
def test_components_sum_to_the_conditional(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model, explorer = small_model(name, image, **values), PixelExplorer()
    opened, moved = open_one(explorer, model)
    while moved.step < image.num_dims:
        attributed = attribute(explorer, opened.session)
        assert attributed.components is not None and attributed.value == moved.conditional.numpy().argmax()
        components = attributed.components.numpy()
        assert components.shape == (3, image.levels) and components.dtype == np.float32
        np.testing.assert_allclose(components.sum(0), moved.conditional.numpy(), atol=1e-5)
        moved = advance(explorer, opened.session)


def test_what_is_no_mixture_has_no_components() -> None:
    explorer = PixelExplorer()
    opened, _ = open_one(explorer, small_model("pixelcnn", GREY))
    assert attribute(explorer, opened.session).components is None


def test_a_foreign_order_and_a_label_are_used() -> None:
    explorer = PixelExplorer()
    nade = small_model("nade", GREY)
    opened, _ = open_one(explorer, nade, order="spiral")
    moved = advance(explorer, opened.session, 5)
    attributed = attribute(explorer, opened.session)
    assert attributed.components is not None
    np.testing.assert_allclose(attributed.components.numpy().sum(0), moved.conditional.numpy(), atol=1e-5)
    np.testing.assert_array_equal(attributed.sensitivity.numpy() != 0, moved.context.numpy())
    gated = small_model("gated_pixelcnn", GREY, num_classes=2, output="logistic mixture", num_mixtures=2, spread=0.8)
    for label in (0, 1):
        opened, moved = open_one(explorer, gated, label=label)
        attributed = attribute(explorer, opened.session)
        assert attributed.components is not None
        np.testing.assert_allclose(attributed.components.numpy().sum(0), moved.conditional.numpy(), atol=1e-5)


def test_it_can_be_asked_while_and_after_stepping_without_moving_anything() -> None:
    explorer = PixelExplorer()
    opened, _ = open_one(explorer, small_model("pixelrnn_diagonal", BINARY))
    before = advance(explorer, opened.session, 6)
    for step in (6, 2, 0, -1):
        attribute(explorer, opened.session, step=step)
    after = rewind(explorer, opened.session, 6)
    assert (after.image, after.nats, after.conditional) == (before.image, before.nats, before.conditional)
    finished = advance(explorer, opened.session, EVERYTHING)
    assert attribute(explorer, opened.session, step=BINARY.num_dims - 1).step == BINARY.num_dims - 1
    assert finished.step == BINARY.num_dims


def test_what_cannot_be_attributed_is_refused() -> None:
    explorer = PixelExplorer()
    session = open_one(explorer, small_model("fvbn", BINARY))[0].session
    advance(explorer, session, 3)
    with pytest.raises(ValueError, match="Sub-pixel 4 has no conditional yet; choose one up to the next, 3"):
        attribute(explorer, session, step=4)
    with pytest.raises(ValueError, match="Sub-pixel -2"):
        attribute(explorer, session, step=-2)
    with pytest.raises(ValueError, match="Level 2 does not exist; choose 0 … 1"):
        attribute(explorer, session, value=2)
    advance(explorer, session, EVERYTHING)
    with pytest.raises(ValueError, match="finished, no sub-pixel comes next"):
        attribute(explorer, session)
