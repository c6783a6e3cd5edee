"""Part of the plane that a map shows: pan, zoom and fit, with one scale for both axes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIT_SHARE = 0.92
"""Share of the map that the points take after ``fitted``."""
LEAST_EXTENT = 1e-9
MAX_ZOOM = 1e6
"""Largest scale, as a multiple of that at which everything is visible."""


@dataclass(frozen=True)
class MapCamera:
    """View of the plane; the vertical axis points upwards.

    Args:
        x: coordinate at the middle.
        y: coordinate at the middle.
        scale: pixels per unit.
    """

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0

    def to_pixels(self, places: NDArray[np.float32], width: float, height: float) -> NDArray[np.float32]:
        """Turn (N, 2) coordinates into pixels of a map of this size."""
        pixels = np.empty(places.shape, np.float32)
        np.multiply(places[:, 0] - np.float32(self.x), np.float32(self.scale), out=pixels[:, 0])
        np.multiply(places[:, 1] - np.float32(self.y), np.float32(-self.scale), out=pixels[:, 1])
        pixels += np.array([width / 2, height / 2], np.float32)
        return pixels

    def to_place(self, pixel_x: float, pixel_y: float, width: float, height: float) -> tuple[float, float]:
        """Turn a pixel into a coordinate."""
        return self.x + (pixel_x - width / 2) / self.scale, self.y - (pixel_y - height / 2) / self.scale

    def panned(self, pixels_x: float, pixels_y: float) -> "MapCamera":
        """Return the view after its contents were moved by a number of pixels."""
        return MapCamera(self.x - pixels_x / self.scale, self.y + pixels_y / self.scale, self.scale)

    def zoomed(self, factor: float, pixel_x: float, pixel_y: float, width: float, height: float) -> "MapCamera":
        """Return the view enlarged by a factor about a pixel, whose coordinate stays there."""
        x, y = self.to_place(pixel_x, pixel_y, width, height)
        scale = self.scale * factor
        return MapCamera(x - (pixel_x - width / 2) / scale, y + (pixel_y - height / 2) / scale, scale)

    def limited(self, fit: "MapCamera") -> "MapCamera":
        """Return the view with a scale from a quarter of ``fit``'s to ``MAX_ZOOM`` times that."""
        scale = min(max(self.scale, fit.scale / 4), fit.scale * MAX_ZOOM)
        return self if scale == self.scale else MapCamera(self.x, self.y, scale)


def fitted(places: NDArray[np.float32], width: float, height: float) -> MapCamera:
    """Return the view in which all (N, 2) coordinates are visible; those that are not finite do not count."""
    places = places[np.isfinite(places).all(1)]
    if not len(places) or width <= 0 or height <= 0:
        return MapCamera()
    low, high = places.min(0).astype(np.float64), places.max(0).astype(np.float64)
    size = np.maximum(high - low, max(LEAST_EXTENT, 1e-6 * float(np.abs(places).max())))
    scale = FIT_SHARE * min(width / size[0], height / size[1])
    middle = (low + high) / 2
    return MapCamera(float(middle[0]), float(middle[1]), float(scale))
