"""The blind spot of a receptive field."""

import numpy as np
import pytest

from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.window.state.pixels.receptive_field import blind_spot, field_size

SPEC = ImageSpec(channels=1, height=9, width=11, levels=2)


def field_of(name: str, row: int, column: int, **config: object) -> tuple[np.ndarray, int, np.ndarray]:
    """Order, step and receptive field of a model at a pixel."""
    family = FAMILIES[name]
    model = family(family.Config(**config), SPEC)
    order = model.own_order
    step = row * SPEC.width + column
    return order.numpy(), step, model.receptive_field(step, order).numpy()


def test_the_blind_spot_of_a_pixelcnn_is_the_wedge_at_its_upper_right() -> None:
    config = {"num_blocks": 2, "num_channels": 2, "num_head_channels": 2, "input_kernel_size": 3}
    order, step, field = field_of("pixelcnn", 5, 4, **config)
    blind = np.argwhere(blind_spot(order, step, field)[0]).tolist()
    # Three layers of 3×3 reach three rows up and three columns to each side.
    assert blind and all(row < 5 and column > 4 for row, column in blind)
    assert max(column for _, column in blind) == 7
    size = field_size(order, step, field)
    assert (size.earlier, size.blind) == (step, len(blind)) and size.inside == field.sum()


@pytest.mark.parametrize(
    ("name", "config"),
    [("gated_pixelcnn", {"num_layers": 3, "num_channels": 2}), ("nade", {"num_hidden": 3}), ("markov", {})],
)
def test_others_have_none(name: str, config: dict[str, object]) -> None:
    order, step, field = field_of(name, 5, 4, **config)
    assert field.any() and not blind_spot(order, step, field).any()


def test_the_first_sub_pixel_has_none() -> None:
    order, _, field = field_of("nade", 0, 0, num_hidden=3)
    assert not blind_spot(order, 0, field).any()
