"""All tiles as one picture: pixels at any scale, or SVG, each plane below its title."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QIODevice, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from gmstudio.media.embedding import svg_with_texts
from gmstudio.window.gui.panels.plane.tile_view import TileFrame
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.plane.plane_export import paint_plane

LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def pictures_size(frames: Sequence[TileFrame], caption: str = "") -> QSize:
    """Size of the picture of tiles as they stand on the screen, with a line for a caption."""
    area = QRect()
    for frame in frames:
        area = area.united(frame.geometry())
    return QSize(area.width(), area.height() + (_line(frames) if caption else 0))


def tiles_image(frames: Sequence[TileFrame], scale: float, caption: str = "") -> QImage:
    """Picture of tiles.

    Args:
        frames: the tiles, at least one.
        scale: pixels for each of the screen.
        caption: line above them; empty: none.
    """
    image = QImage(pictures_size(frames, caption) * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    image.fill(theme().color("window"))
    painter = QPainter(image)
    _paint(frames, painter, caption, vector=False)
    painter.end()
    image.setDevicePixelRatio(1.0)
    return image


def tiles_svg(frames: Sequence[TileFrame], texts: Mapping[str, str]) -> bytes:
    """SVG of tiles, with texts in its description."""
    buffer, generator, size = QBuffer(), QSvgGenerator(QSvgGenerator.SvgVersion.Svg11), pictures_size(frames)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator.setOutputDevice(buffer)
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    generator.setTitle(", ".join(frame.title.words for frame in frames))
    generator.setDescription("\n".join(f"{keyword}: {text}" for keyword, text in texts.items()))
    painter = QPainter(generator)
    painter.fillRect(QRectF(0, 0, size.width(), size.height()), theme().color("window"))
    _paint(frames, painter, "", vector=True)
    painter.end()
    return svg_with_texts(bytes(buffer.data().data()), texts)


def pixels_of(image: QImage) -> NDArray[np.uint8]:
    """Pixels of a picture, (3, H, W) uint8."""
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    pixels = rows[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _line(frames: Sequence[TileFrame]) -> int:
    return frames[0].fontMetrics().height() + GRID


def _paint(frames: Sequence[TileFrame], painter: QPainter, caption: str, *, vector: bool) -> None:
    corner = QPointF(min(frame.x() for frame in frames), min(frame.y() for frame in frames))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(frames[0].font())
    if caption:
        line = _line(frames)
        painter.setPen(theme().color("text"))
        painter.drawText(QRectF(GRID, 0, pictures_size(frames).width(), line), LEFT, caption)
        corner -= QPointF(0, line)
    for frame in frames:
        painter.save()
        painter.translate(QPointF(frame.pos()) - corner)
        _paint_title(frame, painter)
        painter.translate(frame.canvas.pos())
        paint_plane(frame.canvas, painter, vector=vector)
        painter.restore()


def _paint_title(frame: TileFrame, painter: QPainter) -> None:
    room = QRectF(frame.title.geometry())
    bold = QFont(frame.font())
    bold.setBold(True)
    painter.setFont(bold)
    painter.setPen(theme().color("text"))
    painter.drawText(room.adjusted(0, 0, GRID, 0), LEFT, frame.title.words)
    painter.setFont(frame.font())
    painter.setPen(theme().color("muted"))
    painter.drawText(QRectF(frame.badge.geometry()), RIGHT, frame.badge.text())
