"""Part of a batch: what a loss can look up while the batch is computed in parts, one after another or by several ranks.

The loss of a batch is a mean over images, so that of its parts, weighted by their sizes, is the same. What is no mean
needs the whole batch: times that are spread evenly over it, or biases that start at its frequencies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class BatchPart:
    """Rows ``start`` … ``stop`` − 1 of a batch.

    Args:
        start: first row.
        stop: row after the last one.
        images: the whole batch, (B, C, H, W) integers.
    """

    start: int
    stop: int
    images: Tensor

    @property
    def size(self) -> int:
        """Number of rows."""
        return self.stop - self.start

    @property
    def total(self) -> int:
        """Number of rows of the whole batch."""
        return len(self.images)

    @property
    def weight(self) -> float:
        """Share of the whole batch."""
        return self.size / self.total


_current: ContextVar[BatchPart | None] = ContextVar("batch_part", default=None)


@contextmanager
def computing(part: BatchPart) -> Iterator[None]:
    """Context in which a loss is that of a part of a batch."""
    token = _current.set(part)
    try:
        yield
    finally:
        _current.reset(token)


def whole_batch(images: Tensor) -> Tensor:
    """Return the batch of which these images are a part; the images themselves where they are a batch."""
    part = _current.get()
    return part.images if part is not None and len(images) == part.size else images


def whole_count(count: int) -> int:
    """Return how many there are in the whole batch of what a part has ``count``."""
    part = _current.get()
    return count if part is None else count * part.total // part.size
