"""Wall times of the steps of a run, in its history: one row each time that scalars are stored."""

import json
import sqlite3
from array import array
from datetime import datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gmstudio.runs.history import History
from gmstudio.runs.record import RunDamagedError, RunRecord

TABLE = "clock"
MOST_ROWS = 256
"""Times that are read to find how long a run trained: a training of weeks has millions."""
NEAREST = f"SELECT (SELECT min(step) FROM {TABLE} WHERE step >= value) FROM json_each(?)"
"""Steps of the first rows at or after each step of a list in JSON: one statement, as thousands of runs are listed."""
PAUSE_S = 60.0
"""Shorter breaks of a training cannot be distinguished from slow steps, and count."""
PAUSE_STEPS = 10
"""A break lasts longer than this many steps as they usually take."""
Row = tuple[int, float]
"""Training steps made, and the time, in seconds since 1970."""


def note_time(history: History, step: int, time_s: float) -> None:
    """Store the time at which a step was reached.

    Args:
        history: open for writing.
        step: training steps made.
        time_s: seconds since 1970, UTC.

    Raises:
        RunError: when it cannot be written.
    """
    with history.writing() as database:
        database.execute(f"INSERT OR REPLACE INTO {TABLE} VALUES (?, ?)", (int(step), float(time_s)))


def seconds_of(iso: str) -> float:
    """Seconds since 1970 of a time in a run's record or log, ISO 8601; 0 where it is none."""
    try:
        return datetime.fromisoformat(iso).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def seconds_trained(history: History) -> float | None:
    """Seconds for which a run trained, without the breaks between pausing and resuming; None where no times are stored.

    Times of some steps are read, and further ones between two of them that are far apart, until a break is found.

    Raises:
        RunDamagedError: when the history is damaged.
    """
    with history.reading(TABLE) as database:
        ends = None if database is None else database.execute(f"SELECT min(step), max(step) FROM {TABLE}").fetchone()
        if database is None or ends is None or ends[0] is None:
            return None
        first, last = int(ends[0]), int(ends[1])
        steps = np.unique(np.linspace(first, last, MOST_ROWS, dtype=np.int64)).tolist()
        wanted = f"SELECT step, time FROM {TABLE} WHERE step IN ({NEAREST}) ORDER BY step"
        rows: list[Row] = database.execute(wanted, (json.dumps(steps),)).fetchall()
        pairs = list(pairwise(rows))
        usual_s = max(0.0, float(np.median([(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs]))) if pairs else 0.0
        return sum(_without_break(database, a, b, usual_s) for a, b in pairs)


def _rows(database: sqlite3.Connection, side: str, step: int) -> list[Row]:
    """Read the nearest row at or after (``>=``) or before (``<``) a step; none where there is none."""
    order = "DESC" if side == "<" else "ASC"
    found = database.execute(
        f"SELECT step, time FROM {TABLE} WHERE step {side} ? ORDER BY step {order} LIMIT 1", (step,)
    )
    return found.fetchall()


def _without_break(database: sqlite3.Connection, a: Row, b: Row, usual_s: float) -> float:
    """Seconds between two rows; where they are neighbours with a break between them, what their steps usually take."""
    steps, seconds = b[0] - a[0], b[1] - a[1]
    if 0 <= seconds <= max(PAUSE_S, 2 * usual_s * steps):
        return seconds
    middle = a[0] + (steps + 1) // 2
    for between in (*_rows(database, ">=", middle), *_rows(database, "<", middle)):
        if between not in (a, b):
            parts = (a, between), (between, b)
            return sum(_without_break(database, *part, usual_s) for part in parts)
    return seconds if 0 <= seconds <= PAUSE_STEPS * usual_s * steps else usual_s * steps


class StepTimes:
    """Wall times of all steps of a run: the stored ones, and between them by interpolation.

    Args:
        history: of the run.
        record: its ``run.json``, which has the start, and the end of a run that stored no times.
    """

    def __init__(self, history: History, record: RunRecord) -> None:
        self._history = history
        self._steps = array("q", [0])  # packed: a training of weeks has millions
        self._times = array("d", [seconds_of(record.created)])
        self._last = max(record.step, 1), seconds_of(record.updated)
        self.update()

    @property
    def stored(self) -> bool:
        """The run stored times; without, they are spread evenly between its start and its last change."""
        return len(self._steps) > 1

    def update(self) -> None:
        """Read the times that were stored since the last call.

        Raises:
            RunDamagedError: when the history is damaged.
        """
        since = self._steps[-1] if self.stored else -1
        with self._history.reading(TABLE) as database:
            query = f"SELECT step, time FROM {TABLE} WHERE step > ? ORDER BY step"
            rows = [] if database is None else database.execute(query, (since,)).fetchall()
        try:
            self._times.extend([float(time_s) for _step, time_s in rows])
        except (TypeError, ValueError) as error:
            raise RunDamagedError(f"{self._history.path} is damaged: a time is no number.") from error
        self._steps.extend(int(step) for step, _time_s in rows)

    def at(self, steps: NDArray[np.int64]) -> NDArray[np.float64]:
        """Seconds since 1970 at which steps were reached, (n,) → (n,)."""
        if not self.stored:
            spread: NDArray[np.float64] = np.interp(steps, *self._spread())
            return spread
        times: NDArray[np.float64] = np.interp(steps, np.array(self._steps), np.array(self._times))
        return times

    def _spread(self) -> tuple[list[int], list[float]]:
        step, time_s = self._last
        return [self._steps[0], step], [self._times[0], time_s]
