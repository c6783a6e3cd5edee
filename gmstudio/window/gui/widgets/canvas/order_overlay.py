"""Generation order drawn over an image: arrows along the path, or the rank of each pixel."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QWidget

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.background import blank_pixmap

OrderMode = Literal["off", "arrows", "ranks"]
MODES: tuple[OrderMode, ...] = ("off", "arrows", "ranks")
HEAD_EVERY, HEAD_EVERY_SMALL = 56.0, 120.0
"""Approximate length of path between two arrow heads, in screen pixels."""
_SMALL = 32.0
MOST_JUMPS = 8
"""Number of moves drawn of a path that jumps: all of them would be illegible."""
_SMALLEST_FONT, _LARGEST_FONT = 8, 22
_DARK, _LIGHT = QColor("#101214"), QColor("#f4f6f8")


@dataclass(frozen=True, eq=False)
class OrderPath:
    """Order of pixels.

    Args:
        path: (P, 2) rows and columns in sequence.
        at: index of the next pixel; P at the end.
    """

    path: NDArray[np.int64]
    at: int

    @classmethod
    def of_ranks(cls, ranks: NDArray[np.integer]) -> "OrderPath":
        """Order given by ranks (H, W) from 0; no pixel is next."""
        flat = np.argsort(ranks, axis=None)
        return cls(np.stack(np.unravel_index(flat, ranks.shape), axis=1), 0)

    @cached_property
    def jumps(self) -> bool:
        """Most moves lead further than to a neighbour."""
        moves = np.abs(np.diff(self.path, axis=0)).max(axis=1, initial=0)
        return bool(2 * np.count_nonzero(moves <= 2) < moves.size)


def paint_arrows(painter: QPainter, rect: QRectF, shape: tuple[int, int], order: OrderPath) -> None:
    """Draw the path with arrow heads at a legible distance; of a path that jumps, the next moves only.

    Args:
        painter: antialiased.
        rect: rectangle of the whole image.
        shape: (H, W).
        order: order to draw.
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
    """Paint a triangle in the middle of a line, pointing along it."""
    length = math.hypot(end.x() - start.x(), end.y() - start.y()) or 1.0
    along = QPointF((end.x() - start.x()) / length, (end.y() - start.y()) / length)
    across = QPointF(-along.y(), along.x())
    tip = (start + end) / 2 + along * size
    heads.moveTo(tip)
    heads.lineTo(tip - along * (2 * size) + across * size)
    heads.lineTo(tip - along * (2 * size) - across * size)
    heads.closeSubpath()


def rank_font_and_stride(cell: QRectF, largest: int, family: QFont) -> tuple[QFont, int]:
    """Font in which ranks fit into a pixel, and the stride of labelled pixels where no font fits."""
    digits = "0" * len(str(largest))
    font = QFont(family)
    for size in range(_LARGEST_FONT, _SMALLEST_FONT - 1, -1):
        font.setPixelSize(size)
        metrics = QFontMetricsF(font)
        wide, high = metrics.horizontalAdvance(digits) + 2, metrics.capHeight() + 4
        if wide <= cell.width() and high <= cell.height():
            return font, 1
    return font, max(math.ceil(wide / cell.width()), math.ceil(high / cell.height()))


class ArrowMap:
    """Cache of the arrows along the whole path as a picture, painted once per order, size and theme."""

    def __init__(self) -> None:
        self._pixmap = QPixmap()
        self._key: tuple[float | bool, ...] = ()
        self._path: NDArray[np.int64] | None = None

    def pixmap(self, device: QWidget, size: QSizeF, shape: tuple[int, int], order: OrderPath) -> QPixmap:
        """Picture of ``paint_arrows`` for an order of (H, W) pixels, in a size for ``device``."""
        key = (size.width(), size.height(), device.devicePixelRatioF(), theme().dark)
        if self._key != key or self._path is not order.path:
            self._key, self._path = key, order.path
            self._pixmap = blank_pixmap(device, size)
            painter = QPainter(self._pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_arrows(painter, QRectF(0, 0, size.width(), size.height()), shape, order)
            painter.end()
        return self._pixmap


class RankMap:
    """Cache of the ranks of all pixels as a picture: only ranks whose number or colour changed are drawn again.

    Drawing hundreds of numbers takes longer than a frame; from one step to the next, few of them change.
    """

    def __init__(self) -> None:
        self._pixmap = QPixmap()
        self._key: tuple[object, ...] = ()
        self._written: NDArray[np.int64] = np.zeros((0, 0, 2), np.int64)

    def pixmap(
        self, device: QWidget, size: QSizeF, ranks: NDArray[np.integer], brightness: NDArray[np.floating]
    ) -> QPixmap:
        """Picture of the ranks; where they do not fit, only in pixels at regular distances.

        Args:
            device: widget that shows the picture; its font is used.
            size: size of the whole image.
            ranks: (H, W).
            brightness: (H, W) 0 … 1 of the pixels; NaN for the background.
        """
        colours = np.where(np.isnan(brightness), 0, np.where(brightness > 0.5, 1, 2))
        wanted = np.stack([ranks, colours], axis=2)
        family = device.font()
        key = (size, device.devicePixelRatioF(), theme().dark, family.key(), ranks.shape, int(ranks.max()))
        fresh = key != self._key
        if fresh:
            self._key, self._pixmap = key, blank_pixmap(device, size)
        changed = np.ones(ranks.shape, np.bool_) if fresh else (wanted != self._written).any(axis=2)
        self._written = wanted
        if changed.any():
            self._write(changed, family, clears=not fresh)
        return self._pixmap

    def _write(self, changed: NDArray[np.bool_], family: QFont, *, clears: bool) -> None:
        (rows, columns), size = changed.shape, self._pixmap.deviceIndependentSize()
        cell = QRectF(0, 0, size.width() / columns, size.height() / rows)
        font, stride = rank_font_and_stride(cell, int(self._written[..., 0].max()), family)
        metrics = QFontMetricsF(font)
        digit, below = metrics.horizontalAdvance("0") / 2, metrics.capHeight() / 2
        colours = (theme().color("text"), _DARK, _LIGHT)
        painter = QPainter(self._pixmap)
        painter.setFont(font)
        shown = np.zeros_like(changed)
        shown[stride // 2 :: stride, stride // 2 :: stride] = True
        around = QRectF(0, 0, cell.width() * stride, cell.height() * stride)
        for row, column in np.argwhere(changed & shown).tolist():
            rank, colour = self._written[row, column].tolist()
            middle = QPointF((column + 0.5) * cell.width(), (row + 0.5) * cell.height())
            if clears:
                around.moveCenter(middle)
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
                painter.fillRect(around, Qt.GlobalColor.transparent)
                painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
            painter.setPen(colours[colour])
            text = str(rank)
            painter.drawText(middle + QPointF(-digit * len(text), below), text)
        painter.end()
