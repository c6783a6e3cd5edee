"""Parts of a comparison of pictures that are painted: titles, sentences, colours of differences and their scale."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.canvas.overlays import (
    LEGEND_HEIGHT,
    HeatOverlay,
    diverging_table,
    paint_scale,
)
from gmstudio.window.gui.widgets.images.compared_pictures import ComparedPicture
from gmstudio.window.gui.widgets.images.grid import to_qimage
from gmstudio.window.gui.widgets.images.heat import heat_table

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


def difference_table(*, absolute: bool) -> NDArray[np.uint8]:
    """Colours of differences, (256, 3) RGB: of their sizes, or from negative to positive ones."""
    return heat_table() if absolute else diverging_table()


def picture_of_colours(colours: NDArray[np.uint32]) -> QImage:
    """Picture from (H, W) colours 0xffRRGGBB."""
    height, width = colours.shape
    return QImage(np.ascontiguousarray(colours).data, width, height, width * 4, QImage.Format.Format_RGB32).copy()


def paint_difference_scale(painter: QPainter, area: QRectF, top: float, *, absolute: bool) -> None:
    """Paint the scale of differences over the last ``LEGEND_HEIGHT`` pixels of an area."""
    above = QRectF(area.left(), area.bottom() - LEGEND_HEIGHT, area.width(), 0)
    paint_scale(painter, area, above, HeatOverlay(np.zeros((1, 1)), top, not absolute, SCALE_WORDS))


def image_of(picture: ComparedPicture) -> QImage:
    """Image to be drawn; that of packed pixels shares their memory, which the picture keeps."""
    if picture.packed is None:
        return to_qimage(picture.pixels)
    height, width, _ = picture.packed.shape
    return QImage(picture.packed.data, width, height, width * 4, QImage.Format.Format_RGB32)
