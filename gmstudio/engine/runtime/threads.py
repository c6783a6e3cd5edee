"""Number of threads of torch's operations on the CPU."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def computing_threads(count: int) -> Iterator[None]:
    """Compute with a number of threads, and with as many as before afterwards."""
    before = torch.get_num_threads()
    if before == count:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def compute_alone() -> None:
    """Let the calling thread compute alone from now on; the others keep their number of threads.

    The number that is set last is also that of threads that compute for the first time later, so it is set again.
    """
    before = torch.get_num_threads()
    if before > 1:
        torch.set_num_threads(1)
        restoring = threading.Thread(target=torch.set_num_threads, args=(before,))
        restoring.start()
        restoring.join()
