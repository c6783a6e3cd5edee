"""Plots as pictures, without a window: curves, points of the plane, densities on a line or over the plane.

Shapes: N points, L columns (x₁), R rows (x₂).
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.heat import heat_colours
from gmstudio.media.map_figure import COLOURS
from gmstudio.media.writing import put_in_place

if TYPE_CHECKING:
    from PIL import Image

SIZE, SQUARE = (900, 560), (720, 720)
LEFT, RIGHT, TOP, BELOW, FONT = 92, 24, 48, 64, 16
PAPER, INK, FAINT = (255, 255, 255), (40, 40, 40), (214, 214, 214)
TICKS = 5


class PlotCurve(NamedTuple):
    """Line of a plot: its name, and (N,) coordinates; NaN interrupts it."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]


class Axis(NamedTuple):
    """Axis: title and ends."""

    title: str
    low: float
    high: float


def curves_picture(curves: Sequence[PlotCurve], title: str, x_title: str, y_title: str) -> "Image.Image":
    """Picture of lines over a common axis, with a legend."""
    x, y = _extent([c.x for c in curves]), _extent([c.y for c in curves])
    sheet = _Sheet(SIZE, title, Axis(x_title, *x), Axis(y_title, *y))
    for number, curve in enumerate(curves):
        sheet.line(curve.x, curve.y, COLOURS[number % len(COLOURS)])
    sheet.legend([curve.name for curve in curves])
    return sheet.picture


def points_picture(points: NDArray[np.floating], title: str, axes: Sequence[Axis]) -> "Image.Image":
    """Picture of points (N, 2)."""
    sheet = _Sheet(SQUARE, title, axes[0], axes[1])
    radius = 2.5 if len(points) <= 1000 else 1.5
    for x, y in points.tolist():
        px, py = sheet.at(x, y)
        sheet.draw.ellipse((px - radius, py - radius, px + radius, py + radius), COLOURS[0])
    return sheet.picture


def density_picture(values: NDArray[np.floating], title: str, axes: Sequence[Axis]) -> "Image.Image":
    """Picture of probabilities of cells: a map of (R, L), row 0 lowest; or bars where R is 1."""
    top = float(np.nanmax(values, initial=0.0)) or 1.0
    if len(values) > 1:
        sheet = _Sheet(SQUARE, title, axes[0], axes[1])
        sheet.map(heat_colours(values[::-1], top))
        return sheet.picture
    sheet = _Sheet(SIZE, title, axes[0], Axis("p(x)", 0.0, 1.05 * top))
    edges = np.linspace(axes[0].low, axes[0].high, values.shape[1] + 1)
    for low, high, value in zip(edges, edges[1:], values[0].tolist(), strict=False):
        (left, upper), (right, lower) = sheet.at(low, value), sheet.at(high, 0.0)
        sheet.draw.rectangle((left, upper, max(right - 1, left), lower), COLOURS[0])
    return sheet.picture


def save_plot(picture: "Image.Image", path: Path, texts: Mapping[str, str]) -> None:
    """Write a picture as PNG.

    Args:
        picture: the picture.
        path: the file.
        texts: keyword → text, written into the file as metadata.

    Raises:
        OSError: when it cannot be written; a file that was there is unchanged.
    """
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    for keyword, text in texts.items():
        info.add_text(keyword, text)
    with put_in_place(path, overwrite=True) as partial:
        picture.save(partial, format="PNG", pnginfo=info)


class _Sheet:
    """Frame with ticks and titles, and the mapping from values to pixels."""

    def __init__(self, size: tuple[int, int], title: str, x: Axis, y: Axis) -> None:
        from PIL import Image, ImageDraw, ImageFont

        self.picture = Image.new("RGB", size, PAPER)
        self.draw = ImageDraw.Draw(self.picture)
        self._font = ImageFont.load_default(FONT)
        self._x, self._y = x, y
        self._box = (LEFT, TOP, size[0] - RIGHT, size[1] - BELOW)
        left, upper, right, lower = self._box
        for value in ticks(x.low, x.high):
            px, _ = self.at(value, y.low)
            self.draw.line((px, upper, px, lower), FAINT)
            self.draw.text((px, lower + 6), f"{value:g}", INK, self._font, anchor="ma")
        for value in ticks(y.low, y.high):
            _, py = self.at(x.low, value)
            self.draw.line((left, py, right, py), FAINT)
            self.draw.text((left - 6, py), f"{value:g}", INK, self._font, anchor="rm")
        self.draw.rectangle(self._box, outline=INK)
        self.draw.text((left, TOP / 2), title, INK, self._font, anchor="lm")
        self.draw.text(((left + right) / 2, lower + 34), x.title, INK, self._font, anchor="ma")
        label = Image.new("RGB", (lower - upper, 24), PAPER)
        ImageDraw.Draw(label).text(((lower - upper) / 2, 12), y.title, INK, self._font, anchor="mm")
        self.picture.paste(label.rotate(90, expand=True), (2, upper))

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixel of a place."""
        left, upper, right, lower = self._box
        across = (x - self._x.low) / (self._x.high - self._x.low)
        up = (y - self._y.low) / (self._y.high - self._y.low)
        return left + across * (right - left), lower - up * (lower - upper)

    def line(self, x: NDArray[np.float64], y: NDArray[np.float64], colour: str) -> None:
        """Draw a line, interrupted where a value is not finite."""
        there = np.isfinite(x) & np.isfinite(y)
        for part in np.split(np.arange(len(x)), np.flatnonzero(~there)):
            kept = part[there[part]]
            if len(kept) > 1:
                self.draw.line([self.at(float(x[i]), float(y[i])) for i in kept], colour, 2)

    def map(self, colours: NDArray[np.uint8]) -> None:
        """Fill the frame with the pixels of (R, L, 3), the upper row first."""
        from PIL import Image

        left, upper, right, lower = self._box
        image = Image.fromarray(np.ascontiguousarray(colours))
        self.picture.paste(image.resize((right - left, lower - upper), Image.Resampling.NEAREST), (left, upper))
        self.draw.rectangle(self._box, outline=INK)

    def legend(self, names: Sequence[str]) -> None:
        """Name the lines at the upper right."""
        right, top = self._box[2] - 10, self._box[1] + 10
        for number, name in enumerate(names):
            y = top + number * (FONT + 6) + FONT / 2
            width = self.draw.textlength(name, self._font)
            self.draw.rectangle((right - width - 38, y - FONT / 2 - 2, right + 4, y + FONT / 2 + 2), PAPER)
            self.draw.line((right - width - 34, y, right - width - 8, y), COLOURS[number % len(COLOURS)], 3)
            self.draw.text((right, y), name, INK, self._font, anchor="rm")


def ticks(low: float, high: float) -> list[float]:
    """About ``TICKS`` round numbers (1, 2 or 5 times a power of ten apart) between two ends."""
    rough = (high - low) / TICKS
    decade = 10.0 ** math.floor(math.log10(rough))
    step = next(decade * part for part in (1.0, 2.0, 5.0, 10.0) if rough <= decade * part * (1 + 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [
        round((first + i) * step, 12) for i in range(int((high - low) / step + 1e-9) + 2) if (first + i) * step <= high
    ]


def _extent(arrays: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Ends of an axis that hold all finite values, with a margin; of no width: one unit around."""
    values = np.concatenate([array[np.isfinite(array)] for array in arrays]) if arrays else np.zeros(0)
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low - 0.5, high + 0.5
    margin = 0.03 * (high - low)
    return low - margin, high + margin
