"""Waiting for threads a little at a time, so that other work goes on meanwhile."""

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, wait
from typing import Any, TypeVar

T = TypeVar("T")
P = TypeVar("P")
WAIT_S = 0.02


def in_thread(pool: Executor, action: Callable[[], T], meanwhile: P) -> Generator[P, None, T]:
    """Run an action on a thread, and return its result; yields ``meanwhile`` as long as it is not done."""
    future = pool.submit(action)
    yield from waiting([future], meanwhile)
    return future.result()


def waiting(futures: Iterable[Future[Any]], meanwhile: P) -> Generator[P, None, None]:
    """Yield ``meanwhile`` until all futures are done."""
    left = set(futures)
    while left:
        left = wait(left, WAIT_S).not_done
        if left:
            yield meanwhile
