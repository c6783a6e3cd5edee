"""The laws over foreign orders, for models that generate in any; refusals of what is no order, for all."""

from typing import Any

import pytest
import torch
from autoregressive_cases import CASES, LARGER, describe, make
from torch import Tensor

from gmstudio.families.autoregressive.orders import named_order, painted_order, raster_order
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import COUNTABLE, GREY, seeded

ORDERS = ("random", "painted", "spiral", "subpixels")
ANY_ORDER = [
    pytest.param(name, values, id=f"{name}-{number}")
    for name, number, values in CASES
    if make(name, values, GREY).any_order
]

any_order_family = pytest.mark.parametrize(("name", "values"), ANY_ORDER)
every_family = pytest.mark.parametrize(
    ("name", "values"), [pytest.param(name, values, id=f"{name}-{number}") for name, number, values in CASES]
)
every_order = pytest.mark.parametrize("order", ORDERS)
some_images = pytest.mark.parametrize("image", [LARGER[0], LARGER[3]], ids=describe)


def foreign_order(name: str, image: ImageSpec) -> Tensor:
    """An order that no model of these tests has of its own."""
    if name == "painted":
        return painted_order(torch.rand(image.height, image.width, generator=seeded(3)).round(decimals=1), image)
    if name == "subpixels":  # the colours of a pixel torn apart
        return raster_order(image)[torch.randperm(image.num_dims, generator=seeded(5))]
    return named_order("random", image, 11) if name == "random" else named_order("spiral", image)


@any_order_family
@every_order
@pytest.mark.parametrize("image", COUNTABLE, ids=describe)
def test_probabilities_sum_to_one(name: str, values: dict[str, Any], image: ImageSpec, order: str) -> None:
    laws.probabilities_sum_to_one(make(name, values, image), foreign_order(order, image))


@any_order_family
@every_order
@some_images
def test_later_subpixels_never_matter(name: str, values: dict[str, Any], image: ImageSpec, order: str) -> None:
    model = make(name, values, image)
    laws.autoregression(model, foreign_order(order, image))
    laws.earlier_pixels_matter(model, foreign_order(order, image))
    laws.conditionals_depend_on_their_context(model, foreign_order(order, image))


@any_order_family
@every_order
@some_images
def test_generating_is_scoring(name: str, values: dict[str, Any], image: ImageSpec, order: str) -> None:
    model, order_D3 = make(name, values, image), foreign_order(order, image)
    laws.stepping_equals_scoring(model, order_D3, batch=3)
    laws.fast_equals_plain(model, order_D3, batch=2)
    laws.rewinding_recomputes(model, order_D3)


@any_order_family
@every_order
@some_images
def test_an_order_is_followed(name: str, values: dict[str, Any], image: ImageSpec, order: str) -> None:
    laws.sessions_follow_the_order(make(name, values, image), foreign_order(order, image))
    laws.order_matters(make(name, values, image), foreign_order(order, image))


@every_family
@pytest.mark.parametrize("ask", ["log_prob", "pixel_session", "plain_pixel_session", "sample"])
def test_what_is_no_permutation_is_refused(name: str, values: dict[str, Any], ask: str) -> None:
    model, own = make(name, values, GREY), raster_order(GREY)
    x = torch.zeros(1, 1, 2, 2, dtype=torch.uint8)
    asked = {
        "log_prob": lambda order: model.log_prob(x, order),
        "pixel_session": lambda order: model.pixel_session(1, order),
        "plain_pixel_session": lambda order: model.plain_pixel_session(1, order),
        "sample": lambda order: model.sample(1, order=order),
    }[ask]
    twice, outside, negative = own.clone(), own.clone(), own.clone()
    twice[1], outside[0], negative[0, 2] = own[0], torch.tensor([0, 2, 0]), -1
    for wrong in (twice, outside, negative, own[:3], torch.cat([own, own[:1]]), own[:, :2], own.flatten()):
        with pytest.raises(ValueError, match="exactly once"):
            asked(wrong)
