"""Part of a plane that is in view, and its place on the screen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF

WIDEST, NARROWEST = 2.0, 1 / 500
"""Limits of the view, in shares of what fitting shows."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PlaneView:
    """Rectangle of the plane, in units of the axes.

    Args:
        left: lower end of the horizontal axis.
        right: its upper end.
        bottom: lower end of the vertical axis.
        top: its upper end.
    """

    left: float
    right: float
    bottom: float
    top: float

    @property
    def width(self) -> float:
        """Length of the horizontal axis."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Length of the vertical axis."""
        return self.top - self.bottom

    def zoomed(self, factor: float, x: float, y: float) -> "PlaneView":
        """Enlarge by a factor; the point (x, y) keeps its position."""
        return PlaneView(
            x - (x - self.left) / factor,
            x + (self.right - x) / factor,
            y - (y - self.bottom) / factor,
            y + (self.top - y) / factor,
        )

    def panned(self, x: float, y: float) -> "PlaneView":
        """Move by a distance."""
        return PlaneView(self.left + x, self.right + x, self.bottom + y, self.top + y)

    def limited(self, home: "PlaneView") -> "PlaneView":
        """Keep the size within limits, and the centre inside of ``home``, so that nobody gets lost."""
        left, right = _limited(self.left, self.right, home.left, home.right)
        bottom, top = _limited(self.bottom, self.top, home.bottom, home.top)
        return PlaneView(left, right, bottom, top)

    def squared(self, aspect: float) -> "PlaneView":
        """Lengthen one axis, so that a unit is as long on both.

        Args:
            aspect: width of the area on the screen over its height.
        """
        width, height = max(self.width, self.height * aspect), max(self.height, self.width / aspect)
        x, y = (self.left + self.right) / 2, (self.bottom + self.top) / 2
        return PlaneView(x - width / 2, x + width / 2, y - height / 2, y + height / 2)

    def contains(self, other: "PlaneView") -> bool:
        """Another view lies inside, up to rounding."""
        x, y = self.width * 1e-6, self.height * 1e-6
        across = self.left <= other.left + x and other.right <= self.right + x
        return across and self.bottom <= other.bottom + y and other.top <= self.top + y


def _limited(low: float, high: float, home_low: float, home_high: float) -> tuple[float, float]:
    home = home_high - home_low
    span = min(max(high - low, home * NARROWEST), home * WIDEST)
    centre = min(max((low + high) / 2, home_low), home_high)
    return centre - span / 2, centre + span / 2


@dataclass(frozen=True)
class Mapping:
    """Places of a view on the screen.

    Args:
        view: part of the plane.
        area: rectangle that it fills.
    """

    view: PlaneView
    area: QRectF

    @property
    def x_scale(self) -> float:
        """Pixels per unit of the horizontal axis."""
        return self.area.width() / self.view.width

    @property
    def y_scale(self) -> float:
        """Pixels per unit of the vertical axis."""
        return self.area.height() / self.view.height

    def xs(self, values: Floats) -> Floats:
        """Horizontal pixel coordinates of values of any shape."""
        return self.area.left() + (values - self.view.left) * self.x_scale

    def ys(self, values: Floats) -> Floats:
        """Vertical pixel coordinates of values of any shape."""
        return self.area.bottom() - (values - self.view.bottom) * self.y_scale

    def point(self, x: float, y: float) -> QPointF:
        """Place of a point on the screen."""
        left = self.area.left() + (x - self.view.left) * self.x_scale
        return QPointF(left, self.area.bottom() - (y - self.view.bottom) * self.y_scale)

    def rect(self, left: float, right: float, bottom: float, top: float) -> QRectF:
        """Place of a rectangle on the screen."""
        return QRectF(self.point(left, top), self.point(right, bottom))

    def at(self, place: QPointF) -> tuple[float, float]:
        """Point of the plane at a place of the screen."""
        x = self.view.left + (place.x() - self.area.left()) / self.x_scale
        return x, self.view.bottom + (self.area.bottom() - place.y()) / self.y_scale
