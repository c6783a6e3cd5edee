"""Layers of a tile: the density of a model or of the data, points, samples, and what the model has inside.

Shapes: L₁, L₂ levels of the axes, N points.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Dots, Heat, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis
from gmstudio.window.gui.widgets.plane.heat_picture import contour_lines
from gmstudio.window.state.plane.options import Quantity, ShowOptions

LOG_RANGE = 12.0
"""Nats between the strongest and the weakest colour of log p."""
CONTOURS = 6
MAX_DOTS = 500
"""Points of the data that are drawn, as many as samples."""
TITLES: dict[Quantity, str] = {"p": "p(x)", "log p": "log p(x)"}
TRUE_TITLES: dict[Quantity, str] = {"p": "p*(x)", "log p": "log p*(x)"}
SAMPLE_SERIES, TRUTH_SERIES, LINE_SERIES = 1, 2, 0
HEADROOM = 1.3
"""Height of the axis of p over the largest probability: histograms of few points exceed it."""

Grid = NDArray[np.floating]
Extent = tuple[float, float, float, float]


def extent_of(axes: tuple[PointAxis, ...]) -> Extent:
    """Ends of the grid."""
    return axes[0].low, axes[0].high, axes[1].low, axes[1].high


def shown_values(values: Grid, quantity: Quantity) -> NDArray[np.float32]:
    """Values that are drawn: p, or its logarithm in nats; NaN where p is 0."""
    if quantity == "p":
        return values.astype(np.float32, copy=False)
    with np.errstate(divide="ignore"):
        logs = np.log(values.astype(np.float64))
    return np.where(np.isfinite(logs), logs, np.nan).astype(np.float32)


def heat_of(values: Grid, axes: tuple[PointAxis, ...], options: ShowOptions, top: float, *, true: bool = False) -> Heat:
    """Map of a density.

    Args:
        values: (L₂, L₁) probability of each cell.
        axes: of the plane.
        options: what is drawn.
        top: probability of the strongest colour; 0: the largest one.
        true: it is p*.
    """
    quantity = options.quantity
    title = (TRUE_TITLES if true else TITLES)[quantity]
    contours = CONTOURS if options.contours and quantity == "p" else 0
    array = Array.of(shown_values(values, quantity))
    top = top or float(values.max(initial=0.0)) or 1.0
    if quantity == "p":
        return Heat(name=title, values=array, extent=extent_of(axes), top=top, contours=contours)
    strongest = _strongest(top)
    low = strongest - LOG_RANGE
    return Heat(name=title, values=array, extent=extent_of(axes), unit="nats", top=strongest, low=low)


def log_contours(values: Grid, axes: tuple[PointAxis, ...], top: float) -> Paths:
    """Contour lines of log p within its range of colours; the arguments are those of ``heat_of``."""
    strongest = _strongest(top or float(values.max(initial=0.0)) or 1.0)
    low = strongest - LOG_RANGE
    logs = np.nan_to_num(shown_values(values, "log p"), nan=low).clip(low, strongest)
    heat = Heat(name="", values=Array.of(logs), extent=extent_of(axes), contours=CONTOURS)
    return Paths(name="", points=Array.of(contour_lines(heat)), series=-1)


def _strongest(top: float) -> float:
    """Logarithm of the probability of the strongest colour, in whole nats."""
    return float(math.ceil(math.log(top)))


def truth_contours(truth: Grid, axes: tuple[PointAxis, ...]) -> Paths:
    """Contour lines of p* without its map."""
    heat = Heat(name="", values=Array.of(truth.astype(np.float32)), extent=extent_of(axes), contours=CONTOURS)
    return Paths(name="p*(x)", points=Array.of(contour_lines(heat)), series=TRUTH_SERIES)


def point_dots(
    points: Grid, labels: NDArray[np.int64] | None, name: str, axes: tuple[PointAxis, ...], levels: int
) -> Dots:
    """The first ``MAX_DOTS`` points of the data, somewhere in their cells, since many share the centre of one.

    Args:
        points: (N, 2), at the centres of their cells.
        labels: (N,) of their colours; None: all have the muted one.
        name: for the legend.
        axes: of the plane.
        levels: of each axis.
    """
    cell = np.array([(axis.high - axis.low) / levels for axis in axes])
    shown = points[:MAX_DOTS]
    places = shown + (np.random.default_rng(0).random(shown.shape) - 0.5) * cell
    groups = None if labels is None else Array.of(labels[:MAX_DOTS])
    return Dots(name=name, points=Array.of(places.astype(np.float32)), groups=groups)


def sample_dots(samples: Grid) -> Dots:
    """Points drawn from a model, (N, 2)."""
    return Dots(name="samples", points=Array.of(samples), series=SAMPLE_SERIES)


def marker(point: tuple[float, ...]) -> Dots:
    """The chosen point."""
    return Dots(name="", points=Array.of(np.array([point], np.float64)), series=TRUTH_SERIES + 1, large=True)


# ---- points on a line --------------------------------------------------------------------------------------------


def height_axis(options: ShowOptions, top: float) -> PointAxis:
    """Vertical axis over points of one dimension."""
    if options.quantity == "p":
        return PointAxis(TITLES["p"], 0.0, HEADROOM * (top or 1.0))
    strongest = math.log(top or 1.0)
    return PointAxis(TITLES["log p"], strongest - LOG_RANGE, strongest + math.log(HEADROOM), "nats")


def steps_of(values: Grid, axis: PointAxis, quantity: Quantity, name: str, series: int, *, filled: bool) -> Paths:
    """Density on a line as steps over its cells.

    Args:
        values: (1, L₁) probability of each cell.
        axis: of the points.
        quantity: that is drawn.
        name: for the legend.
        series: number of the colour.
        filled: shade the area below, of p.
    """
    heights = shown_values(values, quantity).reshape(-1)
    edges = np.linspace(axis.low, axis.high, len(heights) + 1)
    line = np.stack([np.repeat(edges, 2)[1:-1], np.repeat(heights, 2)], axis=1)
    known = np.nan_to_num(line, nan=-1e3)  # log 0 lies far below the axis
    fill = filled and quantity == "p"
    return Paths(name=name, points=Array.of(known[None]), series=series, dashed=not filled, filled=fill)


def histogram(points: Grid, axis: PointAxis, levels: int) -> NDArray[np.float64]:
    """(1, L₁) share of points (N, 1) in each cell."""
    counts, _ = np.histogram(points[:, 0], bins=levels, range=(axis.low, axis.high))
    return (counts / max(len(points), 1))[None]


def line_marker(point: tuple[float, ...], axis: PointAxis) -> Paths:
    """The chosen point on a line: a vertical line through it."""
    ends = [[point[0], axis.low], [point[0], axis.high]]
    return Paths(name="", points=Array.of(np.array([ends])), series=TRUTH_SERIES + 1)


def has_map(layers: Sequence[PlaneLayer]) -> bool:
    """Whether layers have a map of their own, in whose place no density is drawn."""
    return any(isinstance(layer, Heat) for layer in layers)
