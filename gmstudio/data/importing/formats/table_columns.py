"""Columns of a table of numbers: what separates them, which hold values, and which holds labels."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.formats.layout import is_image_size
from gmstudio.data.importing.raw import Guess
from gmstudio.data.importing.settings import ReadSettings

_LABEL_NAMES = {"label", "labels", "class", "classes", "target", "targets", "y", "digit", "category"}
_INDEX_NAMES = {"", "id", "imageid", "image_id", "index", "idx", "unnamed: 0", "row", "row_id"}
_TIME_NAMES = {"date", "time", "timestamp", "datetime", "day"}
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")
MAX_COLUMNS = 1 << 20


@dataclass(frozen=True)
class Columns:
    """Where values and labels stand in a line.

    Args:
        delimiter: what separates the columns; None: white space.
        header: the first line names the columns.
        start: first column of values.
        stop: the column after the last one of values.
        label: column of labels, or None.
        names: of the columns; empty without a header.
        count: number of columns.
        guesses: choices that were made for the user.
    """

    delimiter: str | None
    header: bool
    start: int
    stop: int
    label: int | None
    names: tuple[str, ...]
    count: int
    guesses: tuple[Guess, ...] = ()


def find_columns(lines: Sequence[str], settings: ReadSettings, origin: str, label_last: bool) -> Columns:
    """Find the columns from the first lines of a table.

    Args:
        lines: some of the first lines, none blank.
        settings: ``label_column`` and ``content``.
        origin: file, for messages.
        label_last: labels stand last by custom (``.amat``), where the values leave it open.

    Raises:
        DataError: when the lines are no table of numbers.
    """
    delimiter = _delimiter(lines, origin)
    rows = [split_line(line, delimiter) for line in lines]
    header = not any(is_number(field) for field in rows[0]) and (len(rows) > 1 or len(rows[0]) > 1)
    names = tuple(rows[0]) if header else ()
    rows = rows[1:] if header else rows
    if not rows:
        raise DataError(f"{origin} has a header and no rows. Choose a table of numbers, one image a line.")
    _check_lengths(rows, origin, len(names))
    count = len(rows[0])
    columns = Columns(delimiter, header, 0, count, None, names, count)
    columns = _without_index(columns, rows)
    if settings.label_column == "none" or columns.stop - columns.start < 2:
        return columns
    return _with_label(columns, rows, settings, label_last)


def split_line(line: str, delimiter: str | None) -> list[str]:
    """Fields of a line, without blanks and quotation marks around them."""
    return [unquoted(field) for field in line.strip("\r\n").split(delimiter)]


def unquoted(field: str) -> str:
    """Text of a field, without blanks and quotation marks around it."""
    return field.strip().strip("\"'")


def is_number(text: str) -> bool:
    """Test whether a field is a number, NaN and infinity included."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _delimiter(lines: Sequence[str], origin: str) -> str | None:
    sample = lines[-1]
    for delimiter in (";", "\t"):
        if delimiter in sample:
            if any(_DECIMAL_COMMA.fullmatch(field.strip()) for field in sample.split(delimiter)):
                raise _decimal_commas(origin)
            return delimiter
    fields = sample.split()
    if len(fields) > 1 and any(_DECIMAL_COMMA.fullmatch(field) for field in fields):
        raise _decimal_commas(origin)
    return "," if "," in sample else None


def _decimal_commas(origin: str) -> DataError:
    return DataError(f"{origin} has numbers with decimal commas such as 0,5. Save it with decimal points.")


def _check_lengths(rows: Sequence[Sequence[str]], origin: str, num_names: int) -> None:
    count = len(rows[0])
    if count > MAX_COLUMNS:
        raise DataError(f"{origin} has {count:,} columns; at most {MAX_COLUMNS:,} are read. Save smaller images.")
    for number, row in enumerate(rows, start=2 if num_names else 1):
        if len(row) != count:
            raise DataError(
                f"{origin}, line {number} has {len(row)} columns, but the first row has {count}. Make all rows equally "
                "long."
            )
    if num_names and num_names not in (count, count - 1):
        raise DataError(f"{origin} has {num_names} column names, but {count} columns. Name all columns or none.")


def _without_index(columns: Columns, rows: Sequence[Sequence[str]]) -> Columns:
    """Leave out a column of row numbers or dates in front."""
    names = [name.lower() for name in columns.names]
    if len(names) == columns.count - 1:  # R writes no name above the row names
        names = ["", *names]
        columns = replace(columns, names=("", *columns.names))
    if columns.count < 2 or not names:
        return columns
    time = names[0] in _TIME_NAMES and not is_number(rows[0][0])
    if names[0] in _INDEX_NAMES or time:
        what = columns.names[0] or "without a name"
        guess = Guess("label_column", f"The first column ({what}) was left out: it numbers the rows.")
        return replace(columns, start=1, guesses=(*columns.guesses, guess))
    return columns


def _with_label(columns: Columns, rows: Sequence[Sequence[str]], settings: ReadSettings, label_last: bool) -> Columns:
    if settings.label_column in ("first", "last"):
        return _take(columns, last=settings.label_column == "last")
    first, last = columns.start, columns.stop - 1
    names = [name.strip().lower() for name in columns.names[columns.start : columns.stop]]
    if names == ["x", "y"]:
        return columns
    for last_one, position in ((False, first), (True, last)):
        named = bool(names) and columns.names[position].strip().lower() in _LABEL_NAMES
        text = not is_number(rows[0][position])
        if text or (named and _whole([row[position] for row in rows])):
            return _take(columns, last_one, _told(columns, position, "its name" if named else "it holds text"))
    width = columns.stop - columns.start
    if settings.content in ("sequences", "points") or is_image_size(width) or not is_image_size(width - 1):
        return columns
    use_last = _label_is_last(rows, first, last, label_last)
    position = last if use_last else first
    if not _whole([row[position] for row in rows]):
        return columns  # a series of, for example, 50 measured values is no image of 7×7 pixels with a label
    return _take(columns, use_last, _told(columns, position, f"the other {width - 1} columns make a square image"))


def _label_is_last(rows: Sequence[Sequence[str]], first: int, last: int, label_last: bool) -> bool:
    """Compare the outer columns: labels are whole numbers that vary; a corner pixel is mostly constant."""
    kinds = {position: _num_labels([row[position] for row in rows]) for position in (first, last)}
    if kinds[first] == kinds[last]:
        return label_last
    return kinds[last] < kinds[first]


def _num_labels(fields: Sequence[str]) -> float:
    """Number of different labels; infinite for values that are none: fractions, negative ones, a constant."""
    different = len(set(fields))
    return different if _whole(fields) and different > 1 else math.inf


def _whole(fields: Sequence[str]) -> bool:
    """Test whether all fields are whole numbers from 0 on."""
    numbers = [float(field) for field in fields if is_number(field)]
    return len(numbers) == len(fields) and all(number >= 0 and number == number // 1 for number in numbers)


def _take(columns: Columns, last: bool, *guesses: Guess) -> Columns:
    if last:
        taken = replace(columns, label=columns.stop - 1, stop=columns.stop - 1)
    else:
        taken = replace(columns, label=columns.start, start=columns.start + 1)
    return replace(taken, guesses=(*columns.guesses, *guesses))


def _told(columns: Columns, position: int, why: str) -> Guess:
    where = "first" if position == columns.start else "last"
    name = f" ({columns.names[position]})" if columns.names else ""
    return Guess("label_column", f"The {where} column{name} is taken as labels: {why}.")
