"""Points of a table (CSV, TSV): one or two of its columns, and the classes in another one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Labels
from gmstudio.data.importing.formats.array_labels import named_labels
from gmstudio.data.importing.formats.table_columns import Columns, find_columns, is_number, split_line
from gmstudio.data.importing.formats.text_lines import read_lines
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.protocol.config import ConfigError
from gmstudio.system.typed_path import typed_path

Floats = NDArray[np.float64]

MAX_ROWS = 200_000
LEAST_ROWS = 3
"""One each to train on, to validate and to test."""
_SAMPLE_LINES = 50


@dataclass(frozen=True, eq=False)
class TablePoints:
    """Points of a table.

    Args:
        points: (N, D) float64, D 1 or 2.
        names: of the D columns; empty where the table names none.
        labels: (N,) class of each; None: no column of classes was chosen.
        label_names: class → name.
        remarks: what was chosen or left out, sentences.
    """

    points: Floats
    names: tuple[str, ...]
    labels: Labels | None = None
    label_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def read_points(path: str, columns: str, label_column: str) -> TablePoints:
    """Read the points of a table.

    Args:
        path: of the file.
        columns: names or numbers (from 1 on) of one or two columns; empty: the first two that hold numbers.
        label_column: name or number of the column of classes; empty: none.

    Raises:
        ConfigError: when there is no such column.
        DataError: when the file is no table, or a chosen column holds text, is constant, or has too few rows.
    """
    place = typed_path(path)
    lines = [line for batch, _ in read_lines(place) for line in batch if line.strip()]
    if not lines:
        raise DataError(f"{place} holds no lines. Choose a table of numbers, one point a line.")
    found = find_columns(lines[:_SAMPLE_LINES], ReadSettings(label_column="none"), str(place), label_last=False)
    rows = lines[1:] if found.header else lines
    if len(rows) > MAX_ROWS:
        raise DataError(f"{place} has {len(rows):,} rows; at most {MAX_ROWS:,} are read. Leave some out.")
    if len(rows) < LEAST_ROWS:
        raise DataError(
            f"{place} has {len(rows)} {'row' if len(rows) == 1 else 'rows'}; at least {LEAST_ROWS} are needed: one to "
            "train on, one to validate and one to test. Add rows."
        )
    label = _column(label_column, found, "label_column") if label_column.strip() else None
    chosen, remarks = _chosen(columns, found, rows, label, str(place))
    fields = _fields(rows, found, str(place))
    first = 2 if found.header else 1
    points = np.stack([_numbers(fields, column, found, str(place), first) for column in chosen], axis=1)
    labels, label_names = None, tuple[str, ...]()
    if label is not None:
        labels, label_names = named_labels([row[label] for row in fields], str(place))
    names = tuple(_title(found, column) for column in chosen) if found.names else ()
    for column, values in zip(chosen, points.T, strict=True):
        with np.errstate(over="ignore"):
            span = float(values.max() - values.min())
        if not np.isfinite(span):
            raise DataError(
                f"{_title(found, column)} of {place.name} goes from {values.min():g} to {values.max():g}, farther "
                "apart than numbers can be. Leave out the lines with such numbers, or choose other columns."
            )
        if span == 0:
            raise DataError(
                f"{_title(found, column)} of {place.name} is {values[0]:g} in all rows. Choose columns that vary."
            )
    return TablePoints(points, names, labels, label_names, remarks)


def _chosen(
    columns: str, found: Columns, rows: Sequence[str], label: int | None, origin: str
) -> tuple[list[int], tuple[str, ...]]:
    """Columns of the points, and a sentence where they were not named."""
    if columns.strip(" ,"):
        chosen = [_column(part, found, "columns") for part in columns.split(",") if part.strip()]
        if len(chosen) > 2 or len(set(chosen)) < len(chosen):
            raise ConfigError({"columns": f"Columns is {columns!r}; name one or two different columns."})
        return chosen, ()
    sample = [split_line(row, found.delimiter) for row in rows[:_SAMPLE_LINES]]
    numeric = [
        column
        for column in range(found.start, found.count)
        if column != label and all(is_number(row[column]) for row in sample)
    ]
    if not numeric:
        raise DataError(f"{origin} has no column of numbers. Choose a table with one or two columns of numbers.")
    chosen = numeric[:2]
    if len(chosen) == 1:
        return chosen, (f"One column holds numbers ({_title(found, chosen[0])}): the points lie on a line.",)
    if found.count > len(chosen) + (label is not None):
        return chosen, (
            f"The columns {' and '.join(_title(found, c) for c in chosen)} were taken: the first of numbers.",
        )
    return chosen, ()


def _column(text: str, found: Columns, field: str) -> int:
    """Index of a column, by its name or its number from 1 on."""
    wanted = text.strip()
    if wanted in found.names:
        return found.names.index(wanted)
    if wanted.isdecimal() and 1 <= int(wanted) <= found.count:
        return int(wanted) - 1
    known = ", ".join(found.names[:12]) if found.names else f"1 to {found.count}"
    raise ConfigError({field: f"There is no column {wanted[:40]!r}; there are {known}."})


def _title(found: Columns, column: int) -> str:
    return found.names[column] if found.names and found.names[column] else f"column {column + 1}"


def _fields(rows: Sequence[str], found: Columns, origin: str) -> list[list[str]]:
    fields = []
    for number, row in enumerate(rows, start=2 if found.header else 1):
        parts = split_line(row, found.delimiter)
        if len(parts) != found.count:
            raise DataError(
                f"{origin}, line {number} has {len(parts)} columns, but the first row has {found.count}. Make all rows "
                "equally long."
            )
        fields.append(parts)
    return fields


def _numbers(fields: list[list[str]], column: int, found: Columns, origin: str, first: int) -> Floats:
    values = np.empty(len(fields))
    for number, row in enumerate(fields):
        try:
            values[number] = float(row[column])
        except ValueError:
            values[number] = np.nan
        if not np.isfinite(values[number]):
            raise DataError(
                f"{origin}, line {first + number}, {_title(found, column)} is {row[column][:40]!r}, no finite number. "
                "Correct it, leave the line out, or choose other columns."
            )
    return values
