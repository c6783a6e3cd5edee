"""Points of the line and the plane, from distributions that are known."""

from gmstudio.data.points.density import (
    PointDensity,
    axes_of,
    class_truths,
    density_of,
    entropy,
    known_density,
)
from gmstudio.data.points.settings import PointsConfig
from gmstudio.data.points.source import Points, draw_points

__all__ = [
    "PointDensity",
    "Points",
    "PointsConfig",
    "axes_of",
    "class_truths",
    "density_of",
    "draw_points",
    "entropy",
    "known_density",
]
