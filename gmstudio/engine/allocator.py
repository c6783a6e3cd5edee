"""Memory that a training step frees is kept for the next one, instead of going back to the system in between.

The C library hands the upper end of the heap back as soon as a little more than its largest block is free there, and
each step then gets its gradients and activations as fresh pages, which the system clears one by one: 15 to 75 thousand
of them for flows and for convolutional networks, up to a fifth of the step.
"""

import ctypes
import platform

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""``M_TRIM_THRESHOLD`` and ``M_MMAP_THRESHOLD`` of glibc's ``mallopt``."""
MAX_KEPT = 2**30
"""Bytes free at the upper end of the heap that are kept."""
MAX_BLOCK = 2**28
"""Larger blocks go back to the system whenever they are freed."""


def keep_freed_memory() -> bool:
    """Let this process keep up to a gibibyte of what it frees; called again, this changes nothing.

    Returns:
        Whether the C library can be told: glibc only; others are left as they are.
    """
    if not _is_glibc():
        return False
    library = ctypes.CDLL(None)
    kept = library.mallopt(TRIM_THRESHOLD, MAX_KEPT)
    return bool(library.mallopt(MMAP_THRESHOLD, MAX_BLOCK) and kept)


def give_back_memory() -> None:
    """Hand what is free back to the system, as when a training has ended; harmless at any time."""
    if _is_glibc():
        ctypes.CDLL(None).malloc_trim(0)


def _is_glibc() -> bool:
    return platform.libc_ver()[0] == "glibc"
