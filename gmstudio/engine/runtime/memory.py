"""A limit of memory, so that a model too large for the machine ends in a sentence instead of a killed process.

Linux grants memory that is not there and kills a process that comes to use it. Under a limit the request itself fails,
torch raises, and the job that asked for it says so (``training_job.explain``).
"""

import ctypes
import platform
import re
import sys
from pathlib import Path

import torch

SPARED = 0.05
"""Share of the available memory that is left to others."""


def limit_memory(device: torch.device, room: int | None = None) -> None:
    """Let this process take what memory is available now, and no more; called again, what is available then.

    Where the models are on an accelerator, which refuses by itself, the limit is lifted: its driver sets address space
    apart that is never filled. Systems other than Linux have no such limit, or refuse by themselves.

    Args:
        device: where the models are.
        room: bytes on top of what the process has already; None: what is available.
    """
    if sys.platform != "linux":
        return
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = hard
    if device.type == "cpu":
        if room is None:
            room = available_memory()
        wanted = _kibibytes(Path("/proc/self/status"), "VmData") + room
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def available_memory() -> int:
    """Bytes that can be taken before the machine, or the container that this runs in, is out of them; Linux only."""
    free = _kibibytes(Path("/proc/meminfo"), "MemAvailable")
    group = Path("/sys/fs/cgroup")
    try:
        allowed, taken = ((group / f"memory.{name}").read_text().strip() for name in ("max", "current"))
    except OSError:  # no container, or one of the older kind
        allowed = taken = "max"
    if allowed.isdecimal():
        free = min(free, max(0, int(allowed) - int(taken)))
    return int(free * (1 - SPARED))


def _kibibytes(file: Path, name: str) -> int:
    """Bytes from a line such as ``MemAvailable:  1024 kB``."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", file.read_text(), re.MULTILINE)
    assert found is not None, f"{file} has no {name}"
    return int(found[1]) * 1024


OUT_OF_MEMORY = ("can't allocate memory", "bad_alloc")
"""What torch's errors say when the processor's memory is out."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out, on whatever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in OUT_OF_MEMORY)


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
