"""Layers of a plane: what is drawn over two continuous axes, from back to front.

The Plane panel and the laboratories send planes as layers; the window draws any of them (``PlaneCanvas``) and knows
neither families nor laboratories. All coordinates are in the units of the axes, float32 or float64.
"""

from typing import Literal

import msgspec

from gmstudio.protocol.array import Array

Extent = tuple[float, float, float, float]
"""Ends of a map: left, right, bottom, top."""


class Heat(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Map of numbers in colours.

    Args:
        name: for the legend and the readout under the pointer, for example ``p(x)``.
        values: (R, C) float32; row 0 is the lowest one; NaN where there is no value.
        extent: ends of the map.
        unit: of the values; empty: none.
        scale: ``heat`` from ``low`` up; ``diverging`` around 0; ``shade`` greys for what lies behind other layers.
        top: value of the strongest colour; 0, where ``low`` is, too: the largest absolute value.
        low: value of the weakest colour of ``heat`` and ``shade``, for example of logarithms; ``top`` is given then.
        contours: number of contour lines drawn over it; 0: none.
    """

    name: str
    values: Array
    extent: Extent
    unit: str = ""
    scale: Literal["heat", "diverging", "shade"] = "heat"
    top: float = 0.0
    low: float = 0.0
    contours: int = 0


class Dots(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Points.

    Args:
        name: for the legend; empty: not in it.
        points: (N, 2).
        series: number of the colour in the theme's series; -1: the muted colour of data.
        groups: (N,) int64 number of each point's colour, in place of ``series``; None: one colour.
        large: drawn large, with an outline.
        labels: one beside each point; empty: none.
    """

    name: str
    points: Array
    series: int = -1
    groups: Array | None = None
    large: bool = False
    labels: tuple[str, ...] = ()


class Handles(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Points that can be dragged; the input ``name`` has their coordinates, (N, 2).

    Args:
        name: of the input.
        points: (N, 2).
        labels: one beside each point; empty: none.
        help: one sentence on what dragging them does.
        along: they move only along this axis; None: freely.
    """

    name: str
    points: Array
    labels: tuple[str, ...] = ()
    help: str = ""
    along: Literal["x", "y"] | None = None


class Guide(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Line across the plane that can be dragged; the input ``name`` has its place, (1,).

    Args:
        name: of the input; empty: it cannot be dragged.
        axis: ``x``: a vertical line at x = value; ``y``: a horizontal one.
        value: its place.
        label: written at its end.
        help: one sentence on what dragging it does.
    """

    name: str
    axis: Literal["x", "y"]
    value: float
    label: str = ""
    help: str = ""


class Arrows(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Arrows.

    Args:
        name: for the legend.
        starts: (N, 2).
        ends: (N, 2).
        series: number of the colour in the theme's series.
    """

    name: str
    starts: Array
    ends: Array
    series: int = 0


class Paths(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Polylines, all of one colour.

    Args:
        name: for the legend; empty: not in it.
        points: (P, T, 2); NaN ends a line early.
        series: number of the colour in the theme's series; -1: the muted colour.
        dashed: drawn dashed.
        filled: the area between line and horizontal axis is shaded, for densities on a line.
        marked: their ends are marked with a dot.
    """

    name: str
    points: Array
    series: int = 0
    dashed: bool = False
    filled: bool = False
    marked: bool = False


class Mesh(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Grid of lines, warped.

    Args:
        name: for the legend.
        points: (R, C, 2) crossings.
        shade: (R - 1, C - 1) float32 value of each cell, for example log volume change; None: cells are not filled.
        unit: of the shade.
    """

    name: str
    points: Array
    shade: Array | None = None
    unit: str = ""


class Ellipses(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Gaussians as ellipses at one and two standard deviations.

    Args:
        name: for the legend.
        means: (N, 2).
        covariances: (N, 2, 2).
        series: number of the first one's colour in the theme's series; the next ones follow.
        labels: one at each centre; empty: none.
    """

    name: str
    means: Array
    covariances: Array
    series: int = 0
    labels: tuple[str, ...] = ()


class Profile(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Density over one axis, drawn along the edge of the plane.

    Args:
        name: for the legend, for example ``p(x₁)``.
        axis: ``x``: along the lower edge; ``y``: along the left edge.
        places: (N,) rising.
        heights: (N,) 0 or more.
        series: number of the colour in the theme's series.
    """

    name: str
    axis: Literal["x", "y"]
    places: Array
    heights: Array
    series: int = 0


PlaneLayer = Heat | Dots | Handles | Guide | Arrows | Paths | Mesh | Ellipses | Profile
