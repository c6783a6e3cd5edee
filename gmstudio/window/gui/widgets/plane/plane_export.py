"""A plane as a picture: pixels at any scale, or SVG with vector axes and layers."""

from collections.abc import Mapping

from PySide6.QtCore import QBuffer, QByteArray, QRectF, QSize
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgGenerator

from gmstudio.media.embedding import svg_with_texts
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plane.layer_paint import LayerPainter
from gmstudio.window.gui.widgets.plane.plane_frame import FramePainter, legend_entries
from gmstudio.window.gui.widgets.plane.plane_surface import PlaneSurface


def plane_image(surface: PlaneSurface, scale: float = 1.0) -> QImage:
    """Picture of what a plane shows, without focus and pointer.

    Args:
        surface: the plane.
        scale: pixels of the picture for a pixel of the widget.
    """
    size = surface.size()
    image = QImage(size * scale, QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(scale)
    painter = QPainter(image)
    painter.setFont(surface.font())
    paint_plane(surface, painter, vector=False)
    painter.end()
    return image


def plane_svg(surface: PlaneSurface, texts: Mapping[str, str] | None = None) -> bytes:
    """SVG of what a plane shows: axes, points, lines and text as vectors, maps as embedded pictures.

    Args:
        surface: the plane.
        texts: keywords and texts of its description, for example its provenance.
    """
    data = QByteArray()
    buffer = QBuffer(data)
    generator = QSvgGenerator(QSvgGenerator.SvgVersion.Svg11)
    generator.setOutputDevice(buffer)
    size = QSize(surface.width(), surface.height())
    generator.setSize(size)
    generator.setViewBox(QRectF(0, 0, size.width(), size.height()))
    generator.setTitle(surface.accessibleName())
    generator.setDescription("\n".join(f"{keyword}: {text}" for keyword, text in (texts or {}).items()))
    painter = QPainter(generator)
    painter.setFont(surface.font())
    paint_plane(surface, painter, vector=True)
    painter.end()
    return svg_with_texts(bytes(data.data()), texts or {})


def paint_plane(surface: PlaneSurface, painter: QPainter, *, vector: bool) -> None:
    """Paint what a plane shows at the origin of a painter, in the size of its widget.

    Args:
        surface: the plane.
        painter: its font is used.
        vector: points and lines are painted as vectors.
    """
    mapping = surface.mapping
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillRect(surface.rect(), theme().color("window"))
    painter.setClipRect(mapping.area)
    surface.paint_heats(painter, mapping)
    layers = LayerPainter(painter, mapping, vector=vector)
    layers.paint(surface.layers)
    layers.paint_profiles(surface.layers)
    surface.paint_hands(painter, mapping)
    painter.setClipping(False)
    frame = FramePainter(painter, mapping, surface.axes)
    frame.paint_axes(surface.width(), "")
    frame.paint_legend(legend_entries(surface.layers), surface.width())
