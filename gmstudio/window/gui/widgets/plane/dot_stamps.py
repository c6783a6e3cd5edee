"""Thousands of small discs as one picture: Qt takes tens of milliseconds to draw as many points."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

RIM = 127
"""Largest number in a picture of discs that stands for the rim; larger ones are of the disc."""

Floats = NDArray[np.float64]


def paint_discs(
    painter: QPainter, pixels: Floats, area: QRectF, *, size: float, rim: float, colours: tuple[QColor, QColor]
) -> None:
    """Paint discs with a rim; their centres are rounded to pixels of the device, and a disc covers others' rims.

    Args:
        painter: of a picture.
        pixels: (N, 2) centres.
        area: that is painted; discs outside are left out.
        size: diameter of the disc, pixels.
        rim: width of its rim, pixels.
        colours: of disc and rim.
    """
    ratio = painter.device().devicePixelRatioF()
    stamp = _stamp(size * ratio, rim * ratio)
    reach = len(stamp) // 2
    centres = np.floor((pixels - (area.left(), area.top())) * ratio).astype(np.int64)
    inside = (centres >= -reach).all(1) & (centres < (area.width() * ratio + reach, area.height() * ratio + reach)).all(
        1
    )
    centres = centres[inside]
    if not len(centres):
        return
    low, high = centres.min(0) - reach, centres.max(0) + reach + 1
    numbers = np.zeros((high[1] - low[1], -(-(high[0] - low[0]) // 4) * 4), np.uint8)  # lines of whole words
    flat, at = numbers.reshape(-1), (centres[:, 1] - low[1] - reach) * numbers.shape[1] + centres[:, 0] - low[0] - reach
    for row, column in zip(*np.nonzero(stamp), strict=True):
        places = at + row * numbers.shape[1] + column
        flat[places] = np.maximum(flat[places], stamp[row, column])
    image = QImage(numbers.data, numbers.shape[1], numbers.shape[0], numbers.shape[1], QImage.Format.Format_Indexed8)
    image.setColorTable(_colours(*(colour.rgba() for colour in colours)))
    image.setDevicePixelRatio(ratio)
    painter.drawImage(QPointF(area.left() + low[0] / ratio, area.top() + low[1] / ratio), image)


@lru_cache(maxsize=16)
def _stamp(size: float, rim: float) -> NDArray[np.uint8]:
    """One disc: 0 outside, to ``RIM`` by the cover of the rim, above it by the cover of the disc."""
    reach = int(np.ceil(size / 2 + rim))
    places = np.arange(-reach, reach + 1)
    distance = np.hypot(*np.meshgrid(places, places))
    outer = (size / 2 + rim + 0.5 - distance).clip(0.0, 1.0)
    inner = (size / 2 + 0.5 - distance).clip(0.0, 1.0)
    stamp: NDArray[np.uint8] = np.where(inner > 0, RIM + inner * (255 - RIM), outer * RIM).round().astype(np.uint8)
    return stamp


@lru_cache(maxsize=32)
def _colours(disc: int, rim: int) -> list[int]:
    """Colour table, from transparent over the rim to the disc."""
    inner, outer = QColor.fromRgba(disc), QColor.fromRgba(rim)
    table = []
    for number in range(256):
        if number <= RIM:
            table.append(QColor(outer.red(), outer.green(), outer.blue(), round(number / RIM * 255)).rgba())
            continue
        share = (number - RIM) / (255 - RIM)
        ends = ((outer.red(), inner.red()), (outer.green(), inner.green()), (outer.blue(), inner.blue()))
        table.append(QColor(*(round(a + share * (b - a)) for a, b in ends)).rgba())
    return table
