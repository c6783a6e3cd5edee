"""Checkpoints of a run that stay on the disk: the newest, the marked ones, and some spread over the training."""

from collections.abc import Collection, Sequence

NEWEST = 2
"""Newest checkpoints, which are kept whole: if the latest is damaged, training continues from the other."""
MAX_AUTOMATIC = 12
"""Checkpoints spread over the training where their number is not set."""
AUTOMATIC_BYTES = 256 * 2**20
"""Disk space for their weights where their number is not set."""


def travel_count(wanted: int | None, weights_bytes: int) -> int:
    """Return how many checkpoints are kept for time travel, the newest not counted.

    Args:
        wanted: number that is set; None: ``MAX_AUTOMATIC``, or as many as fit into ``AUTOMATIC_BYTES``.
        weights_bytes: of the weights in one checkpoint.
    """
    if wanted is not None:
        return wanted
    return min(MAX_AUTOMATIC, AUTOMATIC_BYTES // max(weights_bytes, 1))


def spread(steps: Collection[int], count: int, fixed: Collection[int] = ()) -> list[int]:
    """Choose steps that are spread over the training, so that the same ones are chosen again when later ones come.

    As long as there are too many, the step whose neighbours are closest together is dropped; of several the latest. So
    gaps differ by about a factor of two at most, however long the training becomes. The first step stays.

    Args:
        steps: candidates.
        count: number of steps to choose at most.
        fixed: steps that are kept in any case, which leave gaps to be filled.

    Returns:
        The chosen ones among the candidates, rising.
    """
    chosen = sorted(set(steps))
    while len(chosen) > count:
        chosen.remove(_least_needed(chosen, sorted({*chosen, *fixed})))
    return chosen


def _least_needed(chosen: Sequence[int], there: Sequence[int]) -> int:
    """Step without which the gap is smallest; the first and the last of all have no gap around them, and stay."""

    def gap(step: int) -> tuple[float, int]:
        place = there.index(step)
        inside = 0 < place < len(there) - 1
        return (there[place + 1] - there[place - 1] if inside else float("inf"), -step)

    return min(chosen, key=gap)
