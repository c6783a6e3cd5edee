"""Forms in which pictures and plots are saved and copied: exact pixels of images, pictures, vector graphics, tables."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QPoint, QRect, QSize, QSizeF
from PySide6.QtGui import QImage, QPageSize, QPainter, QPdfWriter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QWidget

from gmstudio.media.csv_text import csv_text
from gmstudio.media.embedding import svg_with_texts, xmp_of
from gmstudio.media.levels import to_display
from gmstudio.media.provenance import comment_lines
from gmstudio.media.sheets import sheet
from gmstudio.media.writing import put_in_place
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.drawing_canvas import DrawingCanvas
from gmstudio.window.gui.widgets.canvas.map_canvas import MapCanvas
from gmstudio.window.gui.widgets.canvas.pixel_canvas import PixelCanvas
from gmstudio.window.gui.widgets.images.contact_sheet import ContactSheet
from gmstudio.window.gui.widgets.images.cost_map import CostMap
from gmstudio.window.gui.widgets.images.grid import ImageGrid, to_qimage
from gmstudio.window.gui.widgets.images.live_image import LiveImage
from gmstudio.window.gui.widgets.images.model_card import ModelCardView
from gmstudio.window.gui.widgets.images.picture_comparison import PictureComparison
from gmstudio.window.gui.widgets.images.run_grid import RunGridView
from gmstudio.window.gui.widgets.plane.plane_canvas import PlaneCanvas
from gmstudio.window.gui.widgets.plane.plane_export import plane_image, plane_svg
from gmstudio.window.gui.widgets.plots.bar_figure import BarFigure
from gmstudio.window.gui.widgets.plots.cdf_strip import CdfStrip
from gmstudio.window.gui.widgets.plots.curve_line import Trace
from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot
from gmstudio.window.gui.widgets.plots.distribution_view import DistributionView
from gmstudio.window.gui.widgets.plots.grouped_bars import GroupedBars
from gmstudio.window.gui.widgets.plots.line_plot import LinePlot
from gmstudio.window.gui.widgets.plots.matrix_view import MatrixView
from gmstudio.window.gui.widgets.plots.overlaid_histograms import OverlaidHistograms
from gmstudio.window.gui.widgets.plots.rate_curve import RateCurve
from gmstudio.window.gui.widgets.plots.size_bars import SizeBars
from gmstudio.window.gui.widgets.projection.image_map import ImageMap

SIDE = 512
"""Pixels of the longer side of a saved image, about: each of its pixels becomes a square of whole pixels."""
SCREEN_DPI, POINTS = 96, 72
"""Pixels of a plain screen, and points of a page, to an inch."""
RATIO = 2.0
"""Pixels of a saved picture for each of the screen."""
KINDS = (
    CurvePlot,
    ContactSheet,
    ImageGrid,
    LiveImage,
    DrawingCanvas,
    PixelCanvas,
    MapCanvas,
    ImageMap,
    PlaneCanvas,
    DistributionView,
    BarFigure,
    GroupedBars,
    CdfStrip,
    CostMap,
    ModelCardView,
    SizeBars,
    LinePlot,
    MatrixView,
    OverlaidHistograms,
    RateCurve,
    PictureComparison,
    RunGridView,
)
"""Widgets that can be saved and copied."""
Texts = Mapping[str, str]
Write = Callable[[Path], None]


class SaveForm(NamedTuple):
    """A form in which a widget is saved or copied.

    Args:
        title: of the menu's entry.
        suffix: of the file; empty: to the clipboard.
        write: returns a function that writes the file, with these texts as metadata, and may run in a thread.
        copy: returns the picture or text for the clipboard.
    """

    title: str
    suffix: str = ""
    write: Callable[[Texts], Write] | None = None
    copy: Callable[[], QImage | str] | None = None


def savable(widget: QWidget | None, within: QWidget) -> QWidget | None:
    """Return the widget, or the nearest of its parents within another, that can be saved; None: there is none."""
    while widget is not None and widget is not within and not isinstance(widget, KINDS):
        widget = widget.parentWidget()
    return widget if isinstance(widget, KINDS) else None


def erases_by_right_button(widget: QWidget | None) -> bool:
    """Return whether the right button of the mouse draws in a widget, so that it opens no menu there."""
    return isinstance(widget, DrawingCanvas)


def forms_of(widget: QWidget, place: QPoint) -> list[SaveForm]:
    """Forms in which a widget can be saved and copied; empty where it shows nothing.

    Args:
        widget: one of ``KINDS``.
        place: position of the pointer, in the widget's coordinates.
    """
    if isinstance(widget, CurvePlot):
        return _curve_forms(widget)
    if isinstance(widget, ImageGrid):
        return _grid_forms(widget, widget.index_at(place))
    if isinstance(widget, ContactSheet):
        return _contact_forms(widget, widget.index_at(widget.viewport().mapFrom(widget, place)))
    if isinstance(widget, LiveImage | DrawingCanvas):
        image = widget.image
        if image is None:
            return []
        return _picture_forms("image", partial(enlarged, image if isinstance(widget, LiveImage) else _shown(widget)))
    if isinstance(widget, PlaneCanvas):
        return _plane_forms(widget)
    if isinstance(widget, ImageMap):
        return _map_forms(widget)
    if isinstance(widget, RunGridView):
        return _cells_forms(widget)
    if isinstance(widget, PictureComparison) and not widget.pictures:
        return []
    shown = _picture_forms("picture as shown", partial(picture_of, widget))
    if not isinstance(widget, PixelCanvas):
        return shown
    if widget.picture is None:
        return []
    picture = widget.picture
    return [*_picture_forms("image", lambda: enlarged(to_display(picture.image, picture.levels))), *shown]


def enlarged(image: NDArray[np.uint8]) -> QImage:
    """Enlarge (C, H, W) to about ``SIDE`` pixels, each pixel a square."""
    picture = to_qimage(np.ascontiguousarray(image))
    scale = max(1, round(SIDE / max(picture.width(), picture.height())))
    return picture.scaled(picture.width() * scale, picture.height() * scale)


def picture_of(widget: QWidget) -> QImage:
    """Paint a widget, with twice the pixels that it has on a plain screen."""
    size = QSize(round(widget.width() * RATIO), round(widget.height() * RATIO))
    picture = QImage(size, QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(RATIO)
    picture.fill(theme().color("window"))
    widget.render(picture)
    picture.setDevicePixelRatio(1.0)
    return picture


def svg_of(widget: QWidget, texts: Texts) -> bytes:
    """Paint a widget as vector graphics, with the texts in its description."""
    buffer, generator = QBuffer(), QSvgGenerator()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator.setOutputDevice(buffer)
    generator.setSize(widget.size())
    generator.setViewBox(QRect(QPoint(), widget.size()))
    generator.setTitle(widget.accessibleName())
    generator.setDescription("\n".join(f"{keyword}: {text}" for keyword, text in texts.items()))
    painter = QPainter(generator)
    widget.render(painter, QPoint())
    painter.end()
    return svg_with_texts(bytes(buffer.data().data()), texts)


def pdf_of(widget: QWidget, texts: Texts) -> bytes:
    """Paint a widget on the one page of a PDF, with the texts in its metadata."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(widget.accessibleName())
    writer.setDocumentXmpMetadata(xmp_of(texts))
    writer.setResolution(SCREEN_DPI)
    page = QSizeF(widget.size()) * POINTS / SCREEN_DPI
    writer.setPageSize(QPageSize(page, QPageSize.Unit.Point, "", QPageSize.SizeMatchPolicy.ExactMatch))
    writer.setPageMargins(QMarginsF())
    painter = QPainter(writer)
    widget.render(painter, QPoint())
    painter.end()
    return bytes(buffer.data().data())


def table_of(traces: list[Trace], by: str, texts: Texts) -> str:
    """Write curves as CSV, a line for each point: run, curve, split, position on the horizontal axis, value.

    Args:
        traces: the curves, unsmoothed.
        by: name of the horizontal axis.
        texts: written before the table, each in a line that begins with ``#``.
    """
    rows: list[tuple[object, ...]] = []
    for trace in traces:
        name = trace.label or (" ".join(map(str, trace.key)) if isinstance(trace.key, tuple) else str(trace.key))
        for step, value in zip(trace.steps.tolist(), (trace.values * trace.factor).tolist(), strict=True):
            rows.append((trace.owner, name, trace.split, step, repr(value)))
    return comment_lines(texts) + csv_text(("run", "curve", "split", by, "value"), rows)


def _curve_forms(plot: CurvePlot) -> list[SaveForm]:
    if not any(len(trace.steps) for trace in plot.traces):
        return []

    def svg(texts: Texts) -> Write:
        return partial(_write_bytes, svg_of(plot, texts))

    def table(texts: Texts) -> Write:
        return lambda path: _write_bytes(table_of(traces, by, texts).encode(), path)

    traces, by = plot.traces, plot.by
    return [
        SaveForm("Save curves as PNG…", "png", _png(partial(picture_of, plot))),
        SaveForm("Save curves as SVG…", "svg", svg),
        SaveForm("Save values as CSV…", "csv", table),
        SaveForm("Copy picture", copy=lambda: picture_of(plot)),
        SaveForm("Copy values as CSV", copy=lambda: table_of(traces, by, {})),
    ]


def _map_forms(shown: ImageMap) -> list[SaveForm]:
    def table(texts: Texts) -> Write:
        text = comment_lines(texts) + shown.table()
        return lambda path: _write_bytes(text.encode(), path)

    if not shown.count:
        return []
    return [
        *_picture_forms("map", partial(picture_of, shown)),
        SaveForm("Save points as CSV…", "csv", table),
        SaveForm("Copy points as CSV", copy=shown.table),
    ]


def _plane_forms(canvas: PlaneCanvas) -> list[SaveForm]:
    def svg(texts: Texts) -> Write:
        return partial(_write_bytes, plane_svg(canvas, texts))

    def picture() -> QImage:
        image = plane_image(canvas, RATIO)
        image.setDevicePixelRatio(1.0)
        return image

    if not canvas.layers:
        return []
    png, copy = _picture_forms("plane", picture)
    return [png, SaveForm("Save plane as SVG…", "svg", svg), copy]


def _cells_forms(grid: RunGridView) -> list[SaveForm]:
    def vector(draw: Callable[[QWidget, Texts], bytes]) -> Callable[[Texts], Write]:
        return lambda texts: partial(_write_bytes, draw(grid, texts))

    if not grid.cells:
        return []
    png, copy = _picture_forms("grid", partial(picture_of, grid))
    as_svg = SaveForm("Save grid as SVG…", "svg", vector(svg_of))
    as_pdf = SaveForm("Save grid as PDF…", "pdf", vector(pdf_of))
    return [png, as_svg, as_pdf, copy]


def _grid_forms(grid: ImageGrid, index: int) -> list[SaveForm]:
    if not len(grid.images):
        return []
    forms = []
    if index >= 0:
        forms = _picture_forms("this image", partial(enlarged, grid.images[index]))
    if len(grid.images) > 1:
        forms += _picture_forms("all images", partial(_sheet_of, grid.images, grid.columns))
    return forms


def _contact_forms(contact: ContactSheet, index: int) -> list[SaveForm]:
    pixels, visible = contact.pixels(index), contact.visible_pixels()
    forms = [] if pixels is None else _picture_forms("this image", partial(enlarged, pixels))
    if visible:
        forms += _picture_forms("visible images", lambda: enlarged(sheet(np.stack(visible), contact.columns)))
    return [*forms, *_picture_forms("sheet as shown", partial(picture_of, contact))] if forms else []


def _sheet_of(images: NDArray[np.uint8], columns: int) -> QImage:
    return enlarged(sheet(images, columns))


def _shown(canvas: DrawingCanvas) -> NDArray[np.uint8]:
    return to_display(canvas.image, canvas.levels)


def _picture_forms(name: str, make: Callable[[], QImage]) -> list[SaveForm]:
    return [
        SaveForm(f"Save {name} as PNG…", "png", _png(make)),
        SaveForm(f"Copy {name}", copy=lambda: make()),
    ]


def png_writer(picture: QImage, texts: Texts) -> Write:
    """Return a function that writes a picture as PNG with these texts as metadata, and may run in a thread."""
    return _png(lambda: picture)(texts)


def text_writer(make: Callable[[], str]) -> Write:
    """Return a function that writes a text, and may run in a thread where ``make`` may."""
    return lambda path: _write_bytes(make().encode(), path)


def _png(make: Callable[[], QImage]) -> Callable[[Texts], Write]:
    def prepare(texts: Texts) -> Write:
        picture = make()
        for keyword, text in texts.items():
            picture.setText(keyword, text)
        return partial(_write_png, picture)

    return prepare


def _write_png(picture: QImage, path: Path) -> None:
    data = QBuffer()
    data.open(QIODevice.OpenModeFlag.WriteOnly)
    if not picture.save(data, "PNG"):  # type: ignore[call-overload]  # the stub misses the overload without a quality
        raise ValueError(f"The picture of {picture.width():,}×{picture.height():,} pixels cannot be written as PNG.")
    _write_bytes(bytes(data.data().data()), path)


def _write_bytes(data: bytes, path: Path) -> None:
    with put_in_place(path, overwrite=True) as partial_path:
        partial_path.write_bytes(data)
