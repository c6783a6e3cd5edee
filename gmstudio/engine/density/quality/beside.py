"""Numerical work in blocks beside the engine's loop."""

from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import TypeVar

from gmstudio.engine.runtime.inspection import in_background

T = TypeVar("T")


def beside(work: Callable[[], T]) -> Generator[None, None, T]:
    """Run work that touches no model of others in a thread; yields while it runs, and returns its result."""
    found: list[T] = []

    def run() -> bool:
        found.append(work())
        return True

    for over in in_background(run):
        if not over:
            yield None
    return found[0]


def in_blocks(total: int, length: int, work: Callable[[slice], None]) -> Iterator[None]:
    """Process items ``0 … total`` in blocks, each in a thread, one after the other; yields while they run.

    A generator that is closed ends the work after the block in hand.

    Args:
        total: number of items.
        length: items of a block.
        work: processes a slice.
    """
    for start in range(0, total, length):
        yield from beside(partial(work, slice(start, min(start + length, total))))
