"""Results of work in pieces, and numerical work in threads beside the engine's loop."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from gmstudio.engine.runtime.inspection import finished, in_background, started

S = TypeVar("S")
T = TypeVar("T")


def result_of(pieces: Iterator[T | None]) -> Generator[None, None, T]:
    """Advance work that yields None after each piece and, last, its result; yields as often, and returns the result."""
    for piece in pieces:
        if piece is not None:
            return piece
        yield None
    raise AssertionError("The last piece is the result.")


def at_once(job: Generator[Any, None, T]) -> T:
    """Advance a job to its end, and return its result."""
    while True:
        try:
            next(job)
        except StopIteration as end:
            result: T = end.value
            return result


def beside(work: Callable[[], T]) -> Generator[None, None, T]:
    """Run work that touches no model of others in a thread; yields while it runs, and returns its result.

    The result may be None, unlike that of ``result_of``.
    """
    (found,) = yield from result_of(in_background(lambda: (work(),)))
    return found


def in_threads(items: Iterable[S], work: Callable[[S], T], count: int) -> Iterator[T | None]:
    """Process items in threads; yields the results in the order of the items, and None while the next is not ready.

    A generator that is closed ends the work after the items in hand.

    Args:
        items: as many as there are threads are in hand.
        work: touches no model, and its result is not None.
        count: of threads.
    """
    in_hand = deque[Future[T]]()
    for item in items:
        if len(in_hand) == count:
            yield from finished(in_hand.popleft())
        in_hand.append(started(partial(work, item)))
    while in_hand:
        yield from finished(in_hand.popleft())


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
