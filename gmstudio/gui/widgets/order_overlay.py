"""The generation order, drawn over an image: arrows along the path, or each pixel's rank as a number."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

from gmstudio.gui.theme import theme

OrderMode = Literal["off", "arrows", "ranks"]
MODES: tuple[OrderMode, ...] = ("off", "arrows", "ranks")
HEAD_EVERY, HEAD_EVERY_SMALL = 56.0, 120.0
"""Screen pixels of path between two arrow heads, about; where pixels are small, and the rows therefore many."""
_SMALL = 32.0
MOST_JUMPS = 8
"""Of a path that jumps about, so many of the next moves are drawn: all of them would be a tangle."""
_SMALLEST_FONT, _LARGEST_FONT = 8, 22
_DARK, _LIGHT = QColor("#101214"), QColor("#f4f6f8")


@dataclass(frozen=True, eq=False)
class OrderPath:
    """An order of pixels.

    Args:
        path: (P, 2) rows and columns in sequence.
        at: which of them is next; P at the end.
    """

    path: NDArray[np.int64]
    at: int

    @classmethod
    def of_ranks(cls, ranks: NDArray[np.integer]) -> "OrderPath":
        """The order in which (H, W) ranks from 0 on put the pixels; none of them is next."""
        flat = np.argsort(ranks, axis=None)
        return cls(np.stack(np.unravel_index(flat, ranks.shape), axis=1), 0)

    @cached_property
    def jumps(self) -> bool:
        """Whether most moves lead further than to a neighbour."""
        moves = np.abs(np.diff(self.path, axis=0)).max(axis=1, initial=0)
        return bool(2 * np.count_nonzero(moves <= 2) < moves.size)


def paint_arrows(painter: QPainter, rect: QRectF, shape: tuple[int, int], order: OrderPath) -> None:
    """Draw the path with arrow heads at a readable distance; of one that jumps about, the next moves only.

    Args:
        painter: antialiased.
        rect: of the whole image.
        shape: (H, W).
        order: what to draw.
    """
    width, height = rect.width() / shape[1], rect.height() / shape[0]
    points = [rect.topLeft() + QPointF((c + 0.5) * width, (r + 0.5) * height) for r, c in order.path.tolist()]
    scale = min(width, height)
    if order.jumps:
        points = points[max(0, order.at - 1) :][: MOST_JUMPS + 1]
    _paint_line(painter, points, scale, heads_on_leaps=order.jumps)


def _paint_line(painter: QPainter, points: list[QPointF], scale: float, *, heads_on_leaps: bool) -> None:
    if len(points) < 2:
        return
    line, leaps, heads = QPainterPath(points[0]), QPainterPath(points[0]), QPainterPath()
    size = max(3.0, min(9.0, scale * 0.3))
    every = HEAD_EVERY if scale >= _SMALL else HEAD_EVERY_SMALL
    since = every
    for start, end in pairwise(points):
        length = math.hypot(end.x() - start.x(), end.y() - start.y())
        leap = length >= 2.5 * scale
        steps, others = (leaps, line) if leap else (line, leaps)
        steps.lineTo(end)
        others.moveTo(end)
        since += length
        if since >= every and (heads_on_leaps or not leap):
            since = 0.0
            _add_head(heads, start, end, size)
    colour = theme().color("accent")
    under = theme().color("base")
    under.setAlpha(150)
    for pen_colour, extra in ((under, 2.5), (colour, 0.0)):
        pen = QPen(pen_colour, max(1.0, min(2.0, scale * 0.08)) + extra)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(line)
    pen.setWidthF(1.0)
    pen.setStyle(Qt.PenStyle.DashLine if heads_on_leaps else Qt.PenStyle.DotLine)
    painter.setPen(pen)
    painter.drawPath(leaps)
    painter.setPen(QPen(under, 1.0))
    painter.setBrush(colour)
    painter.drawPath(heads)
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _add_head(heads: QPainterPath, start: QPointF, end: QPointF, size: float) -> None:
    """A triangle in the middle of a line, pointing along it."""
    length = math.hypot(end.x() - start.x(), end.y() - start.y()) or 1.0
    along = QPointF((end.x() - start.x()) / length, (end.y() - start.y()) / length)
    across = QPointF(-along.y(), along.x())
    tip = (start + end) / 2 + along * size
    heads.moveTo(tip)
    heads.lineTo(tip - along * (2 * size) + across * size)
    heads.lineTo(tip - along * (2 * size) - across * size)
    heads.closeSubpath()


def rank_font_and_stride(cell: QRectF, largest: int, family: QFont) -> tuple[QFont, int]:
    """A font in which ranks fit into a pixel, and, where none does, the distance of those pixels that show theirs."""
    digits = "0" * len(str(largest))
    font = QFont(family)
    for size in range(_LARGEST_FONT, _SMALLEST_FONT - 1, -1):
        font.setPixelSize(size)
        metrics = QFontMetricsF(font)
        wide, high = metrics.horizontalAdvance(digits) + 2, metrics.capHeight() + 4
        if wide <= cell.width() and high <= cell.height():
            return font, 1
    return font, max(math.ceil(wide / cell.width()), math.ceil(high / cell.height()))


def paint_ranks(painter: QPainter, rect: QRectF, ranks: NDArray[np.integer], brightness: NDArray[np.floating]) -> None:
    """Write each pixel's rank into it; where they do not fit, only into every so many-th pixel of a row and column.

    Args:
        painter: of the canvas.
        rect: of the whole image.
        ranks: (H, W).
        brightness: (H, W) 0 … 1 of what is painted there; NaN where the background shows.
    """
    rows, columns = ranks.shape
    width, height = rect.width() / columns, rect.height() / rows
    cell = QRectF(0, 0, width, height)
    font, stride = rank_font_and_stride(cell, int(ranks.max()), painter.font())
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    digit, below = metrics.horizontalAdvance("0") / 2, metrics.capHeight() / 2
    inks = (theme().color("text"), _DARK, _LIGHT)
    which = np.where(np.isnan(brightness), 0, np.where(brightness > 0.5, 1, 2)).tolist()
    for row in range(stride // 2, rows, stride):
        for column in range(stride // 2, columns, stride):
            painter.setPen(inks[which[row][column]])
            text = str(ranks[row, column])
            x = rect.left() + (column + 0.5) * width - digit * len(text)
            painter.drawText(QPointF(x, rect.top() + (row + 0.5) * height + below), text)
