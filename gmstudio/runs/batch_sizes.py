"""Sizes of the batches of a run whose batch size was changed, in its history: one row for each size."""

from typing import NamedTuple

from gmstudio.runs.history import History
from gmstudio.runs.record import RunDamagedError

TABLE = "batch_sizes"


class BatchSize(NamedTuple):
    """The batches after ``step`` have ``size`` images."""

    step: int
    size: int


def note_batch_size(history: History, step: int, before: int, size: int) -> None:
    """Store the size of the batches after a step, where it is another one than that of the batches up to it.

    Args:
        history: open for writing.
        step: training steps made.
        before: size of the batches up to it, for a history that has none stored: it was always that one.
        size: of those after it.

    Raises:
        RunError: when it cannot be written.
    """
    known = read_batch_sizes(history)
    if size == (known[-1].size if known else before):
        return
    rows = [(step, size)] if known or not step else [(0, before), (step, size)]
    with history.writing() as database:
        database.executemany(f"INSERT OR REPLACE INTO {TABLE} VALUES (?, ?)", rows)


def read_batch_sizes(history: History) -> tuple[BatchSize, ...]:
    """Return the sizes with the steps after which they apply, rising from 0; empty: the size was never changed.

    Raises:
        RunDamagedError: when the history is damaged.
    """
    with history.reading(TABLE) as database:
        rows = [] if database is None else database.execute(f"SELECT step, size FROM {TABLE} ORDER BY step").fetchall()
    if not all(isinstance(value, int) for row in rows for value in row):
        raise RunDamagedError(f"{history.path} is damaged: a batch size is no number. Restore it from a copy.")
    return tuple(BatchSize(*row) for row in rows)
