"""Curves of a run in few points, read without the others."""

import numpy as np

from gmstudio.runs.history import Curve, History

SKETCH_POINTS = 400


def sketched_curve(history: History, split: str, name: str, count: int = SKETCH_POINTS) -> Curve | None:
    """Read a curve in few points, evenly spread over its steps; None where there is none.

    The points are measured values, not means; the first and the last are among them.

    Args:
        history: of the run.
        split: ``train`` or ``valid``.
        name: of the term.
        count: of points, about.
    """
    with history.reading("points") as db:
        if db is None:
            return None
        found = db.execute("SELECT id FROM series WHERE split = ? AND name = ?", (split, name)).fetchone()
        if found is None:
            return None
        first, last = db.execute("SELECT min(step), max(step) FROM points WHERE series = ?", found).fetchone()
        if first is None:
            return None
        nearest = "SELECT step, value FROM points WHERE series = ? AND step >= ? ORDER BY step LIMIT 1"
        wanted = np.unique(np.linspace(first, last, count).astype(np.int64))
        rows = dict(db.execute(nearest, (*found, int(step))).fetchone() for step in wanted)
    steps = np.array(sorted(rows), np.int64)
    return steps, np.array([np.nan if rows[step] is None else rows[step] for step in steps.tolist()], np.float64)
