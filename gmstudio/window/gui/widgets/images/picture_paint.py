"""Parts of a comparison of pictures that are painted: titles, sentences, and differences in colours."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.canvas.overlays import (
    LEGEND_HEIGHT,
    HeatOverlay,
    overlay_alpha,
    overlay_colours,
    paint_scale,
)
from gmstudio.window.gui.widgets.canvas.veil import argb

SWATCH = 10
SCALE_WORDS = "difference of values 0 … 255"


def paint_title(painter: QPainter, line: QRectF, colour: QColor, title: str) -> None:
    """Paint the title of a picture with its colour before it, elided to the line."""
    painter.save()
    painter.setClipRect(line)
    painter.fillRect(QRectF(line.left(), line.center().y() - SWATCH / 2, SWATCH, SWATCH), colour)
    painter.setPen(theme().color("text"))
    words = line.adjusted(SWATCH + GRID // 2, 0, 0, 0)
    text = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideRight, max(int(words.width()), 0))
    painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, text)
    painter.restore()


def paint_sentence(painter: QPainter, area: QRectF, sentence: str) -> None:
    """Paint a sentence in place of pictures."""
    painter.setPen(theme().color("muted"))
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
    painter.drawText(area.adjusted(2 * GRID, GRID, -2 * GRID, -GRID), flags, sentence)


def difference_map(values: NDArray[np.float64], top: float, *, absolute: bool) -> QImage:
    """Colours of a difference, (H, W); transparent where there is none.

    Args:
        values: the difference; NaN where there is none.
        top: upper end of the scale.
        absolute: without the sign, from 0 on; else from −top.
    """
    overlay = HeatOverlay(np.abs(values) if absolute else values, top, not absolute, "")
    return argb(overlay_colours(overlay), overlay_alpha(overlay))


def paint_difference_scale(painter: QPainter, area: QRectF, top: float, *, absolute: bool) -> None:
    """Paint the scale of differences over the last ``LEGEND_HEIGHT`` pixels of an area."""
    above = QRectF(area.left(), area.bottom() - LEGEND_HEIGHT, area.width(), 0)
    paint_scale(painter, area, above, HeatOverlay(np.zeros((1, 1)), top, not absolute, SCALE_WORDS))
