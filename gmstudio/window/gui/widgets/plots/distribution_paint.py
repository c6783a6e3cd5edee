"""Painting of a discrete distribution as bars, with overlays: an outline, another model, mixture components.

Shapes: L values, K mixture components.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage, QPainter, QPen, QPolygonF

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.plots.value_axis import ProbabilityAxis, ValueAxis, quantiles

SWATCH = 10
"""Height of the strip with the grey level or colour of each value."""
RIGHT_MARGIN = 14
"""Width beside the right end of the chart, for the last label."""
MANY = 17
"""Number of values from which quantiles are marked and the view can be zoomed."""
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
BESIDE_FROM = 14.0
"""Column width from which another model has bars of its own; in narrower columns it is an outline."""
LEAST_WEIGHT = 0.005
"""Weight below which mixture components are not drawn."""
FAINT = 0.6
"""Share of the background in bars that have curves on top."""
OTHER_MODEL_SERIES = 5
_COMPONENT_SERIES = (1, 2, 3, 6, 4, 7)

Probabilities = NDArray[np.floating]


def other_model_color() -> QColor:
    """Colour of the other of two distributions."""
    return theme().series(OTHER_MODEL_SERIES)


@dataclass(frozen=True)
class Chart:
    """Contents and geometry of the chart.

    Args:
        probabilities: (L,) the bars.
        overlay: (L,) an outline in the colour of text, or None.
        other_model: (L,) distribution of another model, or None.
        components: (K, L) mixture components whose sum the bars are, or None.
        marked: the marked value, or None.
        shades: (L, 3) RGB of each value in the image.
        values: axis of the values in view.
        heights: axis of the probabilities.
        plot: rectangle of the bars.
    """

    probabilities: Probabilities
    overlay: Probabilities | None
    other_model: Probabilities | None
    components: Probabilities | None
    marked: int | None
    shades: NDArray[np.uint8]
    values: ValueAxis
    heights: ProbabilityAxis
    plot: QRectF

    @property
    def width(self) -> float:
        """Width of the column of a value."""
        return self.plot.width() / self.values.span

    @property
    def beside(self) -> bool:
        """The other model has bars beside the first model's."""
        return self.other_model is not None and self.width >= BESIDE_FROM

    def x(self, value: float) -> float:
        """X coordinate of a point of the value axis."""
        return self.plot.left() + self.values.share(value) * self.plot.width()

    def column(self, value: int) -> QRectF:
        """Column of a value, from the axis to the top."""
        return QRectF(self.x(value), self.plot.top(), self.width, self.plot.height())

    def tops(self, probabilities: Probabilities) -> list[float]:
        """Y coordinates of the upper ends of bars."""
        return (self.plot.bottom() - self.heights.heights(probabilities) * self.plot.height()).tolist()  # type: ignore[no-any-return]

    def bars(self, probabilities: Probabilities, part: int, parts: int) -> list[QRectF]:
        """Bars of the visible values, in one of several parts of each column, side by side."""
        visible = self.values.visible()
        gap = min(8.0, self.width * 0.12) if self.width >= 5 else 0.0
        width = (self.width - 2 * gap) / parts
        tops = self.tops(probabilities[visible.start : visible.stop])
        bottom = self.plot.bottom()
        return [
            QRectF(self.x(value) + gap + part * width, top, width, bottom - top)
            for value, top in zip(visible, tops, strict=True)
        ]


def paint_chart(painter: QPainter, chart: Chart, font_width: int) -> None:
    """Paint everything except the marks of pointer and keyboard.

    Args:
        painter: of the widget.
        chart: what to paint.
        font_width: width of the widest label of the value axis.
    """
    _paint_axis(painter, chart)
    painter.save()
    painter.setClipRect(chart.plot.adjusted(0, -SWATCH - 40, 0, SWATCH + 4))
    _paint_bars(painter, chart)
    _paint_swatches(painter, chart)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if chart.components is not None:
        _paint_components(painter, chart, chart.components)
    if chart.other_model is not None and not chart.beside:
        _paint_outline(painter, chart, chart.other_model, other_model_color())
    if chart.overlay is not None:
        _paint_outline(painter, chart, chart.overlay, theme().color("text"))
    if chart.values.levels >= MANY:
        _paint_quantiles(painter, chart)
        _paint_cut(painter, chart)
    painter.restore()
    _paint_values(painter, chart, font_width)
    if not chart.values.is_whole:
        _paint_part_in_view(painter, chart)


def _paint_axis(painter: QPainter, chart: Chart) -> None:
    plot = chart.plot
    flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
    for share, text in chart.heights.ticks():
        y = plot.bottom() - share * plot.height()
        painter.setPen(theme().color("border" if share == 0 else "grid"))
        painter.drawLine(QPointF(plot.left(), y), QPointF(plot.right(), y))
        painter.setPen(theme().color("muted"))
        painter.drawText(QRectF(0, y - 10, plot.left() - 6, 20), flags, text)


def _paint_bars(painter: QPainter, chart: Chart) -> None:
    parts = 2 if chart.beside else 1
    bars = chart.bars(chart.probabilities, 0, parts)
    painter.setPen(Qt.PenStyle.NoPen)
    faint = chart.components is not None  # curves are to be seen before the bars
    painter.setBrush(theme().blend("accent", "window", FAINT) if faint else theme().color("accent"))
    painter.drawRects(bars)
    if chart.beside and chart.other_model is not None:
        rivals = chart.bars(chart.other_model, 1, parts)
        painter.setBrush(other_model_color())
        painter.drawRects(rivals)
        _paint_numbers(painter, chart, chart.other_model, rivals, chart.width / 2)
        _paint_numbers(painter, chart, chart.probabilities, bars, chart.width / 2)
        return
    if chart.marked is not None and chart.marked in chart.values.visible() and chart.other_model is None:
        painter.setBrush(theme().color("mark"))
        painter.drawRect(bars[chart.marked - chart.values.visible().start])
    _paint_numbers(painter, chart, chart.probabilities, bars, chart.width)


def _paint_numbers(
    painter: QPainter, chart: Chart, probabilities: Probabilities, bars: list[QRectF], width: float
) -> None:
    """Draw each probability above its bar, where there is room."""
    metrics = painter.fontMetrics()
    fitting = [text for text in ("0.000", "0.00", ".00") if metrics.horizontalAdvance(text) + 2 <= width]
    if not fitting or chart.components is not None:
        return
    visible = chart.values.visible()
    tops = [bar.top() for bar in bars]
    if chart.overlay is not None:
        tops = np.minimum(tops, chart.tops(chart.overlay[visible.start : visible.stop])).tolist()
    painter.setPen(theme().color("text"))
    for value, bar, top in zip(visible, bars, tops, strict=True):
        text = short_number(float(probabilities[value]), fitting[0])
        label = QRectF(bar.center().x() - width / 2, top - metrics.height() - 1, width, metrics.height())
        painter.drawText(label, Qt.AlignmentFlag.AlignCenter, text)


def short_number(p: float, like: str) -> str:
    """Format a probability with as many digits as in ``like``: ``0.000``, ``0.00`` or ``.00``."""
    decimals = len(like.partition(".")[2])
    text = f"{p:.{decimals}f}"
    if like.startswith("."):
        return text[1:] if 0.005 <= p < 0.995 else "1" if p >= 0.995 else ""
    return f"<{10**-decimals:g}" if 0 < p < 0.5 * 10**-decimals else text


def _paint_outline(painter: QPainter, chart: Chart, probabilities: Probabilities, color: QColor) -> None:
    visible = chart.values.visible()
    points = [QPointF(chart.x(visible.start), chart.plot.bottom())]
    for value, y in zip(visible, chart.tops(probabilities[visible.start : visible.stop]), strict=True):
        points += [QPointF(chart.x(value), y), QPointF(chart.x(value + 1), y)]
    points.append(QPointF(chart.x(visible.stop), chart.plot.bottom()))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(color, 1.75))
    painter.drawPolyline(QPolygonF(points))


def heaviest_components(components: Probabilities) -> list[int]:
    """Indices of the components of sufficient weight, the heaviest first."""
    weights = components.sum(axis=1)
    return [int(k) for k in np.argsort(-weights) if weights[k] >= LEAST_WEIGHT]


def _component_pen(rank: int) -> QPen:
    """Pen of the component with a rank by weight; dashed where the colours repeat."""
    again = rank >= len(_COMPONENT_SERIES)
    style = Qt.PenStyle.DashLine if again else Qt.PenStyle.SolidLine
    return QPen(theme().series(_COMPONENT_SERIES[rank % len(_COMPONENT_SERIES)]), 1.5, style)


def _paint_components(painter: QPainter, chart: Chart, components: Probabilities) -> None:
    """Draw a curve through the centres of the values for each component of sufficient weight."""
    visible = chart.values.visible()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for rank, k in enumerate(heaviest_components(components)):
        tops = chart.tops(components[k, visible.start : visible.stop])
        points = [QPointF(chart.x(value + 0.5), y) for value, y in zip(visible, tops, strict=True)]
        painter.setPen(_component_pen(rank))
        painter.drawPolyline(QPolygonF(points))
    _paint_component_legend(painter, chart, components)


def _paint_component_legend(painter: QPainter, chart: Chart, components: Probabilities) -> None:
    """List the weights of the components with their lines, in the upper corner away from the median."""
    metrics, plot = painter.fontMetrics(), chart.plot
    texts = [f"{components[k].sum():.0%}" for k in heaviest_components(components)]
    dash, gap, title = 14.0, 8.0, "mixture weights"
    width = max(metrics.horizontalAdvance("100%") + dash + 4 + gap, 1.0)
    per_row = max(1, int((plot.width() / 2 - gap) / width))
    rows = -(-len(texts) // per_row)
    wide = max(min(len(texts), per_row) * width, metrics.horizontalAdvance(title)) + gap
    (median,) = quantiles(chart.probabilities, (0.5,))
    left = plot.left() + 4 if chart.x(median + 0.5) > plot.center().x() else plot.right() - wide - 4
    ground = theme().color("window")
    ground.setAlpha(215)
    painter.fillRect(QRectF(left, plot.top() + 2, wide, (rows + 1) * metrics.height() + 4), ground)
    painter.setPen(theme().color("muted"))
    painter.drawText(QPointF(left + gap / 2, plot.top() + 2 + metrics.ascent()), title)
    for rank, text in enumerate(texts):
        x = left + gap / 2 + (rank % per_row) * width
        y = plot.top() + 2 + (rank // per_row + 1) * metrics.height()
        painter.setPen(_component_pen(rank))
        painter.drawLine(QLineF(x, y + metrics.height() / 2, x + dash, y + metrics.height() / 2))
        painter.setPen(theme().color("text"))
        painter.drawText(QPointF(x + dash + 4, y + metrics.ascent()), text)


def _paint_quantiles(painter: QPainter, chart: Chart) -> None:
    """Draw a box plot above the bars: line from P5 to P95, box from P25 to P75, stroke at the median."""
    low, lower, median, upper, high = (chart.x(value + 0.5) for value in quantiles(chart.probabilities, SHARES))
    y = chart.plot.top() - 6
    painter.setPen(QPen(theme().color("muted"), 1.5))
    painter.drawLines([QLineF(low, y, high, y), QLineF(low, y - 3, low, y + 3), QLineF(high, y - 3, high, y + 3)])
    painter.setPen(QPen(theme().color("muted"), 1))
    painter.setBrush(theme().color("raised"))
    painter.drawRect(QRectF(lower, y - 3.5, max(2.0, upper - lower), 7))
    painter.setPen(QPen(theme().color("mark"), 2.5))
    painter.drawLine(QLineF(median, y - 4.5, median, y + 4.5))


def _paint_cut(painter: QPainter, chart: Chart) -> None:
    """Label the probabilities of the first and last value, where their bars are cut off."""
    plot, visible = chart.plot, chart.values.visible()
    painter.setPen(theme().color("text"))
    for value, flag in ((0, Qt.AlignmentFlag.AlignLeft), (chart.values.levels - 1, Qt.AlignmentFlag.AlignRight)):
        p = float(chart.probabilities[value])
        if value in visible and p > chart.heights.top:
            beside = plot.adjusted(chart.width + 4, 1, -chart.width - 4, 0)
            painter.drawText(beside, flag | Qt.AlignmentFlag.AlignTop, f"↑ {value}: {p:.3g}")


def _paint_swatches(painter: QPainter, chart: Chart) -> None:
    plot, visible = chart.plot, chart.values.visible()
    row = np.full((1, len(visible), 4), 255, np.uint8)
    row[0, :, :3] = chart.shades[visible.start : visible.stop, ::-1]
    image = QImage(row.data, len(visible), 1, len(visible) * 4, QImage.Format.Format_RGB32)
    left, right = chart.x(visible.start), chart.x(visible.stop)
    painter.drawImage(QRectF(left, plot.bottom() + 3, right - left, SWATCH), image)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(theme().color("border"))
    painter.drawRect(QRectF(plot.left(), plot.bottom() + 3, plot.width(), SWATCH))


def value_labels(chart: Chart, metrics: QFontMetrics, font_width: int) -> list[tuple[QRectF, int]]:
    """Boxes of the labels of round values under the swatches; none overlap, and none leave the chart.

    Args:
        chart: what is painted.
        metrics: of the font.
        font_width: width of the widest label.
    """
    plot, labels = chart.plot, []
    for value in chart.values.ticks(int(plot.width() / (font_width + 8))):
        center, half = chart.x(value + 0.5), metrics.horizontalAdvance(str(value)) / 2
        if plot.left() <= center <= plot.right():
            left = min(center, plot.right() + RIGHT_MARGIN - half) - half
            labels.append((QRectF(left, plot.bottom() + SWATCH + 5, 2 * half, metrics.height()), value))
    return labels


def _paint_values(painter: QPainter, chart: Chart, font_width: int) -> None:
    """Label round values under the swatches."""
    plot = chart.plot
    painter.setPen(theme().color("muted"))
    flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip
    for box, value in value_labels(chart, painter.fontMetrics(), font_width):
        center = chart.x(value + 0.5)
        if chart.width < font_width:
            painter.drawLine(QLineF(center, plot.bottom() + SWATCH + 3, center, plot.bottom() + SWATCH + 6))
        painter.drawText(box, flags, str(value))


def _paint_part_in_view(painter: QPainter, chart: Chart) -> None:
    """Draw a line under the labels that marks the view among all values."""
    plot, values = chart.plot, chart.values
    y = plot.bottom() + SWATCH + painter.fontMetrics().height() + 8
    painter.setPen(QPen(theme().color("border"), 1))
    painter.drawLine(QLineF(plot.left(), y, plot.right(), y))
    ends = (plot.left() + end / values.levels * plot.width() for end in (values.low, values.high))
    painter.setPen(QPen(theme().color("accent"), 3))
    painter.drawLine(QLineF(next(ends), y, next(ends), y))
