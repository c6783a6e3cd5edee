"""Axes of data that are points: a point is an image of 1×D sub-pixels, D 1 or 2, whose levels are places on an axis."""

import msgspec


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
