"""Time that the surface of a model takes, for benchmarks."""

import time
from typing import NamedTuple

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.counting import NUM_COUNTED
from gmstudio.engine.plane.grid import grid_of_data
from gmstudio.engine.plane.metrics import UNKNOWN, Reference
from gmstudio.engine.plane.rules import surface_pieces
from gmstudio.engine.plane.surface import Surface
from gmstudio.families.base import Family
from gmstudio.protocol.plane import SurfaceMethod, SurfaceMetrics


class SurfaceTiming(NamedTuple):
    """Surface of a model with its time.

    Args:
        method: how it was computed; None: the model has neither density nor samples.
        milliseconds: of the whole surface.
        longest_piece_ms: of the longest piece, for which commands wait.
        metrics: distances from the true distribution.
        note: as it is shown.
    """

    method: SurfaceMethod | None
    milliseconds: float
    longest_piece_ms: float
    metrics: SurfaceMetrics
    note: str


def time_surface(
    model: Family, dataset: Dataset, seed: int = 0, num_counted: int = NUM_COUNTED, *, quick: bool = False
) -> SurfaceTiming:
    """Compute the surface of a model and measure the time, without that of its metrics.

    Args:
        model: trained on points.
        dataset: of these points.
        seed: of all noise.
        num_counted: samples that are counted, where only samples exist.
        quick: a quick surface, as it is shown first and while the model trains.
    """
    grid = grid_of_data(model, dataset)
    total_s = longest_s = 0.0
    last: Surface | None = None
    pieces = surface_pieces(model, grid, seed, dataset.train.labels, num_counted, quick=quick)
    while True:
        began = time.perf_counter()
        try:
            surface = next(pieces)
        except StopIteration:
            break
        finally:
            took_s = time.perf_counter() - began
            total_s, longest_s = total_s + took_s, max(longest_s, took_s)
        last = surface or last
    metrics = UNKNOWN if last is None else Reference.of(grid, dataset).measure(last)
    method, note = (None, "") if last is None else (last.method, last.note)
    return SurfaceTiming(method, 1e3 * total_s, 1e3 * longest_s, metrics, note)
