"""Blocks of scenes from numpy arrays, in the few ways in which the laboratories make them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Extent, Heat
from gmstudio.protocol.scenes import Bars, Line


def wide(values: ArrayLike) -> Array:
    """Numbers as float64 on the wire."""
    return Array.of(np.asarray(values, np.float64))


def line(name: str, x: ArrayLike, y: ArrayLike) -> Line:
    """Line of a plot through (N,) places and heights; heights that are not finite are left out."""
    places, heights = np.asarray(x, np.float64), np.asarray(y, np.float64)
    kept = np.isfinite(heights)
    return Line(name, Array.of(places[kept]), Array.of(heights[kept]))


def bars(title: str, labels: Sequence[str], series: dict[str, ArrayLike], top: float = 0.0) -> Bars:
    """Groups of bars from series name → (N,) heights."""
    values = np.array([np.asarray(heights, np.float32) for heights in series.values()], np.float32)
    return Bars(title=title, labels=tuple(labels), series=tuple(series), values=Array.of(values), top=top)


def heat(name: str, values: ArrayLike, extent: Extent, **settings: Any) -> Heat:
    """Map of (R, C) numbers, row 0 the lowest one; further settings as those of ``Heat``."""
    return Heat(name=name, values=Array.of(np.asarray(values, np.float32)), extent=extent, **settings)


def small(difference: float) -> str:
    """A difference that ought to be 0, in a sentence: ``0`` or its order of magnitude."""
    return f"{difference:.1e}" if difference else "0"
