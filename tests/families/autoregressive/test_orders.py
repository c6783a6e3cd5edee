"""Generation orders: each names every sub-pixel once, and goes where its name says."""

import pytest
import torch

from gmstudio.families.autoregressive.orders import (
    ORDER_NAMES,
    flat_index,
    from_order,
    in_order,
    named_order,
    painted_order,
)
from gmstudio.protocol.images import ImageSpec

SHAPES = [(1, 1, 1), (1, 3, 3), (1, 2, 5), (3, 4, 3), (1, 7, 1), (1, 1, 7)]


def ranks(name: str, height: int, width: int) -> list[list[int]]:
    """Position of each pixel in the order."""
    image = ImageSpec(channels=1, height=height, width=width, levels=2)
    turn = torch.empty(height * width, dtype=torch.int64)
    turn[flat_index(named_order(name, image), image)] = torch.arange(height * width)
    return turn.view(height, width).tolist()


@pytest.mark.parametrize("name", ORDER_NAMES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_an_order_names_each_sub_pixel_once(name, shape):
    image = ImageSpec(*shape, levels=2)
    order = named_order(name, image)
    assert order.shape == (image.num_dims, 3) and order.dtype == torch.int64
    assert flat_index(order, image).sort().values.tolist() == list(range(image.num_dims))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("raster", [[0, 1, 2], [3, 4, 5]]),
        ("raster_top_right", [[2, 1, 0], [5, 4, 3]]),
        ("raster_bottom_left", [[3, 4, 5], [0, 1, 2]]),
        ("raster_bottom_right", [[5, 4, 3], [2, 1, 0]]),
        ("columns_top_left", [[0, 2, 4], [1, 3, 5]]),
        ("columns_top_right", [[4, 2, 0], [5, 3, 1]]),
        ("columns_bottom_left", [[1, 3, 5], [0, 2, 4]]),
        ("columns_bottom_right", [[5, 3, 1], [4, 2, 0]]),
        ("snake", [[0, 1, 2], [5, 4, 3]]),
    ],
)
def test_rows_and_columns_from_the_corners(name, expected):
    assert ranks(name, 2, 3) == expected


def test_the_spiral_goes_inwards():
    assert ranks("spiral", 3, 4) == [[0, 1, 2, 3], [9, 10, 11, 4], [8, 7, 6, 5]]


def test_the_centre_comes_first_and_the_corners_last():
    turn = torch.tensor(ranks("centre", 5, 5))
    assert turn[2, 2] == 0
    assert {int(turn[r, c]) for r in (0, 4) for c in (0, 4)} == {21, 22, 23, 24}


def test_the_random_order_is_that_of_its_seed():
    image = ImageSpec(channels=1, height=4, width=4, levels=2)
    assert torch.equal(named_order("random", image, 3), named_order("random", image, 3))
    assert not torch.equal(named_order("random", image, 3), named_order("random", image, 4))


@pytest.mark.parametrize("name", ORDER_NAMES)
def test_colours_of_a_pixel_follow_one_another(name):
    image = ImageSpec(channels=3, height=3, width=2, levels=4)
    order = named_order(name, image).view(-1, 3, 3)
    assert order[:, :, 0].tolist() == [[0, 1, 2]] * 6
    assert (order[:, :, 1:] == order[:, :1, 1:]).all()


def test_painted_pixels_come_first():
    image = ImageSpec(channels=1, height=2, width=3, levels=2)
    order = painted_order(torch.tensor([[1, 1, 0], [1, 0, 1]]), image)
    assert flat_index(order, image).tolist() == [2, 4, 0, 1, 3, 5]


def test_wrong_ranks_are_refused_in_words():
    image = ImageSpec(channels=1, height=2, width=3, levels=2)
    with pytest.raises(ValueError, match=r"shape \(3, 2\).*\(2, 3\)"):
        painted_order(torch.zeros(3, 2), image)
    with pytest.raises(ValueError, match="not finite"):
        painted_order(torch.full((2, 3), float("nan")), image)
    with pytest.raises(ValueError, match="no order 'zigzag'"):
        named_order("zigzag", image)


def test_into_an_order_and_back():
    image = ImageSpec(channels=3, height=2, width=3, levels=9)
    x = torch.randint(0, 9, (4, *image.shape), generator=torch.Generator().manual_seed(0))
    order = named_order("spiral", image)
    index = flat_index(order, image)
    ordered = in_order(x, index)
    channel, row, column = order[5].tolist()
    assert torch.equal(ordered[:, 5], x[:, channel, row, column])
    assert torch.equal(from_order(ordered, index, image), x)
