"""Surfaces as histograms, where a model has samples only.

Shapes: N samples, D dimensions, R rows, L columns.
"""

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.plane.grid import Grid
from gmstudio.engine.plane.rows import PIECE_S
from gmstudio.engine.plane.surface import Surface, SurfaceRequest
from gmstudio.families.base import Sampler
from gmstudio.families.generation import sample_in_pieces

NUM_COUNTED = 100_000
MOST_TOGETHER, FEWEST_TOGETHER = 1024, 64
PRODUCTS_TOGETHER = 1 << 26
"""Samples that are drawn together, times parameters of the model."""
SHOWN_EVERY_S = 0.25
QUICK_S = 0.4
"""Time after which a quick histogram counts no more, so that it follows a model in training whatever samples cost."""
KEPT_SAMPLES = 10_000
UNIFORM_SHARE = 0.01
"""Mass of a histogram that is spread evenly over all cells before its distances are computed."""


def by_counting(request: SurfaceRequest) -> Iterator[Surface | None]:
    """Histogram of samples, several times while it grows."""
    model, grid = request.model, request.grid
    assert isinstance(model, Sampler)
    together = samples_together(model.num_parameters())
    counts_M = np.zeros(grid.num_cells, np.int64)
    kept: list[NDArray[np.uint8]] = []
    counted, shown_at, began = 0, time.monotonic() - SHOWN_EVERY_S, time.perf_counter()
    spent_s, done = 0.0, False
    while not done:
        for images in sample_in_pieces(model, min(together, request.num_counted - counted), request.generator):
            if images is not None:
                drawn = images.cpu().numpy()
                counts_M += np.bincount(grid.cells(drawn), minlength=grid.num_cells)
                if counted < KEPT_SAMPLES:
                    kept.append(drawn)
                counted += len(drawn)
            if time.perf_counter() - began > PIECE_S:
                spent_s += time.perf_counter() - began
                yield None
                began = time.perf_counter()
        done = counted >= request.num_counted or (request.quick and spent_s > QUICK_S)
        if done or time.monotonic() - shown_at > SHOWN_EVERY_S:
            values, note = (counts_M / counted).reshape(grid.shape), histogram_note(counts_M, counted)
            yield Surface(values, "histogram", note, counted, np.concatenate(kept), done)
            shown_at, began = time.monotonic(), time.perf_counter()


def samples_together(num_parameters: int) -> int:
    """Samples that are drawn together, few enough for some milliseconds.

    It depends on nothing else, so that the same seed always gives the same samples.
    """
    wanted = PRODUCTS_TOGETHER // max(1, num_parameters)
    return min(MOST_TOGETHER, max(FEWEST_TOGETHER, 1 << max(0, wanted.bit_length() - 1)))


def histogram_note(counts_M: NDArray[np.int64], counted: int) -> str:
    """Sentences on how many samples were counted, and on what that means for the distances."""
    noise = (np.count_nonzero(counts_M) - 1) / (2 * counted)
    return (
        f"{counted:,} samples counted. For its distances {UNIFORM_SHARE:.0%} of the histogram's mass is spread evenly; "
        f"counting alone adds about {noise:.2g} nats to them."
    )


def smoothed(values: Grid) -> Grid:
    """Histogram with a share of its mass spread evenly over all cells, so that none is empty."""
    smooth: Grid = (1.0 - UNIFORM_SHARE) * values + UNIFORM_SHARE / values.size
    return smooth


def only_samples(model: object) -> bool:
    """Return whether samples can be counted."""
    return isinstance(model, Sampler)
