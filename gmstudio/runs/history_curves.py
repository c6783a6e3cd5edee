"""Curves of a history, read from its database."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmstudio.runs.record import RunDamagedError

Curve = tuple[NDArray[np.int64], NDArray[np.float64]]
ROWS_AT_ONCE = 10_000
"""Rows that become numbers in one call."""


def curves_of(db: sqlite3.Connection, path: Path, since: int) -> dict[tuple[str, str], Curve]:
    """Read all curves as they are at one moment, since what is read after it begins at the newest step of all of them.

    Args:
        db: of the history.
        path: of the history, for error messages.
        since: step after which the points are wanted.

    Returns:
        (split, name) → steps (n,) int64 rising, values (n,) float64; curves without points are left out.

    Raises:
        RunDamagedError: when a value is no number.
    """
    curves: dict[tuple[str, str], Curve] = {}
    with _one_moment(db):
        for key, split, name in db.execute("SELECT id, split, name FROM series ORDER BY id").fetchall():
            query = "SELECT step, value FROM points WHERE series = ? AND step > ? ORDER BY step"
            parts = list(_parts(db.execute(query, (key, since)), path))
            if parts:
                flat = np.concatenate(parts)
                curves[split, name] = (flat[:, 0].astype(np.int64), flat[:, 1].copy())
    return curves


@contextmanager
def _one_moment(db: sqlite3.Connection) -> Iterator[None]:
    """Let all queries see what was committed before the first of them."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        if db.in_transaction:  # an error of the disk ends it
            db.execute("ROLLBACK")


def _parts(rows: sqlite3.Cursor, path: Path) -> Iterator[NDArray[np.float64]]:
    """Arrays (n, 2) of steps and values: of some rows each, so that a thread that reads lets others run."""
    try:
        while some := rows.fetchmany(ROWS_AT_ONCE):
            yield np.array(some, dtype=np.float64)  # None becomes NaN
    except (TypeError, ValueError) as error:
        raise RunDamagedError(f"{path} is damaged: a value is no number. Restore it from a copy.") from error
