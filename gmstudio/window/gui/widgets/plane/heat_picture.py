"""Colours of the maps of a plane."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from gmstudio.protocol.plane_layers import Heat
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.overlays import diverging_table
from gmstudio.window.gui.widgets.images.heat import heat_table
from gmstudio.window.gui.widgets.plane.contours import contour_levels, contour_segments

Floats = NDArray[np.float64]


def colour_table(scale: str) -> NDArray[np.uint8]:
    """Colours of a scale in the present theme, (256, 3) RGB; the lowest value is closest to the ground.

    Args:
        scale: ``heat``, ``diverging`` or ``shade``.
    """
    if scale == "diverging":
        return diverging_table()
    if scale == "shade":
        low, high = _rgb(theme().color("base")), _rgb(theme().blend("muted", "base", 0.35))
        shades = low + np.linspace(0.0, 1.0, 256)[:, None] * (high - low)
        return shades.round().astype(np.uint8)
    if theme().dark:
        return heat_table()
    table = heat_table()[::-1].astype(np.float64)
    share = np.linspace(1.0, 0.0, 256)[:, None].clip(0.75, 1.0) * 4 - 3  # from the ground of the window on
    colours = share * _rgb(theme().color("base")) + (1 - share) * table
    return colours.round().astype(np.uint8)


def heat_top(heat: Heat) -> float:
    """Value of the strongest colour."""
    if heat.top or heat.low:  # 0 can be the top of logarithms
        return heat.top
    values = np.abs(heat.values.numpy())
    known = values[np.isfinite(values)]
    return float(known.max(initial=0.0)) or 1.0


def heat_image(heat: Heat) -> QImage:
    """Picture of a map, one pixel a cell, its first row at the bottom."""
    values, top = heat.values.numpy(), heat_top(heat)
    low = -top if heat.scale == "diverging" else heat.low
    share = (values - low) / (top - low)
    missing = ~np.isfinite(values)
    index = (np.where(missing, 0.0, share).clip(0.0, 1.0) * 255).round().astype(np.uint8)
    table = np.full((257, 4), 255, np.uint8)
    table[:256, :3] = colour_table(heat.scale)[:, ::-1]
    table[256, :3] = _rgb(theme().color("border"))[::-1]
    places = np.where(missing, np.int16(256), index) if missing.any() else index
    bgra = np.ascontiguousarray(table[places][::-1])
    rows, columns, _ = bgra.shape
    return QImage(bgra.data, columns, rows, columns * 4, QImage.Format.Format_RGB32).copy()


def contour_lines(heat: Heat) -> Floats:
    """Segments of all contour lines, (S, 2, 2): x and y of two ends in units of the axes."""
    return _contour_lines(heat.values.data, heat.values.dtype, heat.values.shape, heat.extent, heat.contours)


@lru_cache(maxsize=16)
def _contour_lines(
    data: bytes, dtype: str, shape: tuple[int, int], extent: tuple[float, float, float, float], count: int
) -> Floats:
    values = np.frombuffer(data, dtype=dtype).reshape(shape)
    found = [contour_segments(values, level) for level in contour_levels(values, count)]
    segments = np.concatenate([np.zeros((0, 2, 2)), *found])
    left, right, bottom, top = extent
    rows, columns = shape
    segments[..., 0] = left + (segments[..., 0] + 0.5) * (right - left) / columns
    segments[..., 1] = bottom + (segments[..., 1] + 0.5) * (top - bottom) / rows
    return segments


def heat_value(heat: Heat, x: float, y: float) -> float | None:
    """Value of the cell at a point; None outside and where there is no value."""
    values = heat.values.numpy()
    left, right, bottom, top = heat.extent
    column = int(np.floor((x - left) / (right - left) * values.shape[1]))
    row = int(np.floor((y - bottom) / (top - bottom) * values.shape[0]))
    if not (0 <= row < values.shape[0] and 0 <= column < values.shape[1]):
        return None
    value = float(values[row, column])
    return value if np.isfinite(value) else None


def _rgb(color: QColor) -> Floats:
    return np.array([color.red(), color.green(), color.blue()], np.float64)
