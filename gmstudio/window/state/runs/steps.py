"""Places among the steps at which a run has something to show."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def nearest(steps: Sequence[int], step: int | None) -> int | None:
    """Return the nearest of rising steps, of two equally near ones the earlier; None without any.

    Args:
        steps: rising.
        step: any step; None: the last.
    """
    if step is None:
        return steps[-1] if steps else None
    place = bisect_left(steps, step)
    around = steps[max(place - 1, 0) : place + 1]
    return min(around, key=lambda one: abs(one - step), default=None)


def latest_at(steps: Sequence[int], step: int) -> int | None:
    """Return the latest of rising steps at or before a step, else the first; None without any."""
    return steps[max(bisect_right(steps, step) - 1, 0)] if steps else None
