"""Generation orders: titles, choice, and ranks of pixels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.array import Array

PAINTED, RANDOM = "painted", "random"
TITLES = {
    "raster": "Row by row from the top left",
    "raster_top_right": "Row by row from the top right",
    "raster_bottom_left": "Row by row from the bottom left",
    "raster_bottom_right": "Row by row from the bottom right",
    "columns_top_left": "Column by column from the top left",
    "columns_top_right": "Column by column from the top right",
    "columns_bottom_left": "Column by column from the bottom left",
    "columns_bottom_right": "Column by column from the bottom right",
    "snake": "Snake: row by row, turning at the borders",
    "spiral": "Spiral inwards along the border",
    "centre": "From the centre outwards",
    RANDOM: "Shuffled, by seed",
    PAINTED: "Painted by hand",
}


def order_title(name: str) -> str:
    """Title of an order; of one without a title, its name with spaces."""
    return TITLES.get(name) or name.replace("_", " ").capitalize() or "The model's own"


@dataclass(frozen=True, eq=False)
class OrderChoice:
    """Choice of a generation order.

    Args:
        name: one of ``PixelsOpened.orders``; empty: the model's own.
        seed: of the shuffled order.
        ranks: (H, W) float32 for the painted one: pixels of lower rank come first, equal ones row by row.
    """

    name: str = ""
    seed: int = 0
    ranks: NDArray[np.float32] | None = None

    @property
    def sent_ranks(self) -> Array | None:
        """The ranks, for the painted order only."""
        return Array.of(self.ranks) if self.name == PAINTED and self.ranks is not None else None


def pixel_ranks(order: NDArray[np.int64], shape: tuple[int, int]) -> NDArray[np.int64]:
    """(H, W): rank of each pixel in a (D, 3) order, from 0, by its first sub-pixel."""
    ranks = np.empty(shape, np.int64)
    flat = order[:, 1] * shape[1] + order[:, 2]
    _, first = np.unique(flat, return_index=True)
    ranks.flat[flat[np.sort(first)]] = np.arange(first.size)
    return ranks


def painted_ranks(ranks: NDArray[np.floating]) -> NDArray[np.int64]:
    """(H, W): rank of each pixel, from 0, in the order of these ranks; equal ones row by row."""
    places = np.empty(ranks.size, np.int64)
    places[np.argsort(ranks.ravel(), kind="stable")] = np.arange(ranks.size)
    return places.reshape(ranks.shape)


def pixel_path(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """(P, 2): rows and columns of a (D, 3) order's pixels in sequence, each at its first sub-pixel."""
    flat = order[:, 1] * (int(order[:, 2].max()) + 1) + order[:, 2]
    _, first = np.unique(flat, return_index=True)
    path: NDArray[np.int64] = order[np.sort(first), 1:]
    return path
