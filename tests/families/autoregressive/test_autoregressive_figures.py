"""Diagnostics of autoregressive families, each against its definition on tiny models."""

from typing import Any

import pytest
import torch
from autoregressive_cases import CASES, describe, make
from torch import Tensor
from torch.nn import functional

from gmstudio.families.autoregressive.figures import BLIND, FAR, LATER, OWN, SEEN, field_classes
from gmstudio.families.autoregressive.orders import flat_index
from gmstudio.families.diagnostics import Figure
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import random_images, seeded

GREY = ImageSpec(1, 5, 4, 2)
COLOUR = ImageSpec(3, 3, 4, 3)
SPECS = (GREY, COLOUR)


def figures_of(model: Any, x: Tensor, row: int = 0, column: int = 0) -> dict[str, Figure]:
    found = (*model.pixel_figures(x[:1], row, column), *model.figures(x, seeded()))
    return {figure.name: figure for figure in found}


def values_of(figure: Figure) -> Tensor:
    assert figure.values is not None
    return figure.values


@pytest.mark.parametrize("image", SPECS, ids=describe)
@pytest.mark.parametrize(("name", "number", "config"), CASES)
def test_losses_by_pixel_sum_to_the_negative_log_likelihood(
    name: str, number: int, config: dict[str, Any], image: ImageSpec
) -> None:
    model, x = make(name, config, image), random_images(image, 6)
    with torch.no_grad():
        figures, nll_B = figures_of(model, x), -model.log_prob(x)
    mean, own = values_of(figures["loss_map"]), values_of(figures["image_loss"])
    assert mean.shape == own.shape == (1, 1, image.height, image.width)
    assert mean.sum().item() == pytest.approx(nll_B.mean().item(), rel=1e-4)
    assert own.sum().item() == pytest.approx(nll_B[0].item(), rel=1e-4)


@pytest.mark.parametrize("image", SPECS, ids=describe)
@pytest.mark.parametrize(("name", "number", "config"), CASES)
def test_the_receptive_field_has_exactly_the_pixels_that_change_the_conditional(
    name: str, number: int, config: dict[str, Any], image: ImageSpec
) -> None:
    models = [make(name, config, image, seed=seed, spread=0.8).double() for seed in range(3)]
    model, row, column = models[0], image.height - 2, 1
    field = values_of(dict(figures_of(model, random_images(image, 2), row, column))["receptive_field"])
    order = model.own_order
    # Over several draws of the weights, as a rectified unit may rest for all images under one of them.
    changes = torch.stack([changing_pixels(one, image, row, column) for one in models]).any(0)
    for channel in range(image.channels):
        classes = field[channel, 0]
        seen = classes == SEEN
        seen[row, column] = False
        assert torch.equal(seen, changes[channel]), f"{name} {config} of channel {channel}\n{classes}\n{changes}"
        step = int((order == torch.tensor([channel, row, column])).all(1).nonzero())
        earlier = torch.zeros(image.height, image.width, dtype=torch.bool)
        earlier[tuple(order[:step, 1:].T)] = True
        earlier[row, column] = False
        assert torch.equal(earlier, (classes == SEEN) | (classes == BLIND) | (classes == FAR))
        assert classes[row, column] == OWN


def changing_pixels(model: Any, image: ImageSpec, row: int, column: int) -> Tensor:
    """(C, H, W): other pixels of which some change alters the conditional of a sub-pixel, by trying."""
    found = torch.zeros(image.channels, image.height, image.width, dtype=torch.bool)
    x = random_images(image, 24, seed=3)
    if getattr(model, "is_counted", False):  # a fresh value for every context
        model.odds_TM.data.normal_(generator=seeded(1))
    with torch.no_grad():
        before = model.logits(x, model.own_order)[:, :, row, column]
        for channel in range(image.channels):
            for r in range(image.height):
                for c in range(image.width):
                    other = x.clone()
                    other[:, channel, r, c] = (other[:, channel, r, c] + 1) % image.levels
                    after = model.logits(other, model.own_order)[:, :, row, column]
                    changed = (after - before).abs().amax((0, 2)) > 1e-13
                    found[:, r, c] |= changed & torch.tensor((r, c) != (row, column))
    return found


def test_the_blind_spot_of_pixelcnn_is_no_farther_than_the_field() -> None:
    image = ImageSpec(1, 9, 9, 2)
    config = {"num_blocks": 1, "num_channels": 2, "num_head_channels": 2, "input_kernel_size": 3}
    pixelcnn = make("pixelcnn", config, image)
    gated = {"num_layers": 1, "num_channels": 2, "num_head_channels": 2, "input_kernel_size": 3}
    classes = values_of(figures_of(pixelcnn, random_images(image, 2), 6, 4)["receptive_field"])[0, 0]
    assert classes[5, 6] == BLIND, "two to the right in the row above, which both masks pass by"
    assert classes[5, 5] == SEEN and classes[2, 4] == FAR and classes[6, 5] == LATER
    other = values_of(
        figures_of(make("gated_pixelcnn", gated, image), random_images(image, 2), 6, 4)["receptive_field"]
    )
    assert not (other[0, 0, 4:6, 2:7] == BLIND).any(), "a Gated PixelCNN has none within its window"


def test_classes_of_a_first_pixel() -> None:
    order = torch.tensor([[0, 0, 0], [0, 0, 1]])
    classes = field_classes(torch.zeros(1, 1, 2, dtype=torch.bool), order, 0)
    assert classes.tolist() == [[OWN, LATER]]


@pytest.mark.parametrize("corner", ["top left", "bottom right"])
@pytest.mark.parametrize("name", ["pixelcnn", "pixelrnn_row", "pixelrnn_diagonal"])
def test_filters_are_what_a_pixel_of_ones_adds_to_the_first_convolution(name: str, corner: str) -> None:
    model = make(name, {"input_kernel_size": 3, "corner": corner}, GREY)
    filters = values_of(figures_of(model, random_images(GREY, 2))["filters"])
    axes = model._mirrored_axes
    row, column = 2, 2
    with torch.no_grad():
        for dr in (-1, 0, 1):
            for dc in (-1, 0, 1):
                impulse = torch.zeros(1, 1, 5, 5)
                impulse[0, 0, row + dr, column + dc] = 1.0
                out = model.input(impulse.flip(axes)).flip(axes)[0, :, row, column] - model.input.bias
                shown = filters[:, 0, 1 + dr, 1 + dc].nan_to_num()
                torch.testing.assert_close(shown, out[: len(shown)])
    masks = values_of(figures_of(model, random_images(GREY, 2))["masks"])[0, 0]
    inner = masks[masks.shape[0] // 2 - 1 :][:3, masks.shape[1] // 2 - 1 :][:, :3]
    assert torch.equal(inner == 1, ~filters[0, 0].isnan())


def test_masks_of_colours_differ_at_the_centre() -> None:
    model = make("pixelcnn", {"input_kernel_size": 3, "num_channels": 3, "num_head_channels": 3}, COLOUR)
    figure = figures_of(model, random_images(COLOUR, 2))["masks"]
    centre = {label: values_of(figure)[number, 0, 1, 1].item() for number, label in enumerate(figure.labels)}
    assert centre["mask A, 3×3 green from red"] == 1 and centre["mask A, 3×3 green from green"] == 0
    assert centre["mask B, 3×3 green from green"] == 1 and centre["mask B, 3×3 green from blue"] == 0


def test_masks_of_a_gated_pixelcnn_tile_the_earlier_pixels() -> None:
    figure = figures_of(make("gated_pixelcnn", {"num_channels": 4}, GREY), random_images(GREY, 2))["masks"]
    vertical, horizontal = values_of(figure)[0, 0], values_of(figure)[1, 0]
    middle = len(vertical) // 2
    assert vertical[:middle].sum() == vertical.sum() > 0 and vertical[middle - 1].sum() == 7
    assert horizontal[middle, :middle].sum() == horizontal.sum() == 3


@pytest.mark.parametrize("name", ["pixelcnn", "gated_pixelcnn", "pixelrnn_row", "pixelrnn_diagonal"])
def test_feature_maps_are_the_layers_outputs_and_lie_as_the_image_does(name: str) -> None:
    upright, mirrored = (make(name, {"corner": corner}, GREY) for corner in ("top left", "bottom right"))
    mirrored.load_state_dict(upright.state_dict())
    x = random_images(GREY, 1)
    figure = figures_of(upright, x)["feature_maps"]
    maps = values_of(figure)
    turned = values_of(figures_of(mirrored, x.flip(-2, -1))["feature_maps"])
    torch.testing.assert_close(turned, maps.flip(-2, -1))
    scaled = x.float() * 2 - 1
    with torch.no_grad():
        first = upright.input(scaled, scaled)[0] if name == "gated_pixelcnn" else upright.input(scaled)
    torch.testing.assert_close(maps[: figure.columns, 0], first[0, : figure.columns])
    layers = [label for label in figure.labels if label.endswith("feature 0")]
    assert len(maps) == figure.columns * len(layers) and len(layers) > 2
    for layer in upright.modules():
        assert not layer._forward_hooks, "no hook is left behind"


@pytest.mark.parametrize("config", [{"num_layers": 2}, {"num_layers": 1, "direct": True, "order": "spiral"}])
def test_mades_connectivity_is_the_jacobian_s_pattern(config: dict[str, Any]) -> None:
    image = ImageSpec(1, 3, 3, 2)
    model = make("made", {"num_hidden": 40, "num_orders": 3, **config}, image, spread=1.0).double()
    figures = figures_of(model, random_images(image, 2))
    index = flat_index(model.own_order, image)
    pattern = torch.zeros(9, 9, dtype=torch.bool)
    for x in random_images(image, 20).float().double().split(1):
        jacobian = torch.autograd.functional.jacobian(lambda v: model.logits(v, model.own_order)[0, ..., 1], x)
        pattern |= jacobian.reshape(9, 9)[index][:, index].abs() > 1e-13
    connectivity = values_of(figures["connectivity"])[0, 0].bool()
    assert torch.equal(connectivity, pattern)
    assert not connectivity.triu().any(), "no pixel depends on itself or a later one"
    orders = values_of(figures["orders"])
    assert orders.shape == (3, 1, 3, 3) and orders.flatten(1).sort(1).values.eq(torch.arange(9.0)).all()
    assert torch.equal(orders[0].flatten()[index], torch.arange(9.0))
    masked = values_of(figures["filters"])
    assert torch.equal(masked.isnan().flatten(1).sum(1).sort().values, masked.isnan().flatten(1).sum(1).flip(0))


def test_few_units_leave_pixels_out_of_mades_receptive_field() -> None:
    model = make("made", {"num_hidden": 2, "num_layers": 1}, GREY)
    field = model.receptive_field(GREY.num_dims - 1, model.own_order)
    assert int(field.sum()) == int(model.degrees.max()) < GREY.num_dims - 1


def test_nades_filters_are_columns_of_w() -> None:
    model = make("nade", {"num_hidden": 6, "order": "snake"}, GREY)
    figure = figures_of(model, random_images(GREY, 2))["filters"]
    for label, shown in zip(figure.labels, values_of(figure), strict=True):
        torch.testing.assert_close(shown.flatten(), model.weight_DN[:, int(label.removeprefix("unit "))].detach())
    norms = values_of(figure).flatten(1).norm(dim=1)
    assert (norms.diff() <= 0).all()


@pytest.mark.parametrize("image", [GREY, ImageSpec(1, 4, 3, 5), ImageSpec(3, 2, 3, 12)], ids=describe)
@pytest.mark.parametrize(
    ("name", "config"), [("fvbn", {"order": "spiral"}), ("markov", {"num_parents": 5, "estimator": "logistic"})]
)
def test_weights_of_a_pixel_are_the_gradient_of_its_log_odds(
    name: str, config: dict[str, Any], image: ImageSpec
) -> None:
    model, row, column = make(name, config, image), 1, 2
    weights = values_of(figures_of(model, random_images(image, 2), row, column)["pixel_weights"])
    assert len(weights) == image.channels
    for channel in range(image.channels):
        step = int((model.own_order == torch.tensor([channel, row, column])).all(1).nonzero())
        levels = random_images(image, 1).float().requires_grad_()
        log_probs = model.log_components(levels, step, model.own_order)[0, 0]
        (gradient,) = torch.autograd.grad(log_probs[-1] - log_probs[0], levels)
        field = model.receptive_field(step, model.own_order)
        torch.testing.assert_close(weights[channel].nan_to_num(), gradient[0] * (image.levels - 1))
        assert torch.equal(~weights[channel].isnan(), field)


def test_the_table_of_a_pixel_has_its_counts_and_conditionals() -> None:
    model = make("markov", {"num_parents": 2, "smoothing": 1.0}, GREY, spread=0.0)
    x = random_images(GREY, 50)
    model.count(x, len(x))
    figure = figures_of(model, x, 3, 2)["table_0"]
    count, p0, p1 = values_of(figure)
    assert figure.series == ("count", "p(0)", "p(1)") and len(figure.labels) == 4
    for label, number, zero, one in zip(figure.labels, count, p0, p1, strict=True):
        fits = (x[:, 0, 3, 0] == int(label[0])) & (x[:, 0, 3, 1] == int(label[1]))
        ones = int((x[fits, 0, 3, 2] == 1).sum())
        assert number == int(fits.sum())
        assert one.item() == pytest.approx((ones + 1) / (int(number) + 2), rel=1e-5)
        assert zero + one == pytest.approx(1.0)
    assert (count.diff() <= 0).all(), "the most frequent first"
    assert figures_of(model, x, 0, 0)["table_0"].labels == ("no context",)


def test_masked_kernels_are_shown_whole() -> None:
    model = make("pixelcnn", {"input_kernel_size": 5, "kernel_size": 3}, GREY)
    figure = figures_of(model, random_images(GREY, 2))["masks"]
    mask_a, mask_b = values_of(figure)[:, 0]
    assert mask_a.shape == (5, 5) and mask_a.nansum() == 12 and functional.pad(mask_b[1:4, 1:4], (1,) * 4).nansum() == 5
    assert int(mask_b.isnan().sum()) == 25 - 9, "nothing beyond its own kernel"
