"""Polylines as separate segments: Qt strokes a wide polyline as one shape, for up to a second where it crosses itself.

Shapes: P polylines, N points, S segments.
"""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPaintEngine, QPainter, QPainterPath, QPen

Floats = NDArray[np.float64]

DASH, GAP = 4.0, 2.0
"""Lengths of a dash and of the gap behind it, in widths of the line, as those of Qt's dashed lines."""
MOST_PIECES = 20_000
"""Dashes beyond which lines are drawn whole: they lie far outside the picture."""


def draw_polylines(painter: QPainter, pixels: Floats, colour: QColor, width: float, *, dashed: bool = False) -> None:
    """Draw polylines; a place that is not finite interrupts its line.

    In a drawing of shapes, such as SVG, they stay whole.

    Args:
        painter: of the picture.
        pixels: (P, N, 2) places.
        colour: of the lines.
        width: of the lines, pixels.
        dashed: interrupted lines.
    """
    pen = QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin)
    if painter.paintEngine().type() != QPaintEngine.Type.Raster:
        pen.setStyle(Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine)
        broken = np.concatenate([pixels, np.full((len(pixels), 1, 2), np.nan)], axis=1).reshape(-1, 2)
        painter.setPen(pen)
        painter.drawPath(_path(broken, "finite"))
        return
    segments = np.stack([pixels[:, :-1], pixels[:, 1:]], axis=2).reshape(-1, 2, 2)
    segments = segments[np.isfinite(segments).all((1, 2))]
    if dashed:
        segments = dashes(segments, DASH * width, GAP * width)
    else:
        pen.setCapStyle(Qt.PenCapStyle.SquareCap)  # fills the corners between segments
    painter.setPen(pen)
    if len(segments):
        painter.drawPath(_path(segments.reshape(-1, 2), "pairs"))


def dashes(segments: Floats, dash: float, gap: float) -> Floats:
    """Parts of segments that belong to dashes, which go on from one segment to the next.

    Args:
        segments: (S, 2, 2) ends, one behind the other.
        dash: length of a dash.
        gap: length of the gap behind it.
    """
    lengths = np.hypot(*(segments[:, 1] - segments[:, 0]).T)
    bounds = np.concatenate([[0.0], np.cumsum(lengths)])
    if not len(segments) or bounds[-1] > MOST_PIECES * (dash + gap):
        return segments
    begins = np.arange(0.0, bounds[-1], dash + gap)
    cuts = np.unique(np.concatenate([bounds, begins, begins + dash]))
    cuts = cuts[cuts <= bounds[-1]]
    middles = (cuts[1:] + cuts[:-1]) / 2
    drawn = middles % (dash + gap) < dash
    number = np.searchsorted(bounds, middles[drawn], side="right") - 1
    start, along = segments[number, 0], segments[number, 1] - segments[number, 0]
    shares = (np.stack([cuts[:-1][drawn], cuts[1:][drawn]], axis=1) - bounds[number, None]) / lengths[number, None]
    pieces: Floats = start[:, None] + shares[..., None] * along[:, None]
    return pieces


def _path(places: Floats, connect: str) -> QPainterPath:
    from pyqtgraph.functions import arrayToQPath  # type: ignore[import-untyped]

    x, y = np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1])
    path: QPainterPath = arrayToQPath(x, y, connect=connect)
    return path
