"""Surfaces of a run of points in its history: the density of its model over the grid, by training step.

A surface is stored as half-precision numbers relative to its largest one, so that 39 powers of two are kept.
"""

import json
import math
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gmstudio.runs.history import History
from gmstudio.runs.packing import packed, unpacked
from gmstudio.runs.record import RunDamagedError, RunMissingError

TABLE = "surfaces"
MAX_SURFACES = 240
MAX_SURFACE_BYTES = 1 << 25
ALL_KEPT_TO = 100
"""Step up to which thinning keeps all surfaces, since a model changes most at the beginning."""
_TOP = 2.0**15
Metrics = dict[str, float]


class StoredSurface(NamedTuple):
    """Surface recorded at a step.

    Args:
        step: training steps made.
        seconds: of training until then.
        method: how it was computed.
        note: one sentence; empty: none.
        metrics: distances from the true distribution, by name.
        values: (R, L) float32 probabilities.
    """

    step: int
    seconds: float
    method: str
    note: str
    metrics: Metrics
    values: NDArray[np.float32]


class SurfaceEntry(NamedTuple):
    """Surface in a list: all but its values."""

    step: int
    seconds: float
    metrics: Metrics


def append_surface(history: History, surface: StoredSurface) -> None:
    """Store a surface, in place of one of the same step; where there are too many, every second one goes.

    Raises:
        RunError: when it cannot be written.
        ValueError: for values that are not finite.
    """
    peak = float(surface.values.max(initial=0.0))
    if not math.isfinite(peak) or not np.isfinite(surface.values).all():
        raise ValueError("A surface has values that are not finite.")
    scaled = (surface.values * (_TOP / peak if peak > 0 else 0.0)).astype(np.float16)
    metrics = json.dumps({"peak": peak, **surface.metrics})
    shape, dtype, payload = packed(scaled)
    row = (int(surface.step), float(surface.seconds), surface.method, surface.note, metrics, shape, dtype, payload)
    with history.writing() as database:
        database.execute(f"INSERT OR REPLACE INTO {TABLE} VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        rows = database.execute(f"SELECT step, length(payload) FROM {TABLE} ORDER BY step").fetchall()
        if len(rows) > MAX_SURFACES or sum(size for _, size in rows) > MAX_SURFACE_BYTES:
            later = [step for step, _ in rows if step > ALL_KEPT_TO]
            database.executemany(f"DELETE FROM {TABLE} WHERE step = ?", [(step,) for step in later[-2::-2]])


def list_surfaces(history: History) -> list[SurfaceEntry]:
    """Return what was recorded, by rising step; nothing for a history of an earlier version.

    Raises:
        RunDamagedError: when it is damaged.
    """
    with history.reading(TABLE) as database:
        if database is None:
            return []
        rows = database.execute(f"SELECT step, seconds, metrics FROM {TABLE} ORDER BY step").fetchall()
    return [SurfaceEntry(step, seconds, _metrics(history, step, text)[1]) for step, seconds, text in rows]


def read_surface(history: History, step: int) -> StoredSurface:
    """Return the surface of exactly this step.

    Raises:
        RunMissingError: when there is none.
        RunDamagedError: when it is damaged.
    """
    row = None
    with history.reading(TABLE) as database:
        if database is not None:
            columns = "seconds, method, note, metrics, shape, dtype, payload"
            row = database.execute(f"SELECT {columns} FROM {TABLE} WHERE step = ?", (step,)).fetchone()
    if row is None:
        raise RunMissingError(f"{history.path} keeps no surface of step {step}. Ask for one of its recorded steps.")
    seconds, method, note, text, *array = row
    peak, metrics = _metrics(history, step, text)
    try:
        values = unpacked(*array).astype(np.float32) * np.float32(peak / _TOP)
    except (ValueError, TypeError, RecursionError, zlib.error) as error:
        raise _damaged(history, step) from error
    if values.ndim != 2:
        raise _damaged(history, step)
    return StoredSurface(step, seconds, method, note, metrics, values)


def _metrics(history: History, step: int, text: Any) -> tuple[float, Metrics]:
    """Largest value, and metrics."""
    try:
        metrics = {str(name): float(value) for name, value in json.loads(text).items()}
        return metrics.pop("peak"), metrics
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise _damaged(history, step) from error


def _damaged(history: History, step: int) -> RunDamagedError:
    return RunDamagedError(f"{history.path}: the surface of step {step} is damaged. The other steps may be whole.")
