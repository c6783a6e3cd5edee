"""Numbers of a scene as CSV: a table for each block that has numbers, under its heading."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.plane_layers import (
    Arrows,
    Dots,
    Ellipses,
    Guide,
    Handles,
    Heat,
    Mesh,
    Paths,
    PlaneLayer,
    Profile,
)
from gmstudio.protocol.scenes import (
    Bars,
    Block,
    Curves,
    Formula,
    Maps,
    Numbers,
    Pictures,
    Plane,
    Scene,
    Sentence,
    Table,
)

Part = tuple[str, Sequence[object], Iterable[Sequence[object]]]
"""Heading, names of the columns, and rows."""


def scene_csv(scene: Scene) -> str:
    """All numbers of a scene as CSV.

    Each block is a line ``# heading``, a line of column names and its rows, and an empty line ends it. Curves are in
    long form (line, x, y); maps are matrices, a plane's with its lowest row first. Numbers have all their digits;
    values of tables of quantities are as they are shown. Pictures are left out; formulas and sentences are comments.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in scene.rows:
        for block in row:
            for heading, columns, rows in _parts(block):
                text.write(f"# {' '.join(heading.split())}\n")
                if columns:
                    writer.writerow(columns)
                    writer.writerows(rows)
                text.write("\n")
    return text.getvalue()


def _parts(block: Block) -> Iterator[Part]:
    match block:
        case Curves():
            yield from _curves(block)
        case Bars():
            groups = zip(block.labels, _texts(block.values.numpy().T), strict=True)
            yield block.title, ("", *block.series), ((label, *values) for label, values in groups)
        case Numbers():
            yield block.title, ("quantity", "value"), ((number.name, number.value) for number in block.numbers)
        case Table():
            lines = zip(block.rows, _texts(block.values.numpy()), strict=True)
            yield block.title, ("", *block.columns), ((name, *values) for name, values in lines)
        case Maps():
            captions = block.captions or tuple(str(number + 1) for number in range(block.values.shape[0]))
            for caption, values in zip(captions, block.values.numpy(), strict=True):
                yield _matrix(f"{block.title}: {_with_unit(caption, block.unit)}", values)
        case Plane():
            names = _with_unit(block.x.title, block.x.unit), _with_unit(block.y.title, block.y.unit)
            for layer in block.layers:
                for heading, columns, rows in _layer(layer, *names):
                    yield f"{block.title}: {heading}", columns, rows
        case Formula():
            yield f"{block.title} {block.latex}", (), ()
        case Sentence():
            yield block.text, (), ()
        case Pictures():
            return


def _curves(block: Curves) -> Iterator[Part]:
    lines = ((line.name, _texts(line.x.numpy()), _texts(line.y.numpy())) for line in block.lines)
    points = ((name, a, b) for name, x, y in lines for a, b in zip(x, y, strict=True))
    yield block.title, ("line", block.x_title or "x", block.y_title or "y"), points
    if block.marks:
        yield f"{block.title}: marks", ("mark", "x"), ((mark.label or mark.name, mark.x) for mark in block.marks)


def _layer(layer: PlaneLayer, x: str, y: str) -> Iterator[Part]:
    """Parts of a layer over axes that are named ``x`` and ``y``."""
    match layer:
        case Heat():
            yield _heat(layer, x, y)
        case Dots():
            points = _texts(layer.points.numpy())
            if layer.groups is None:
                yield layer.name or "points", (x, y), points
            else:
                grouped = zip(points, _texts(layer.groups.numpy()), strict=True)
                yield layer.name or "points", (x, y, "group"), ((*point, group) for point, group in grouped)
        case Handles():
            labels = layer.labels or tuple(str(number + 1) for number in range(layer.points.shape[0]))
            handles = zip(labels, _texts(layer.points.numpy()), strict=True)
            yield layer.name, ("", x, y), ((label, *point) for label, point in handles)
        case Guide():
            yield layer.label or layer.name, (x if layer.axis == "x" else y,), ((layer.value,),)
        case Arrows():
            arrows = zip(_texts(layer.starts.numpy()), _texts(layer.ends.numpy()), strict=True)
            yield layer.name, (x, y, f"{x} of the tip", f"{y} of the tip"), ((*start, *end) for start, end in arrows)
        case Paths():
            known, paths = np.isfinite(layer.points.numpy()).all(-1), _texts(layer.points.numpy())
            places = ((path, step, *paths[path][step]) for path, step in np.argwhere(known).tolist())
            yield layer.name or "paths", ("path", "step", x, y), places
        case Mesh():
            crossings = enumerate(_texts(layer.points.numpy()))
            corners = ((row, column, *place) for row, line in crossings for column, place in enumerate(line))
            yield layer.name, ("row", "column", x, y), corners
            if layer.shade is not None:
                yield _matrix(f"{_with_unit(layer.name, layer.unit)}, cells", layer.shade.numpy())
        case Ellipses():
            moments = zip(_texts(layer.means.numpy()), _texts(layer.covariances.numpy()), strict=True)
            columns = (x, y, f"var {x}", f"cov {x}, {y}", f"var {y}")
            yield layer.name, columns, ((*mean, c[0][0], c[0][1], c[1][1]) for mean, c in moments)
        case Profile():
            heights = zip(_texts(layer.places.numpy()), _texts(layer.heights.numpy()), strict=True)
            yield layer.name, (x if layer.axis == "x" else y, "density"), heights


def _heat(heat: Heat, x: str, y: str) -> Part:
    values = heat.values.numpy()
    left, right, bottom, top = heat.extent
    across = left + (np.arange(values.shape[1]) + 0.5) * (right - left) / values.shape[1]
    up = bottom + (np.arange(values.shape[0]) + 0.5) * (top - bottom) / values.shape[0]
    rows = ((place, *line) for place, line in zip(_texts(up), _texts(values), strict=True))
    return _with_unit(heat.name, heat.unit), (f"{y} \\ {x}", *_texts(across)), rows


def _matrix(heading: str, values: NDArray[Any]) -> Part:
    rows = ((row, *line) for row, line in enumerate(_texts(values)))
    return heading, ("row \\ column", *range(values.shape[1])), rows


def _with_unit(title: str, unit: str) -> str:
    return f"{title} ({unit})" if unit else title


def _texts(values: NDArray[Any]) -> Any:
    """Numbers as the shortest texts that stand for them, in nested lists; empty for NaN."""
    texts = values.astype(str)
    if np.issubdtype(values.dtype, np.floating):
        texts[np.isnan(values)] = ""
    return texts.tolist()
