"""The heap of the process: one for all threads, and what of it is kept or returned to the system.

glibc gives threads heaps of their own, up to eight for each core, so that they do not wait for one another. What one
thread frees is not used by the others, and stays with the process: one in which threads read, compute and export beside
a training would grow for an hour. A heap that all share is not waited for, where one thread at a time does the work.

glibc returns the upper end of the heap to the system as soon as little more than its largest block is free there. Each
training step would then get gradients and activations as new pages, which the system clears one by one: 15 to 75
thousand of them for flows and convolutional networks, up to a fifth of the step. So freed memory is kept.
"""

import ctypes
import platform
import sys

ARENA_MAX, TRIM_THRESHOLD, MMAP_THRESHOLD = -8, -1, -3
"""Options of glibc's ``mallopt``."""
MAX_KEPT = 2**30
"""Free bytes at the upper end of the heap that are not returned to the system."""
MAX_BLOCK = 2**28
"""Larger blocks are returned to the system when they are freed."""


def share_one_heap() -> bool:
    """Let all threads take their memory from one heap; call it before there is a second thread.

    Returns:
        True with glibc; other C libraries have no such setting, and musl one heap.
    """
    return is_glibc() and bool(ctypes.CDLL(None).mallopt(ARENA_MAX, 1))


def keep_freed_memory() -> bool:
    """Let this process keep up to a gibibyte of freed memory for reuse; harmless when done twice.

    Returns:
        True with glibc; other C libraries have no such setting.
    """
    if not is_glibc():
        return False
    library = ctypes.CDLL(None)
    kept = library.mallopt(TRIM_THRESHOLD, MAX_KEPT)
    return bool(library.mallopt(MMAP_THRESHOLD, MAX_BLOCK) and kept)


def return_free_memory() -> None:
    """Return what is free on the heap to the system; harmless at any time."""
    if is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def is_glibc() -> bool:
    """Return whether the process uses glibc."""
    return sys.platform == "linux" and platform.libc_ver()[0] == "glibc"
