"""Heat map over an image, with its legend."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.heat import heat_table

LEGEND_HEIGHT = 34
"""Height of the scale of a heat map below the image."""
_BAR_HEIGHT = 9
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


def paint_legend(painter: QPainter, area: QRectF, overlay: HeatOverlay) -> None:
    """Paint the scale as a bar with numbers, and its legend.

    Args:
        painter: painter of the canvas.
        area: rectangle for the scale, ``LEGEND_HEIGHT`` high.
        overlay: heat map of the scale.
    """
    table = diverging_table() if overlay.diverging else heat_table()
    row = np.full((1, 256, 4), 255, np.uint8)
    row[0, :, :3] = table[:, ::-1]
    image = QImage(row.data, 256, 1, QImage.Format.Format_RGB32)
    metrics = painter.fontMetrics()
    words = metrics.horizontalAdvance(overlay.legend) + 12
    bar = QRectF(area.left() + 16, area.top() + 4, max(60.0, area.width() - 32 - words), _BAR_HEIGHT)
    painter.drawImage(bar, image)
    painter.setPen(theme().color("border"))
    painter.drawRect(bar)
    painter.setPen(theme().color("muted"))
    low = -overlay.top if overlay.diverging else 0.0
    widest = max(
        metrics.horizontalAdvance(_number(sign * overlay.top * part)) for part in (0.25, 0.5) for sign in (1, -1)
    )
    ticks = _TICKS if bar.width() / _TICKS >= widest + 8 else _FEW_TICKS
    for tick in range(ticks + 1):
        value = low + (overlay.top - low) * tick / ticks
        if np.issubdtype(overlay.values.dtype, np.integer):
            value = float(round(value))
        x = bar.left() + bar.width() * (value - low) / (overlay.top - low)
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
        painter.drawText(QRectF(x - 40, bar.bottom() + 1, 80, metrics.height()), flags, _number(value))
    beside = QRectF(bar.right() + 12, bar.center().y() - metrics.height() / 2, words, metrics.height())
    painter.drawText(beside, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, overlay.legend)


def _number(value: float) -> str:
    return (f"{value:,.0f}" if value.is_integer() else f"{value:.3g}").replace("-", "−")
