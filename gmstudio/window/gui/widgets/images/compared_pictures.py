"""Pictures to be compared, their differences, and the place at which each is seen.

Shapes: C channels, H rows, W columns. Places in a picture are shares (u, v) of its width and height, so that pictures
of different sizes are seen at the same place.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor

from gmstudio.window.gui.widgets.images.heat import scale_top

TOP = 255
"""Largest value of a sub-pixel for showing."""
MAX_ZOOM = 64.0
Place = tuple[float, float]


@dataclass(frozen=True, eq=False)
class ComparedPicture:
    """One of the pictures.

    Args:
        title: line above it.
        pixels: (C, H, W) uint8, 0 … 255; C is 1 (grey) or 3 (RGB).
        colour: of its swatch.
        levels: values that a sub-pixel can take.
        inside: (H, W) bool, False on the lines between the images of a sheet, which do not count; None: all counts.
        cell: rows and columns of an image of a sheet; None: the picture is one image.
        name: short name in lists and sentences; empty: the title.
        packed: the pixels as (H, W, 4) uint8, blue, green, red and 255; None: they are converted when they are shown.
    """

    title: str
    pixels: NDArray[np.uint8]
    colour: QColor
    levels: int = TOP + 1
    inside: NDArray[np.bool_] | None = None
    cell: tuple[int, int] | None = None
    name: str = ""
    packed: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        assert self.pixels.ndim == 3 and self.pixels.shape[0] in (1, 3) and self.pixels.dtype == np.uint8
        assert self.inside is None or self.inside.shape == self.pixels.shape[1:]

    @property
    def called(self) -> str:
        """Name, or the title where there is none."""
        return self.name or self.title

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows."""
        return self.pixels.shape[2], self.pixels.shape[1]


class Reading(NamedTuple):
    """Values of a picture at a place.

    Args:
        where: row and column, within an image of a sheet also its number; empty: beside the picture or between images.
        value: of the sub-pixels; empty likewise.
    """

    where: str = ""
    value: str = ""


class Difference(NamedTuple):
    """Difference of a picture from another one.

    Args:
        values: (H, W) mean difference over the channels, −255 … 255; NaN between images; None where there is none.
        rms: root mean square over all sub-pixels of images; NaN where there is none.
        reason: why there is none, a sentence.
    """

    values: NDArray[np.float32] | None
    rms: float
    reason: str = ""


def difference(picture: ComparedPicture, other: ComparedPicture) -> Difference:
    """Subtract another picture from one, where both have the same size, channels and levels."""
    names = f"{picture.called} and {other.called}"
    if picture.pixels.shape != other.pixels.shape:
        sizes = " and ".join(_shape_text(one) for one in (picture, other))
        return Difference(None, math.nan, f"{names} have no difference: they are {sizes}, which must be equal.")
    if picture.levels != other.levels:
        levels = f"{picture.levels} and {other.levels} levels"
        return Difference(None, math.nan, f"{names} have no difference: they have {levels}, which must be equal.")
    found = picture.pixels.astype(np.int16) - other.pixels
    values = found.sum(axis=0, dtype=np.int16).astype(np.float32) / len(found)
    squares = np.einsum("chw,chw->hw", found, found, dtype=np.int32)
    masks = [one.inside for one in (picture, other) if one.inside is not None]
    if not masks:
        return Difference(values, math.sqrt(float(squares.mean()) / len(found)))
    inside = np.logical_and.reduce(masks)
    rms = math.sqrt(float(squares[inside].mean()) / len(found)) if inside.any() else math.nan
    return Difference(np.where(inside, values, np.float32(math.nan)), rms)


def _shape_text(picture: ComparedPicture) -> str:
    return f"{picture.size[0]}×{picture.size[1]} {'grey' if len(picture.pixels) == 1 else 'RGB'}"


@dataclass(frozen=True, eq=False)
class DifferenceMaps:
    """Differences of all pictures from one of them, in colours.

    Args:
        differences: of each picture; its own is zero.
        top: upper end of their common scale: 1, 2, 5, 10 and so on, at most 255.
        colours: (H, W) uint32 of each, 0xffRRGGBB; None where there is no difference.
    """

    differences: tuple[Difference, ...] = ()
    top: float = 1.0
    colours: tuple[NDArray[np.uint32] | None, ...] = ()


def difference_maps(
    pictures: Sequence[ComparedPicture], against: int, table: NDArray[np.uint8], ground: int, *, absolute: bool
) -> DifferenceMaps:
    """Subtract one picture from all; for large pictures that takes up to a second, and may run in a thread.

    Args:
        pictures: the pictures.
        against: number of the one that is subtracted.
        table: (256, 3) RGB, the colours from −top, or without the sign from 0, to top.
        ground: colour where there is no value, 0xffRRGGBB.
        absolute: without the sign.
    """
    found = tuple(difference(picture, pictures[against]) for picture in pictures)
    known = [one.values for one in found if one.values is not None]
    top = min(max((scale_top(values) for values in known), default=1.0), float(TOP))
    shades = table.astype(np.uint32)
    packed = (0xFF000000 | shades[:, 0] << 16 | shades[:, 1] << 8 | shades[:, 2]).astype(np.uint32)
    values = (one.values for one in found)
    colours = tuple(None if one is None else _coloured(one, top, packed, ground, absolute) for one in values)
    return DifferenceMaps(found, top, colours)


def _coloured(
    values: NDArray[np.float32], top: float, packed: NDArray[np.uint32], ground: int, absolute: bool
) -> NDArray[np.uint32]:
    """Colours of a difference."""
    missing = np.isnan(values)
    share = np.abs(values) if absolute else values / 2 + np.float32(top / 2)
    places = np.where(missing, 0, share * np.float32(255 / top)).round().clip(0, 255).astype(np.uint8)
    colours = packed[places]
    colours[missing] = ground
    return colours


def reading(picture: ComparedPicture, place: Place | None) -> Reading:
    """Read a picture at a place; None: the pointer is beside the pictures."""
    if place is None or not (0 <= place[0] < 1 and 0 <= place[1] < 1):
        return Reading()
    columns, rows = picture.size
    column, row = int(place[0] * columns), int(place[1] * rows)
    if picture.inside is not None and not picture.inside[row, column]:
        return Reading()
    value = ", ".join(_level(picture, int(one)) for one in picture.pixels[:, row, column])
    if picture.cell is None:
        return Reading(f"{row}, {column}", value)
    height, width = picture.cell[0] + 1, picture.cell[1] + 1
    number = row // height * ((columns + 1) // width) + column // width + 1
    return Reading(f"no. {number}: {row % height}, {column % width}", value)


def _level(picture: ComparedPicture, value: int) -> str:
    return f"{round(value * (picture.levels - 1) / TOP)}"


@dataclass(frozen=True)
class View:
    """Part of the pictures that is seen, the same of all.

    Args:
        zoom: 1: the whole picture fits; 2: twice as large …
        centre: place in the middle of the view.
    """

    zoom: float = 1.0
    centre: Place = (0.5, 0.5)

    def rect(self, size: tuple[int, int], cell: QRectF) -> QRectF:
        """Rectangle of a whole picture around a cell, of which the cell shows a part.

        Args:
            size: columns and rows of the picture.
            cell: where it is seen.
        """
        fitting = max(min(cell.width() / size[0], cell.height() / size[1]), 1e-6)
        whole = math.floor(fitting) if fitting >= 1 else fitting  # pixels of one size where they can be
        width, height = size[0] * whole * self.zoom, size[1] * whole * self.zoom
        middle = cell.center()
        u, v = (_within(at, side, room) for at, side, room in zip(
            self.centre, (width, height), (cell.width(), cell.height()), strict=True))  # fmt: skip
        return QRectF(round(middle.x() - u * width), round(middle.y() - v * height), width, height)

    def place_at(self, point: QPointF, size: tuple[int, int], cell: QRectF) -> Place:
        """Place of a picture at a point."""
        rect = self.rect(size, cell)
        return (point.x() - rect.left()) / rect.width(), (point.y() - rect.top()) / rect.height()

    def zoomed(self, factor: float, point: QPointF, size: tuple[int, int], cell: QRectF) -> "View":
        """Return the view with another zoom, in which the place at a point stays where it is."""
        place = self.place_at(point, size, cell)
        zoom = min(max(self.zoom * factor, 1.0), MAX_ZOOM)
        nearer = replace(self, zoom=zoom)
        rect = nearer.rect(size, cell)
        middle = cell.center()
        u = place[0] - (point.x() - middle.x()) / rect.width()
        v = place[1] - (point.y() - middle.y()) / rect.height()
        return nearer.at((u, v), size, cell)

    def moved(self, by: QPointF, size: tuple[int, int], cell: QRectF) -> "View":
        """Return the view after a drag by some pixels."""
        rect = self.rect(size, cell)
        middle = cell.center()
        u = (middle.x() - rect.left() - by.x()) / rect.width()
        v = (middle.y() - rect.top() - by.y()) / rect.height()
        return self.at((u, v), size, cell)

    def at(self, centre: Place, size: tuple[int, int], cell: QRectF) -> "View":
        """Return the view of another place, no farther than the picture goes."""
        rect = self.rect(size, cell)
        u = _within(centre[0], rect.width(), cell.width())
        v = _within(centre[1], rect.height(), cell.height())
        return replace(self, centre=(u, v))


def _within(at: float, side: float, room: float) -> float:
    """Keep a centre so that the picture fills its room; in the middle where it is smaller."""
    least = room / (2 * side)
    return 0.5 if least >= 0.5 else min(max(at, least), 1 - least)


def cells_of(count: int, area: QRectF, size: tuple[int, int], gap: float, heading: float) -> list[QRectF]:
    """Divide an area into cells of one size, so that the pictures in them are as large as they can be.

    Args:
        count: number of cells, at least 1.
        area: the area.
        size: columns and rows of a picture.
        gap: between two cells.
        heading: height that each cell keeps for its title.
    """
    best: tuple[float, int] = (-1.0, 1)
    for columns in range(1, count + 1):
        rows = -(-count // columns)
        width, height = _cell_size(area, columns, rows, gap)
        best = max(best, (min(width / size[0], (height - heading) / size[1]), columns))
    columns = best[1]
    width, height = _cell_size(area, columns, -(-count // columns), gap)
    return [
        QRectF(area.left() + (n % columns) * (width + gap), area.top() + (n // columns) * (height + gap), width, height)
        for n in range(count)
    ]


def _cell_size(area: QRectF, columns: int, rows: int, gap: float) -> tuple[float, float]:
    return (area.width() - gap * (columns - 1)) / columns, (area.height() - gap * (rows - 1)) / rows
