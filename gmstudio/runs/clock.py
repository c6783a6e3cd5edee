"""Wall times of the steps of a run, in its history: one row each time that scalars are stored."""

from array import array
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from gmstudio.runs.history import History
from gmstudio.runs.record import RunDamagedError, RunRecord

TABLE = "clock"


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
