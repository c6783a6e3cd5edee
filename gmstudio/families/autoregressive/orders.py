"""Generation orders: sequences in which the sub-pixels of an image are scored and drawn.

An order is a (D, 3) int64 tensor of rows (channel, row, column) that names every sub-pixel once. The named orders visit
whole pixels, and within a pixel go through the colours R → G → B.

Shapes: B batch, C channels, H height, W width, D sub-pixels (C·H·W).
"""

from typing import Annotated, Literal, get_args

import torch
from torch import Tensor

from gmstudio.nn.constants import constant
from gmstudio.protocol.config import field
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.training_settings import MAX_SEED

OrderName = Literal[
    "raster",
    "raster_top_right",
    "raster_bottom_left",
    "raster_bottom_right",
    "columns_top_left",
    "columns_top_right",
    "columns_bottom_left",
    "columns_bottom_right",
    "snake",
    "spiral",
    "centre",
    "random",
]
"""Row by row from the top left or another corner, column by column from a corner, row by row turning at the borders
(snake), along the border and inwards (spiral), by distance from the centre, shuffled."""
ORDER_NAMES: tuple[OrderName, ...] = get_args(OrderName)

OrderField = Annotated[
    OrderName,
    field(
        "Order",
        "Sequence in which pixels are generated: row by row (raster) or column by column from a corner, snake, spiral "
        "inwards, by distance from the centre, or shuffled.",
    ),
]
"""Config field of a family that is trained in an order of choice."""
OrderSeedField = Annotated[
    int, field("Order seed", "Seed of the shuffle; used by the random order only.", ge=0, le=MAX_SEED, advanced=True)
]


@constant
def raster_order(image: ImageSpec) -> Tensor:
    """(D, 3) int64 rows (channel, row, column): row by row, column by column, and R → G → B within a pixel."""
    rows, columns, channels = torch.meshgrid(
        torch.arange(image.height), torch.arange(image.width), torch.arange(image.channels), indexing="ij"
    )
    return torch.stack([channels.flatten(), rows.flatten(), columns.flatten()], dim=1)


@constant
def named_order(name: OrderName, image: ImageSpec, seed: int = 0) -> Tensor:
    """Order of a name.

    Args:
        name: one of ``ORDER_NAMES``.
        image: specification of the images.
        seed: of the shuffle; only ``random`` uses it.

    Returns:
        (D, 3) int64 rows (channel, row, column).

    Raises:
        ValueError: when there is no such order.
    """
    if name not in ORDER_NAMES:
        raise ValueError(f"There is no order {name!r}; choose one of {', '.join(ORDER_NAMES)}.")
    index_HW = torch.arange(image.height * image.width).view(image.height, image.width)
    if name == "random":
        shuffled = torch.randperm(index_HW.numel(), generator=torch.Generator().manual_seed(seed))
        return _with_colours(shuffled, image)
    if name == "snake":
        index_HW[1::2] = index_HW[1::2].flip(1)
    elif name == "spiral":
        return _with_colours(_spiral(index_HW), image)
    elif name == "centre":
        return painted_order(_distance_from_centre(image), image)
    else:
        index_HW = index_HW.flip([axis for axis, side in enumerate(("bottom", "right")) if side in name])
        if name.startswith("columns"):
            index_HW = index_HW.T
    return _with_colours(index_HW.flatten(), image)


def painted_order(ranks_HW: Tensor, image: ImageSpec) -> Tensor:
    """Order in which pixels of lower rank come first, and pixels of equal rank row by row.

    Args:
        ranks_HW: a finite number for each pixel.
        image: specification of the images.

    Returns:
        (D, 3) int64 rows (channel, row, column).

    Raises:
        ValueError: when the ranks have another shape than the image, or are not finite.
    """
    if tuple(ranks_HW.shape) != (image.height, image.width):
        raise ValueError(
            f"The ranks have shape {tuple(ranks_HW.shape)}; an order of {image} needs one number for each pixel, "
            f"({image.height}, {image.width})."
        )
    if not bool(torch.isfinite(ranks_HW.double()).all()):
        raise ValueError(
            "Some ranks are not finite; give every pixel a number, and equal numbers where the order does not matter."
        )
    return _with_colours(torch.argsort(ranks_HW.flatten(), stable=True), image)


def name_of_order(order_D3: Tensor, image: ImageSpec) -> OrderName | None:
    """Name of an order (D, 3): the first of ``ORDER_NAMES`` that equals it; None for any other order."""
    for name in ORDER_NAMES:
        if name != "random" and torch.equal(named_order(name, image), order_D3):
            return name
    return None


def names_each_once(order_D3: Tensor, image: ImageSpec) -> bool:
    """Whether rows (channel, row, column) name every sub-pixel exactly once."""
    if order_D3.shape != (image.num_dims, 3):
        return False
    inside = (order_D3 >= 0) & (order_D3 < torch.tensor(image.shape))
    return bool(inside.all()) and len(flat_index(order_D3, image).unique()) == image.num_dims


def flat_index(order_D3: Tensor, image: ImageSpec) -> Tensor:
    """(D,) positions of the order's sub-pixels in an image that is flattened to (C·H·W)."""
    channels, rows, columns = order_D3.unbind(1)
    return (channels * image.height + rows) * image.width + columns


def steps_at(order_D3: Tensor, row: int, column: int) -> list[int]:
    """Steps of an order at which a pixel's sub-pixels are generated, by channel."""
    at_D = (order_D3[:, 1] == row) & (order_D3[:, 2] == column)
    steps_C = at_D.nonzero().squeeze(1)
    found: list[int] = steps_C[order_D3[steps_C, 0].argsort()].tolist()
    return found


def in_order(x_BCHW: Tensor, index_D: Tensor) -> Tensor:
    """(B, C, H, W) → (B, D): sub-pixels in the sequence of a flat index."""
    return x_BCHW.flatten(1).index_select(1, index_D)


def from_order(values_BD: Tensor, index_D: Tensor, image: ImageSpec) -> Tensor:
    """Undo ``in_order``: (B, D, …) → (B, C, H, W, …)."""
    restored: Tensor = values_BD.index_select(1, torch.argsort(index_D)).unflatten(1, image.shape)
    return restored


def _with_colours(pixels: Tensor, image: ImageSpec) -> Tensor:
    """Convert pixels, as row · W + column, to rows (channel, row, column), the colours of a pixel in succession."""
    pixels = pixels.repeat_interleave(image.channels)
    channels = torch.arange(image.channels).repeat(image.height * image.width)
    return torch.stack([channels, pixels // image.width, pixels % image.width], dim=1)


def _spiral(index_HW: Tensor) -> Tensor:
    """Pixels along the border, clockwise from the top left, then those of the inner rectangle likewise, and so on."""
    turns = []
    while index_HW.numel():
        turns.append(index_HW[0])
        index_HW = index_HW[1:].T.flip(0)
    return torch.cat(turns)


def _distance_from_centre(image: ImageSpec) -> Tensor:
    """(H, W) squared distance of each pixel from the image's middle, in half pixels, so that ties are exact."""
    rows = 2 * torch.arange(image.height) - (image.height - 1)
    columns = 2 * torch.arange(image.width) - (image.width - 1)
    return rows.square().unsqueeze(1) + columns.square()
