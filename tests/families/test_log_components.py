"""Mixture components of one conditional: they sum to its probabilities, and gradients equal finite differences."""

from typing import Any

import pytest
import torch
from autoregressive_cases import CASES, describe, make
from torch import Tensor

from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.autoregressive import influence

IMAGES = [ImageSpec(1, 5, 4, 2), ImageSpec(3, 2, 3, 4)]
TABLES = [case for case in CASES if case[0] == "markov" and case[2].get("estimator") != "logistic"]


def parametrized(cases: list[tuple[str, int, dict[str, Any]]]) -> pytest.MarkDecorator:
    """A mark that runs a test for each of these cases."""
    named = [pytest.param(name, values, id=f"{name}-{number}") for name, number, values in cases]
    return pytest.mark.parametrize(("name", "values"), named)


every_image = pytest.mark.parametrize("image", IMAGES, ids=describe)


def images_of(image: ImageSpec, count: int) -> Tensor:
    return torch.randint(image.levels, (count, *image.shape), generator=torch.Generator().manual_seed(3))


@parametrized(list(CASES))
@every_image
def test_components_add_up_to_the_conditional(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    laws.components_sum_to_the_conditional(make(name, values, image))


@parametrized([case for case in CASES if case not in TABLES])
@every_image
def test_the_gradient_is_what_differences_say(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model = make(name, values, image, spread=0.2).double()
    laws.gradients_are_derivatives(model)
    x = images_of(image, 1).double()
    assert any(influence(model, x, step, step % image.levels).any() for step in range(image.num_dims))


def test_a_table_is_the_only_one_without_a_gradient() -> None:
    smooth = {
        name: family(family.Config(), IMAGES[0]).differentiable  # type: ignore[attr-defined]
        for name, family in FAMILIES.items()
        if hasattr(family, "log_components")
    }
    assert [name for name, has_gradient in smooth.items() if not has_gradient] == ["markov"]


@pytest.mark.parametrize("name", ["pixelcnn", "gated_pixelcnn"])
@pytest.mark.parametrize("corner", ["top left", "bottom right"])
def test_what_is_out_of_reach_need_not_be_there(name: str, corner: str) -> None:
    image = ImageSpec(1, 13, 12, 2)  # larger than what a pixel reaches
    sizes = {"num_blocks": 1} if name == "pixelcnn" else {"num_layers": 1}
    values = {**sizes, "num_channels": 3, "num_head_channels": 3, "input_kernel_size": 3, "corner": corner}
    model = make(name, values, image)
    x, order = images_of(image, 1), model.own_order
    with torch.no_grad():
        expected = model.logits(x, order).log_softmax(-1)[0, *order.T]
        found = torch.cat([model.log_components(x, step, order)[0] for step in range(image.num_dims)])
    assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "values", "num_components"),
    [
        ("nade", {"num_hidden": 4, "num_components": 3}, 3),
        ("pixelcnn", {"num_blocks": 1, "num_channels": 3, "output": "logistic mixture", "num_mixtures": 4}, 4),
        ("made", {"num_hidden": 9, "num_masks": 3, "num_averaged": 2}, 2),
        ("fvbn", {}, 1),
    ],
)
def test_mixtures_show_their_components(name: str, values: dict[str, Any], num_components: int) -> None:
    image = ImageSpec(1, 3, 3, 5)
    model = make(name, values, image)
    components = model.log_components(images_of(image, 1), 4, model.own_order).exp()[0]
    assert components.shape == (num_components, 5)
    assert len({round(weight, 5) for weight in components.sum(1).tolist()}) == (1 if name == "made" else num_components)


@pytest.mark.parametrize("name", ["nade", "made"])
def test_another_order_is_followed(name: str) -> None:
    image = ImageSpec(3, 2, 2, 4)
    values = {"order_agnostic": True} if name == "nade" else {"num_orders": 3, "num_averaged": 1}
    model = make(name, {"num_hidden": 6, **values}, image)
    order, x = model.own_order.flip(0), images_of(image, 1)
    with torch.no_grad():
        expected = model.logits(x, order)[0, *order.T].softmax(-1)
        for step in range(image.num_dims):
            assert torch.allclose(model.log_components(x, step, order)[0].exp().sum(0), expected[step], atol=1e-5)
