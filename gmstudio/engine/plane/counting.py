"""Surfaces as histograms, where a model has samples only.

Shapes: N samples, D dimensions, R rows, L columns.
"""

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gmstudio.engine.plane.grid import Grid
from gmstudio.engine.plane.surface import Surface, SurfaceRequest
from gmstudio.families.base import Sampler
from gmstudio.families.generation import sample_in_pieces

NUM_COUNTED = 100_000
FIRST_SAMPLES = 256
MOST_SAMPLES = 16_384
"""Samples that are drawn together."""
LONGEST_S = 0.02
SHOWN_EVERY_S = 0.25
KEPT_SAMPLES = 10_000
UNIFORM_SHARE = 0.01
"""Mass of a histogram that is spread evenly over all cells before its distances are computed."""


def by_counting(request: SurfaceRequest) -> Iterator[Surface | None]:
    """Histogram of samples, several times while it grows."""
    model, grid = request.model, request.grid
    assert isinstance(model, Sampler)
    counts_M = np.zeros(grid.num_cells, np.int64)
    kept: list[NDArray[np.uint8]] = []
    together, counted, shown_at = FIRST_SAMPLES, 0, time.monotonic() - SHOWN_EVERY_S
    while counted < request.num_counted:
        wanted = min(together, request.num_counted - counted)
        longest, began = 0.0, time.perf_counter()
        for images in sample_in_pieces(model, wanted, request.generator):
            longest = max(longest, time.perf_counter() - began)
            if images is None:
                yield None
                began = time.perf_counter()
                continue
            drawn = images.cpu().numpy()
            counts_M += np.bincount(grid.cells(drawn), minlength=grid.num_cells)
            if counted < KEPT_SAMPLES:
                kept.append(drawn)
            counted += len(drawn)
        together = _adapted(together, longest)
        done = counted >= request.num_counted
        if done or time.monotonic() - shown_at > SHOWN_EVERY_S:
            shown_at = time.monotonic()
            values = (counts_M / counted).reshape(grid.shape)
            note = histogram_note(counts_M, counted)
            yield Surface(values, "histogram", note, counted, np.concatenate(kept), done)
        else:
            yield None


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


def _adapted(together: int, longest_s: float) -> int:
    if longest_s > LONGEST_S:
        return max(together // 2, 16)
    return min(2 * together, MOST_SAMPLES) if longest_s < LONGEST_S / 3 else together
