"""The laws for every order that a model can be trained in, and for the numbers of levels that images come in.

Each order meets some of the images and each image some of the orders, every family all of both; which order a model
that takes any is then asked for is ``test_order_laws``' matter.
"""

from typing import Any, get_args

import pytest
from autoregressive_cases import describe, make

from gmstudio.families.autoregressive.orders import ORDER_NAMES, named_order
from gmstudio.families.autoregressive.raster import Corner
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws

IMAGES = [ImageSpec(1, 3, 4, 2), ImageSpec(1, 3, 2, 4), ImageSpec(1, 2, 3, 16), ImageSpec(1, 2, 2, 256)]
IMAGES += [ImageSpec(3, 2, 2, 2), ImageSpec(3, 2, 2, 16), ImageSpec(3, 1, 2, 256)]
ORDERED: list[tuple[str, dict[str, Any]]] = [
    ("markov", {"num_parents": 1, "estimator": "counting"}),
    ("markov", {"num_parents": 2, "estimator": "logistic"}),
    ("fvbn", {}),
    ("nade", {"num_hidden": 5, "num_components": 2}),
    ("made", {"num_hidden": 24, "num_layers": 2}),
]
CONVOLUTIONAL: dict[str, dict[str, Any]] = {
    "pixelcnn": {"num_blocks": 1},
    "gated_pixelcnn": {"num_layers": 1},
    "pixelrnn_row": {"num_layers": 1},
    "pixelrnn_diagonal": {"num_layers": 1},
}
WIDTHS = {"num_channels": 3, "num_head_channels": 4, "input_kernel_size": 3}
OUTPUTS: list[dict[str, Any]] = [{"output": "softmax"}, {"output": "logistic mixture", "num_mixtures": 2}]


def hold_to_the_laws(name: str, values: dict[str, Any], image: ImageSpec) -> None:
    model = make(name, values, image)
    laws.autoregression(model)
    laws.earlier_pixels_matter(model)
    laws.stepping_equals_scoring(model, batch=2)
    laws.fast_equals_plain(model, batch=1)
    laws.rewinding_recomputes(model)


@pytest.mark.parametrize(("name", "values"), ORDERED, ids=[f"{name}-{n}" for n, (name, _) in enumerate(ORDERED)])
@pytest.mark.parametrize("order", ORDER_NAMES)
def test_every_order_that_can_be_trained_in(name: str, values: dict[str, Any], order: str) -> None:
    image = IMAGES[(ORDER_NAMES.index(order) + ORDERED.index((name, values))) % len(IMAGES)]
    model = make(name, {**values, "order": order}, image)
    assert model.own_order.equal(named_order(order, image))
    hold_to_the_laws(name, {**values, "order": order}, image)


@pytest.mark.parametrize("name", CONVOLUTIONAL)
@pytest.mark.parametrize("image", IMAGES, ids=describe)
def test_every_corner_and_output(name: str, image: ImageSpec) -> None:
    corners, number = get_args(Corner), IMAGES.index(image)
    for output, corner in zip(OUTPUTS, (corners[number % 4], corners[(number + 1) % 4]), strict=True):
        if image.levels > 2 or output is OUTPUTS[0]:
            hold_to_the_laws(name, {**CONVOLUTIONAL[name], **WIDTHS, **output, "corner": corner}, image)
