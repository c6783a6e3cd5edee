"""Images of a map drawn at their points: which of them have room, and their pictures.

One image is drawn for each cell of a grid that is fixed to the plane, so that the same ones stay while the view moves.
"""

import math
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from gmstudio.media.levels import to_display
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.grid import to_qimage

SPRITE_PX = 36
"""Longer side of an image on the map, about."""
MAX_VISIBLE = 400
"""Visible points up to which images are drawn."""
KEPT_BYTES = 192 << 20


class MapSprites:
    """Pictures of images by their numbers; the least recently shown are dropped.

    Args:
        limit_bytes: of all pictures.
    """

    def __init__(self, limit_bytes: int = KEPT_BYTES) -> None:
        self._pictures: OrderedDict[int, QImage] = OrderedDict()
        self._bytes, self._limit = 0, limit_bytes

    def __contains__(self, index: int) -> bool:
        return index in self._pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def clear(self) -> None:
        """Drop all pictures."""
        self._pictures.clear()
        self._bytes = 0

    def add(self, indices: NDArray[np.int64], images: NDArray[Any], levels: int) -> None:
        """Keep pictures of images.

        Args:
            indices: (n,) their numbers.
            images: (n, C, H, W) levels.
            levels: number of levels.
        """
        shown = to_display(images, levels)
        for index, image in zip(indices.tolist(), shown, strict=True):
            old = self._pictures.pop(index, None)
            self._bytes -= 0 if old is None else old.sizeInBytes()
            picture = to_qimage(np.ascontiguousarray(image))
            self._pictures[index] = picture
            self._bytes += picture.sizeInBytes()
        while self._bytes > self._limit and len(self._pictures) > 1:
            _, dropped = self._pictures.popitem(last=False)
            self._bytes -= dropped.sizeInBytes()

    def picture(self, index: int) -> QImage | None:
        """Return the picture of an image; None where it is not known."""
        found = self._pictures.get(index)
        if found is not None:
            self._pictures.move_to_end(index)
        return found


def placed_sprites(
    places: NDArray[np.float32], visible: NDArray[np.int64], scale: float, size: float
) -> NDArray[np.int64]:
    """Choose the images that are drawn: the one nearest to the middle of each cell, which has room for an image.

    Args:
        places: (N, 2) coordinates of all points.
        visible: (n,) numbers of the visible ones.
        scale: pixels per unit.
        size: of an image, pixels.

    Returns:
        Numbers of the chosen points.
    """
    if not len(visible):
        return visible
    side = 2.0 ** math.ceil(math.log2(size / scale))
    where = places[visible].astype(np.float64) / side
    cells = np.floor(where)
    off_centre = np.square(where - cells - 0.5).sum(1)
    order = np.argsort(off_centre, kind="stable")
    _, first = np.unique(cells[order], axis=0, return_index=True)
    return np.sort(visible[order[first]])


def sprite_size(height: int, width: int, ratio: float) -> QSizeF:
    """Return the size of an image on the map: whole multiples of its pixels where it is small.

    Args:
        height: rows of the image.
        width: its columns.
        ratio: pixels of the screen for each of the widget.
    """
    longer = max(height, width, 1)
    scale = (
        max(1, round(SPRITE_PX * ratio / longer)) / ratio if longer <= 1.5 * SPRITE_PX * ratio else SPRITE_PX / longer
    )
    return QSizeF(width * scale, height * scale)


def paint_sprite(painter: QPainter, picture: QImage, x: float, y: float, size: QSizeF, colour: QColor) -> None:
    """Paint an image about a pixel, in a frame of a colour and a line that separates it from its neighbours."""
    area = QRectF(round(x - size.width() / 2), round(y - size.height() / 2), size.width(), size.height())
    painter.fillRect(area.adjusted(-2, -2, 2, 2), theme().color("base"))
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, size.width() < picture.width())
    painter.drawImage(area, picture)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 1))
    painter.drawRect(area.adjusted(-0.5, -0.5, 0.5, 0.5))
