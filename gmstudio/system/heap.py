"""One heap for all threads of a process.

glibc gives threads heaps of their own, up to eight for each core, so that they do not wait for one another. What one
thread frees is not used by the others, and stays with the process: one in which threads read, compute and export beside
a training would grow for an hour. A heap that all share is not waited for, where one thread at a time does the work.
"""

import ctypes
import sys

ARENA_MAX = -8
"""``M_ARENA_MAX`` of glibc's ``mallopt``."""


def share_one_heap() -> bool:
    """Let all threads take their memory from one heap; call it before there is a second thread.

    Returns:
        False with a C library that has no such setting.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none, and one heap
    return mallopt is not None and bool(mallopt(ARENA_MAX, 1))
