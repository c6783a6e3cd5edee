"""Receptive field of a conditional within the earlier sub-pixels, and its blind spot: values only.

Shapes: C channels, H height, W width, D sub-pixels (C·H·W).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class FieldSize:
    """Size of a receptive field, in sub-pixels.

    Args:
        earlier: sub-pixels earlier in the order.
        inside: those of them in the receptive field.
        blind: those in its blind spot, see ``blind_spot``.
    """

    earlier: int
    inside: int
    blind: int


def blind_spot(order: NDArray[np.int64], step: int, field: Mask) -> Mask:
    """Find the blind spot: earlier sub-pixels without influence among those that have one.

    A sub-pixel is in it that is outside the receptive field, although it is no farther away than the farthest pixel
    inside (by the larger of row and column distance), and no earlier in the order than the first one inside. What is
    farther away, or earlier than all that has influence, is merely out of reach.

    Args:
        order: (D, 3) rows (channel, row, column).
        step: of the sub-pixel whose conditional it is.
        field: (C, H, W), the receptive field of that conditional.

    Returns:
        (C, H, W).
    """
    if step >= len(order) or not field.any():
        return np.zeros(field.shape, np.bool_)
    ranks = np.empty(field.shape, np.int64)
    ranks[tuple(order.T)] = np.arange(len(order))
    _, row, column = order[step]
    rows, columns = np.indices(field.shape[1:])
    distance = np.maximum(abs(rows - row), abs(columns - column))
    near = distance <= int(distance[field.any(axis=0)].max())
    blind: Mask = ~field & near & (ranks < step) & (ranks > int(ranks[field].min()))
    return blind


def field_size(order: NDArray[np.int64], step: int, field: Mask) -> FieldSize:
    """Count the sub-pixels of a receptive field, with the arguments of ``blind_spot``."""
    return FieldSize(step, int(field.sum()), int(blind_spot(order, step, field).sum()))


def blind_pixels(order: NDArray[np.int64], step: int, field: Mask) -> Mask:
    """(H, W): pixels with a sub-pixel in the blind spot and none in the field, with the arguments of ``blind_spot``."""
    return np.asarray(blind_spot(order, step, field).any(axis=0) & ~field.any(axis=0))
