"""Tables of numbers as text (CSV, TSV, ``.amat``): rows of pixels, time series or points, with or without labels."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Labels
from gmstudio.data.importing.formats.array_labels import named_labels
from gmstudio.data.importing.formats.assembling import assemble
from gmstudio.data.importing.formats.format_set import FormatSet
from gmstudio.data.importing.formats.number_lines import parse_numbers
from gmstudio.data.importing.formats.stored import HeldArray, Reading, Values, phrase, shares, stem
from gmstudio.data.importing.formats.table_columns import Columns, find_columns, split_line, unquoted
from gmstudio.data.importing.formats.text_lines import read_lines
from gmstudio.data.importing.raw import Guess, ValueAxis
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.protocol.config import ConfigError

MAX_VALUE_BYTES = 2 << 30
_SAMPLE_LINES = 50
_JOINED_A_PIECE = 64


def read_table(path: Path, settings: ReadSettings) -> Reading[FormatSet]:
    """Read a table, some hundred kilobytes at a time.

    A table of one column is one long series, cut into windows of the length that ``settings.window`` says.

    Raises:
        DataError: when it is no table of numbers, or too large.
    """
    label_last = ".amat" in path.name.lower()
    table = _Table(path, settings, label_last)
    values, labels, label_names = yield from shares(table.read(), 0.0, 0.8)
    columns = table.columns
    guesses = list(columns.guesses)
    if values.shape[1] == 1:
        values, guess = _windows(values[:, 0], settings, path)
        guesses.append(guess)
        settings = msgspec.structs.replace(settings, content="sequences")
        labels, label_names = None, ()
    array = HeldArray(stem(path), str(path), values)
    raw = yield from shares(assemble([array], stem(path), str(path), settings), 0.8, 0.2)
    raw.labels, raw.label_names = labels, label_names
    raw.guesses = (*guesses, *raw.guesses)
    raw.axes = _named_axes(raw, columns)
    return raw


def _windows(values: Values, settings: ReadSettings, path: Path) -> tuple[Values, Guess]:
    length = settings.window
    count = len(values) // length
    if settings.content not in ("auto", "sequences"):
        text = f"{path} has one column, which is no table of {settings.content}. Choose sequences as content."
        raise ConfigError({"content": text})
    if not count:
        text = f"{path} has one column of {len(values)} values, fewer than the window length {length}."
        raise ConfigError({"window": f"{text} Choose a shorter one."})
    left = len(values) - count * length
    text = f"One column of {len(values):,} values is cut into {count:,} windows of {length}" + (
        f"; the last {left} are left out." if left else "."
    )
    return values[: count * length].reshape(count, length), Guess("window", text)


def _named_axes(raw: FormatSet, columns: Columns) -> tuple[ValueAxis, ...]:
    if raw.content == "points" and columns.names:
        names = columns.names[columns.start : columns.stop]
        return tuple(ValueAxis(name, axis.low, axis.high) for name, axis in zip(names, raw.axes, strict=True))
    if raw.content == "sequences" and columns.names and columns.stop - columns.start == 1:
        return tuple(ValueAxis(columns.names[columns.start], axis.low, axis.high) for axis in raw.axes)
    return raw.axes


class _Table:
    """Reading of one file; ``columns`` are known when it has begun."""

    columns: Columns

    def __init__(self, path: Path, settings: ReadSettings, label_last: bool) -> None:
        self._path = path
        self._settings = settings
        self._label_last = label_last
        self._parts: list[Values] = []
        self._labels: list[str] = []
        self._num_bytes = 0
        self._line = 0

    def read(self) -> Reading[tuple[Values, Labels | None, tuple[str, ...]]]:
        """Values (N, D) as uint8 where all are whole numbers from 0 to 255, else float32; labels and their names."""
        for lines, done in self._batches():
            self._take(lines)
            yield done
        labels, names = named_labels(self._labels, str(self._path)) if self._labels else (None, ())
        return (yield from self._joined()), labels, names

    def _batches(self) -> Iterator[tuple[list[str], float]]:
        """Lines that are not blank, the first ones together so that the columns can be found."""
        waiting: list[str] = []
        known = False
        done = 0.0
        for lines, done in read_lines(self._path):
            waiting += [line for line in lines if line.strip()]
            if not known and len(waiting) < _SAMPLE_LINES:
                yield [], done
                continue
            known = self._begin(waiting, known)
            yield waiting, done
            waiting = []
        if not waiting and not known:
            raise DataError(f"{self._path} holds no lines. Choose a table of numbers, one image a line.")
        if waiting:
            self._begin(waiting, known)
            yield waiting, done

    def _begin(self, lines: list[str], known: bool) -> bool:
        if not known:
            sample = lines[:_SAMPLE_LINES]
            self.columns = find_columns(sample, self._settings, str(self._path), self._label_last)
            if self.columns.header:
                del lines[0]
                self._line = 1
        return True

    def _take(self, lines: list[str]) -> None:
        if not lines:
            return
        values = self._parsed(lines)
        if self.columns.label is not None:
            self._labels += self._labels_of(lines, self.columns.label)
        self._line += len(lines)
        compact = _compact(values)
        self._num_bytes += compact.nbytes
        if self._num_bytes > MAX_VALUE_BYTES:
            raise DataError(
                f"{self._path} holds more than {MAX_VALUE_BYTES // 2**30} GiB of values. Split it, or save an array "
                "(.npy)."
            )
        self._parts.append(compact)

    def _labels_of(self, lines: list[str], column: int) -> list[str]:
        """Texts of the column of labels, which is the first or the last one or, behind row numbers, the second."""
        delimiter, count = self.columns.delimiter, self.columns.count
        if column == count - 1:
            fields = [line.rsplit(delimiter, 1)[-1] for line in lines]
        else:
            fields = [line.split(delimiter, column + 1)[column] for line in lines]
        return [unquoted(field) for field in fields]

    def _parsed(self, lines: list[str]) -> NDArray[np.float64]:
        columns = self.columns
        quick = parse_numbers(lines, columns.delimiter, columns.count)
        if quick is not None:
            return quick[:, columns.start : columns.stop]
        wanted = range(columns.start, columns.stop)
        try:
            values = np.loadtxt(
                lines, np.float64, delimiter=columns.delimiter, comments=None, quotechar='"', usecols=wanted, ndmin=2
            )
        except ValueError as error:
            raise self._explained(lines, error) from error
        return values

    def _explained(self, lines: list[str], error: ValueError) -> DataError:
        """Sentence on the first line that is no row of numbers."""
        columns = self.columns
        for number, line in enumerate(lines):
            fields = split_line(line, columns.delimiter)
            if len(fields) != columns.count:
                return self._uneven(number, len(fields))
            for position in range(columns.start, columns.stop):
                try:
                    float(fields[position])
                except ValueError:
                    shown = fields[position][:40]
                    return DataError(
                        f"{self._path}, line {self._line + number + 1}, column {position + 1} is {shown!r}, no number. "
                        "Correct it, or leave the line out."
                    )
        return DataError(f"{self._path} is no table of numbers: {phrase(error)}. Correct it.")

    def _uneven(self, number: int, count: int) -> DataError:
        return DataError(
            f"{self._path}, line {self._line + number + 1} has {count} columns, but the first row has "
            f"{self.columns.count}. Make all rows equally long."
        )

    def _joined(self) -> Reading[Values]:
        """One array of all parts, which are given up one by one."""
        if not self._parts:
            raise DataError(f"{self._path} holds no rows. Choose a table of numbers, one image a line.")
        dtype = np.result_type(*self._parts)
        joined = np.empty((sum(len(part) for part in self._parts), self._parts[0].shape[1]), dtype)
        start = 0
        for number, part in enumerate(self._parts):
            joined[start : start + len(part)] = part
            start += len(part)
            self._parts[number] = part[:0]
            if number % _JOINED_A_PIECE == 0:
                yield 1.0
        return joined


def _compact(values: NDArray[np.float64]) -> Values:
    """The same values in fewer bytes."""
    if np.isfinite(values).all() and values.min() >= 0 and values.max() <= 255 and (values == np.rint(values)).all():
        return values.astype(np.uint8)
    with np.errstate(over="ignore"):
        return values.astype(np.float32)
