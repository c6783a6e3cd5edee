"""The history of a run as a table: CSV, or one JSON object a line."""

import csv
import json
import math
from abc import abstractmethod
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import ClassVar

from gmstudio.engine.runs.exports.export import Export, ExportSource
from gmstudio.engine.runs.in_thread import shares_in_thread
from gmstudio.protocol.runs_exports import ExportForm
from gmstudio.runs.folder import RunFolder

ROWS_A_PIECE = 2000


class _TableExport(Export):
    """Base of both, written in a thread: a long history is a million rows."""

    needs_model: ClassVar[bool] = False

    def pieces(self, source: ExportSource, target: Path) -> Iterator[float]:
        """Write the file; a stopped export waits until the thread has let it go."""
        yield from shares_in_thread(lambda: self._written(source.run.path, target))

    def _written(self, folder: Path, target: Path) -> Generator[float, None, None]:
        with RunFolder.open(folder) as run:  # opened here: a connection to a database belongs to its thread
            yield from self.write(run, target)

    @abstractmethod
    def write(self, run: RunFolder, target: Path) -> Iterator[float]:
        """Write the file, yielding the share that is done after each piece."""


class CsvExport(_TableExport):
    """Curves as CSV: one row a point."""

    form: ClassVar[ExportForm] = ExportForm(
        name="csv", title="CSV", help="Every point of every curve: split, name, step, value.", suffix=".csv"
    )
    order: ClassVar[int] = 10

    def write(self, run: RunFolder, target: Path) -> Iterator[float]:
        """Write a header and one row a point; a value that is not finite is written as ``nan``, ``inf`` or ``-inf``."""
        with target.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("split", "name", "step", "value"))
            for share, rows in _rows(run):
                writer.writerows((split, name, step, repr(value)) for split, name, step, value in rows)
                yield share


class JsonLinesExport(_TableExport):
    """Curves as JSON lines: one object a point."""

    form: ClassVar[ExportForm] = ExportForm(
        name="jsonl",
        title="JSON lines",
        help="Every point of every curve, one object a line, and the events of the run.",
        suffix=".jsonl",
    )
    order: ClassVar[int] = 11

    def write(self, run: RunFolder, target: Path) -> Iterator[float]:
        """Write one object a line; JSON has no NaN, so a value that is not finite is text."""
        with target.open("w", encoding="utf-8") as file:
            for share, rows in _rows(run):
                for split, name, step, value in rows:
                    shown = value if math.isfinite(value) else str(value)
                    file.write(json.dumps({"split": split, "name": name, "step": step, "value": shown}) + "\n")
                yield share
            for event in run.history.read_events():
                plain = {"event": event.kind, "step": event.step, "time": event.time, "text": event.text}
                file.write(json.dumps(plain) + "\n")


def _rows(run: RunFolder) -> Iterator[tuple[float, list[tuple[str, str, int, float]]]]:
    """Share that is done after each piece of rows, and these rows."""
    curves = run.history.read_scalars()
    total, done = sum(len(steps) for steps, _values in curves.values()), 0
    for (split, name), (steps, values) in curves.items():
        for first in range(0, len(steps), ROWS_A_PIECE):
            end = first + ROWS_A_PIECE
            pairs = zip(steps[first:end].tolist(), values[first:end].tolist(), strict=True)
            rows = [(split, name, step, value) for step, value in pairs]
            done += len(rows)
            yield done / total, rows
