"""Scenes: pictures, maps, curves, bars, planes, tables, numbers, formulas and sentences that the engine computes.

A scene is drawn row by row; the blocks of a row stand side by side. The window draws them; it knows the kinds of block
and nothing of what computes them.
"""

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import PlaneLayer
from gmstudio.protocol.points import PointAxis


class Pictures(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Grid of images.

    Args:
        title: heading.
        images: (N, C, H, W) uint8, 0 … 255.
        captions: one below each image, or none.
        columns: of the grid; 0: as fits.
        note: one line below the grid, for example how many images are complete; empty: none.
    """

    title: str
    images: Array
    captions: tuple[str, ...] = ()
    columns: int = 0
    note: str = ""


class Maps(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Maps of numbers on the pixels of an image, in colours of one scale.

    Args:
        title: heading.
        values: (N, H, W) float32, 0 or more; NaN where there is no value.
        captions: one below each map, or none.
        unit: of the values, for example ``nats``; empty: none.
        top: value of the brightest colour, the same on maps that are to be compared; 0: the largest value.
        scale: the two ends of the colours in words; empty: 0 and the top with the unit.
        mark: row and column of the pixel that is outlined in every map.
        note: one line below the maps; empty: none.
    """

    title: str
    values: Array
    captions: tuple[str, ...] = ()
    unit: str = ""
    top: float = 0.0
    scale: str = ""
    mark: tuple[int, int] | None = None
    note: str = ""


class Line(msgspec.Struct, frozen=True):
    """Line of a plot: its name and the coordinates of its points, (N,) float64 each."""

    name: str
    x: Array
    y: Array


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Place on the horizontal axis of a plot.

    Args:
        name: of the input that has its place, (1,), where it can be dragged; empty: it cannot.
        x: its place.
        label: written beside it.
    """

    name: str = ""
    x: float
    label: str = ""


class Curves(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Lines over a common axis.

    Args:
        title: heading.
        x_title: name of the horizontal axis, with its unit.
        y_title: name of the vertical axis, with its unit.
        lines: the lines.
        x_range: ends of the horizontal axis, so that it stays while lines grow; None: as the lines need.
        y_range: ends of the vertical axis; None: as the lines need, with zero.
        log_x: logarithmic horizontal axis, for positive x.
        log_y: logarithmic vertical axis, for positive y.
        marks: vertical lines, which may be dragged.
    """

    title: str
    x_title: str
    y_title: str
    lines: tuple[Line, ...]
    x_range: tuple[float, float] | None = None
    y_range: tuple[float, float] | None = None
    log_x: bool = False
    log_y: bool = False
    marks: tuple[Mark, ...] = ()


class Bars(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Groups of bars.

    Args:
        title: heading, with the unit.
        labels: names of the N groups.
        series: names of the S bars in a group.
        values: (S, N) float32.
        top: end of the scale; 0: the largest value.
    """

    title: str
    labels: tuple[str, ...]
    series: tuple[str, ...]
    values: Array
    top: float = 0.0


class Number(msgspec.Struct, frozen=True):
    """Line of a table: a quantity, its value with its unit, its definition in one sentence, and its LaTeX.

    Where there is LaTeX it is shown in place of the name.
    """

    name: str
    value: str
    help: str = ""
    latex: str = ""


class Numbers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Table of quantities and their values."""

    title: str
    numbers: tuple[Number, ...]


class Sentence(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Text of a few sentences.

    Args:
        text: plain text.
        finding: it states a result, and is set in bold.
    """

    text: str
    finding: bool = False


class Formula(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Typeset formula.

    Args:
        latex: the formula.
        title: heading; empty: none.
    """

    latex: str
    title: str = ""


class Table(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Table of numbers, which may be edited; the input ``name`` then has its values, (R, C).

    Args:
        title: heading.
        columns: heading of each column.
        rows: heading of each row.
        values: (R, C) float64; NaN: an empty cell.
        name: of the input; empty: it cannot be edited.
        format: of the numbers, for example ``.4f``.
        highlighted: rows and columns of cells that are set off.
        note: one line below the table; empty: none.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    values: Array
    name: str = ""
    format: str = ".4g"
    highlighted: tuple[tuple[int, int], ...] = ()
    note: str = ""


class Plane(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Plane with layers, which can be panned and zoomed.

    Args:
        title: heading.
        x: horizontal axis, with the ends that are shown first.
        y: vertical axis.
        layers: from back to front.
        square: a unit is as long on both axes.
        click: input that gets the place of a click, (2,); empty: clicks have no effect.
        note: one line below the plane; empty: none.
    """

    title: str
    x: PointAxis
    y: PointAxis
    layers: tuple[PlaneLayer, ...]
    square: bool = False
    click: str = ""
    note: str = ""


Block = Pictures | Maps | Curves | Bars | Numbers | Sentence | Formula | Table | Plane


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """State of a computation as it is shown.

    Args:
        rows: rows of blocks, from top to bottom; a row's blocks stand side by side.
        stage: present work in a few words, for example ``Training, step 120 of 400``.
        progress: share of the work that is done, 0 to 1.
    """

    rows: tuple[tuple[Block, ...], ...]
    stage: str = ""
    progress: float = 0.0
