"""Reading of a history from a place on: what was appended since, in batches, each step in its order.

A ``Cursor`` says up to where it was read. It can be kept in a file, so that another process reads on.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import msgspec
import numpy as np

from gmstudio.runs.clock import StepTimes
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Event, ImageGrid
from gmstudio.runs.record import RunDamagedError

POINTS_A_SERIES = 500
"""Points of each curve in a batch."""
GRIDS_A_BATCH = 8


class TimedPoint(NamedTuple):
    """Point of a curve with its wall time, seconds since 1970."""

    step: int
    split: str
    name: str
    value: float
    time_s: float

    @property
    def key(self) -> str:
        """Name of the curve among all, for example ``valid/loss``."""
        return f"{self.split}/{self.name}"


class TimedGrid(NamedTuple):
    """Saved images with their wall time, seconds since 1970."""

    grid: ImageGrid
    time_s: float


@dataclass(frozen=True)
class Batch:
    """Consecutive part of a history.

    Args:
        points: of all curves, by rising step.
        grids: saved images, by rising step.
        events: entries of the log, oldest first.
    """

    points: tuple[TimedPoint, ...] = ()
    grids: tuple[TimedGrid, ...] = ()
    events: tuple[Event, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.points or self.grids or self.events)


class Cursor(msgspec.Struct):
    """Place in a history up to which it was read.

    Args:
        points: curve (``split/name``) → last step.
        images: last step whose saved images were read.
        events: number of the last entry of the log.
    """

    points: dict[str, int] = {}  # msgspec copies empty defaults
    images: int = -1
    events: int = 0

    @property
    def complete_to(self) -> int:
        """Last step of which nothing can be missing: its validation and samples come before the next step's points."""
        return max([self.images, *self.points.values()], default=-1) - 1

    def back_to(self, step: int) -> None:
        """Read again what comes after a step; entries of the log are read once."""
        self.points = {key: min(last, step) for key, last in self.points.items()}
        self.images = min(self.images, step)

    def copy(self) -> Self:
        """Return a cursor at the same place."""
        return type(self)(dict(self.points), self.images, self.events)


class HistoryTail:
    """Reader of what is new in a history, for one thread.

    Args:
        run: the run, open for reading or writing in this thread.
        cursor: place from which to read; it is moved.
    """

    def __init__(self, run: RunFolder, cursor: Cursor) -> None:
        self.cursor = cursor
        self._history = run.history
        self.times = StepTimes(run.history, run.record)

    def batches(self) -> Iterator[Batch]:
        """Yield what is new; the cursor is behind a batch once the next one is requested, or there is none.

        Raises:
            RunError: when the history cannot be read.
        """
        while True:
            after = self.cursor.copy()
            batch = self._read(after)
            if not batch:
                return
            yield batch
            self.cursor.points, self.cursor.images, self.cursor.events = after.points, after.images, after.events

    def _read(self, cursor: Cursor) -> Batch:
        """Read a batch and move the cursor behind it."""
        self.times.update()
        steps, bound = self._grid_steps(cursor)
        points, bound = self._points(cursor, bound)
        steps = [step for step in steps if step <= bound]
        grids = tuple(self._grids(steps))
        cursor.images = max([cursor.images, *steps])
        return Batch(points, grids, self._events(cursor))

    def _points(self, cursor: Cursor, bound: float) -> tuple[tuple[TimedPoint, ...], float]:
        """Read points up to a step, and return the step up to which these are all."""
        rows: list[tuple[int, str, str, float]] = []
        with self._history.reading("points") as database:
            series = [] if database is None else database.execute("SELECT id, split, name FROM series").fetchall()
            query = "SELECT step, value FROM points WHERE series = ? AND step > ? ORDER BY step LIMIT ?"
            for number, split, name in series:
                assert database is not None
                since = cursor.points.get(f"{split}/{name}", -1)
                found = database.execute(query, (number, since, POINTS_A_SERIES)).fetchall()
                if len(found) == POINTS_A_SERIES:
                    bound = min(bound, found[-1][0])
                rows += [(step, split, name, self._number(value)) for step, value in found]
        rows = sorted((row for row in rows if row[0] <= bound), key=lambda row: row[0])
        times = self.times.at(np.array([row[0] for row in rows], np.int64)).tolist()
        points = tuple(TimedPoint(*row, time_s) for row, time_s in zip(rows, times, strict=True))
        cursor.points |= {point.key: point.step for point in points}
        return points, bound

    def _number(self, value: float | None) -> float:
        """Value of a point; NaN is stored as nothing."""
        try:
            return math.nan if value is None else float(value)
        except (TypeError, ValueError) as error:
            raise RunDamagedError(
                f"{self._history.path} is damaged: a value is no number. Restore it from a copy."
            ) from error

    def _grid_steps(self, cursor: Cursor) -> tuple[list[int], float]:
        """Steps of the next saved images, and the step up to which all of them are among these."""
        query = "SELECT DISTINCT step FROM images WHERE step > ? ORDER BY step LIMIT ?"
        with self._history.reading("images") as database:
            rows = [] if database is None else database.execute(query, (cursor.images, GRIDS_A_BATCH)).fetchall()
        steps = [int(step) for (step,) in rows]
        return steps, steps[-1] if len(steps) == GRIDS_A_BATCH else math.inf

    def _grids(self, steps: list[int]) -> Iterator[TimedGrid]:
        with self._history.reading("images") as database:
            query = "SELECT kind FROM images WHERE step = ? ORDER BY kind"
            kinds = [] if database is None else [(s, k) for s in steps for (k,) in database.execute(query, (s,))]
        times = self.times.at(np.array([step for step, _kind in kinds], np.int64)).tolist()
        for (step, kind), time_s in zip(kinds, times, strict=True):
            yield TimedGrid(ImageGrid(step, kind, self._history.read_images(step, kind)), time_s)

    def _events(self, cursor: Cursor) -> tuple[Event, ...]:
        query = "SELECT id, step, time, kind, text FROM events WHERE id > ? ORDER BY id"
        with self._history.reading("events") as database:
            rows = [] if database is None else database.execute(query, (cursor.events,)).fetchall()
        cursor.events = max([cursor.events, *(row[0] for row in rows)])
        return tuple(Event(*row[1:]) for row in rows)
