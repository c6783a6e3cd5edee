"""Heat map over an image, with its legend."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QTransform

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.heat import heat_table

LEGEND_HEIGHT = 34
"""Height of the scale of a heat map below the image."""
UPRIGHT_WIDTH = 72
"""Width beside the image from which the scale is drawn there."""
_BAR_SIZE = 9
_TICKS, _FEW_TICKS = 4, 2
_LOW = np.array([(8, 29, 88), (34, 94, 168), (101, 169, 214), (222, 226, 230)])
_HIGH = np.array([(222, 226, 230), (240, 160, 90), (196, 78, 20), (103, 25, 4)])
"""Diverging scale from blue through light grey, the lightest, to orange brown; distinct for colour-blind readers."""


@dataclass(frozen=True)
class HeatOverlay:
    """Heat map over an image.

    Args:
        values: (H, W); NaN where the image is visible. The scale of integers has integer ticks only.
        top: value at the right end of the scale, above 0.
        diverging: the scale ranges from −top to top, with 0 in the middle; otherwise from 0 to top.
        legend: name or unit of the values, for example ``nats``.
    """

    values: NDArray[np.floating] | NDArray[np.integer]
    top: float
    diverging: bool
    legend: str


def diverging_table() -> NDArray[np.uint8]:
    """Colour table of the diverging scale, (256, 3) RGB, lowest first."""
    anchors = np.concatenate([_LOW, _HIGH[1:]])
    at = np.linspace(0.0, len(anchors) - 1.0, 256)
    channels = [np.interp(at, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def overlay_colours(overlay: HeatOverlay) -> NDArray[np.uint8]:
    """Colours of the values of an overlay, (H, W, 3) RGB; clipped to the ends of the scale, NaN as 0."""
    share = np.nan_to_num(overlay.values / overlay.top, nan=0.0)
    if overlay.diverging:
        share = (share + 1.0) / 2.0
    table = diverging_table() if overlay.diverging else heat_table()
    colours: NDArray[np.uint8] = table[(share.clip(0.0, 1.0) * 255).round().astype(np.uint8)]
    return colours


def overlay_alpha(overlay: HeatOverlay) -> NDArray[np.float64]:
    """Opacity of the values of an overlay, (H, W), 0 … 255: transparent where there is no value.

    The map is opaque, as the shades of the image below would be mistaken for values of the scale.
    """
    alpha: NDArray[np.float64] = np.where(np.isnan(overlay.values), 0.0, 255.0)
    return alpha


def paint_scale(painter: QPainter, whole: QRectF, image: QRectF, overlay: HeatOverlay) -> None:
    """Paint the scale and its legend in the free space of a canvas, so that the image keeps its size and place.

    That is below the image or beside it; where neither is wide enough, over the last rows of the image.

    Args:
        painter: painter of the canvas.
        whole: rectangle of the canvas.
        image: rectangle of the image in it.
        overlay: heat map of the scale.
    """
    below, beside = whole.bottom() - image.bottom(), whole.right() - image.right()
    if below < LEGEND_HEIGHT and beside >= UPRIGHT_WIDTH:
        area = QRectF(image.right() + 8, image.top(), beside - 8, image.height())
        _paint_upright(painter, area, overlay)
    else:
        top = min(image.bottom() + 2, whole.bottom() - LEGEND_HEIGHT)
        _paint_level(painter, QRectF(whole.left(), top, whole.width(), LEGEND_HEIGHT), overlay)


def _bar(overlay: HeatOverlay) -> QImage:
    """Colours of the scale in a row, lowest first."""
    table = diverging_table() if overlay.diverging else heat_table()
    row = np.full((1, 256, 4), 255, np.uint8)
    row[0, :, :3] = table[:, ::-1]
    return QImage(row.data, 256, 1, QImage.Format.Format_RGB32).copy()


def _ticks(overlay: HeatOverlay, count: int) -> list[tuple[float, str]]:
    """Ticks as shares of the scale, from its lower end, and their numbers."""
    low = -overlay.top if overlay.diverging else 0.0
    values = [low + (overlay.top - low) * tick / count for tick in range(count + 1)]
    if np.issubdtype(overlay.values.dtype, np.integer):
        values = [float(round(value)) for value in values]
    return [((value - low) / (overlay.top - low), _number(value)) for value in values]


def _paint_level(painter: QPainter, area: QRectF, overlay: HeatOverlay) -> None:
    """Paint the scale from left to right, with its legend at the right end."""
    metrics = painter.fontMetrics()
    words = metrics.horizontalAdvance(overlay.legend) + 12
    bar = QRectF(area.left() + 16, area.top() + 4, max(60.0, area.width() - 32 - words), _BAR_SIZE)
    ground = theme().color("window")
    ground.setAlpha(230)
    painter.fillRect(area, ground)
    painter.drawImage(bar, _bar(overlay))
    painter.setPen(theme().color("border"))
    painter.drawRect(bar)
    painter.setPen(theme().color("muted"))
    widest = max(metrics.horizontalAdvance(text) for _, text in _ticks(overlay, _TICKS))
    for share, text in _ticks(overlay, _TICKS if bar.width() / _TICKS >= widest + 8 else _FEW_TICKS):
        x = bar.left() + bar.width() * share
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        painter.drawText(QRectF(x - 40, bar.bottom() + 1, 80, metrics.height()), flags, text)
    beside = QRectF(bar.right() + 12, bar.center().y() - metrics.height() / 2, words, metrics.height())
    painter.drawText(beside, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, overlay.legend)


def _paint_upright(painter: QPainter, area: QRectF, overlay: HeatOverlay) -> None:
    """Paint the scale from bottom to top, with its legend above."""
    metrics, align = painter.fontMetrics(), Qt.AlignmentFlag
    wrapped = align.AlignLeft | align.AlignTop | Qt.TextFlag.TextWordWrap
    legend = painter.boundingRect(area, wrapped, overlay.legend)
    top = legend.bottom() + metrics.height()
    bar = QRectF(area.left(), top, _BAR_SIZE, max(1.0, area.bottom() - metrics.height() / 2 - top))
    painter.drawImage(bar, _bar(overlay).transformed(QTransform().rotate(-90)))
    painter.setPen(theme().color("border"))
    painter.drawRect(bar)
    painter.setPen(theme().color("muted"))
    painter.drawText(area, wrapped, overlay.legend)
    for share, text in _ticks(overlay, _TICKS if bar.height() / _TICKS >= 1.5 * metrics.height() else _FEW_TICKS):
        y = bar.bottom() - bar.height() * share
        box = QRectF(bar.right() + 5, y - metrics.height() / 2, area.right() - bar.right() - 5, metrics.height())
        painter.drawText(box, align.AlignLeft | align.AlignVCenter, text)


def _number(value: float) -> str:
    return (f"{value:,.0f}" if value.is_integer() else f"{value:.3g}").replace("-", "−")
