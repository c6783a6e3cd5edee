"""Data that are points: their axes, and the messages that describe them.

A point is an image of 1×D sub-pixels, D 1 or 2, whose levels are places on an axis.
"""

from typing import Any, ClassVar

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.images import ImageSpec


class PointAxis(msgspec.Struct, frozen=True):
    """Axis of one sub-pixel of a point.

    Level ``v`` of ``L`` is the cell from ``low + v (high - low) / L`` to ``low + (v + 1) (high - low) / L``; its centre
    stands for it.

    Args:
        title: name, for example ``x₁`` or a column of a file.
        low: lower end of the lowest cell.
        high: upper end of the highest cell.
        unit: of the values; empty: none.
    """

    title: str
    low: float
    high: float
    unit: str = ""

    def centre(self, level: float, levels: int) -> float:
        """Centre of the cell of a level."""
        return self.low + (level + 0.5) * (self.high - self.low) / levels

    def level(self, value: float, levels: int) -> int:
        """Level whose cell holds a value; the nearest one for a value outside."""
        place = int((value - self.low) / (self.high - self.low) * levels // 1)
        return min(max(place, 0), levels - 1)


class DescribePoints(Command, frozen=True, kw_only=True):
    """Draw or read points and describe their distribution; answered with ``PointsDescribed``.

    Args:
        data: key of the source.
        data_config: its settings.
        count: largest number of training points that are sent.
    """

    interactive: ClassVar[bool] = True

    data: str
    data_config: dict[str, Any]
    count: int = 4000


class PointsDescribed(Event, frozen=True, kw_only=True):
    """Points, and the distribution that they were drawn from.

    Args:
        data: key of the source.
        image: shape and levels of the points as images.
        axes: one for each dimension.
        sizes: number of points in each split.
        points: (N, D) uint8 levels of the first training points.
        labels: (N,) int64 classes; None: there are none.
        label_names: class → name; empty where the names are the numbers themselves.
        truth: (L₂, L₁) float32 probability of each cell, (1, L) of one dimension; None: the distribution is unknown.
        entropy: of ``truth``, nats; None: it is unknown.
        occupied: share of the cells that hold a training point, 0 to 1.
        remarks: what a user should know, sentences.
    """

    data: str
    image: ImageSpec
    axes: tuple[PointAxis, ...]
    sizes: dict[SplitName, int]
    points: Array
    labels: Array | None
    label_names: tuple[str, ...]
    truth: Array | None
    entropy: float | None
    occupied: float
    remarks: tuple[str, ...] = ()
