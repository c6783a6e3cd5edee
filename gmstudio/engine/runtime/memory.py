"""Memory of the process: a limit on it, and its return after a training.

A model too large for the machine should cause an error message instead of a killed process. Linux overcommits memory
and kills a process that uses more than there is. Under a limit the allocation fails instead, torch raises an error, and
the command fails with a sentence (``errors.error_sentence``).
"""

import gc
import re
import sys
from pathlib import Path

import torch

from gmstudio.system.heap import return_free_memory

SPARED = 0.05
"""Share of the available memory that is left to other processes."""


def limit_memory(device: torch.device, room: int | None = None) -> None:
    """Limit this process to the memory that is available now; a later call replaces the limit.

    For an accelerator, which refuses allocations itself, the limit is removed: its driver reserves address space that
    is never filled. On systems other than Linux nothing is limited.

    Args:
        device: device of the models.
        room: bytes beyond those that the process has; None: the available memory.
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
    """Return the bytes that are available on the machine, or in the container; Linux only."""
    free = _kibibytes(Path("/proc/meminfo"), "MemAvailable")
    group = Path("/sys/fs/cgroup")
    try:
        allowed, taken = ((group / f"memory.{name}").read_text().strip() for name in ("max", "current"))
    except OSError:  # no container, or one with cgroup version 1
        allowed = taken = "max"
    if allowed.isdecimal():
        free = min(free, max(0, int(allowed) - int(taken)))
    return int(free * (1 - SPARED))


def _kibibytes(file: Path, name: str) -> int:
    """Read bytes from a line such as ``MemAvailable:  1024 kB``."""
    found = re.search(rf"^{name}:\s+(\d+) kB$", file.read_text(), re.MULTILINE)
    assert found is not None, f"{file} has no {name}"
    return int(found[1]) * 1024


OUT_OF_MEMORY = ("can't allocate memory", "bad_alloc")
"""Parts of torch's error messages when the CPU's memory is exhausted."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error means that memory ran out, on any device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(part in str(error) for part in OUT_OF_MEMORY)


def give_back_memory() -> None:
    """Return free memory to the system, as at the end of a training; harmless at any time.

    A model that was trained is part of reference cycles, with its optimizer and its gradients. They go first, where the
    modules are not looked through, too, as in the process of the engine: that would take a tenth of a second.
    """
    if gc.get_freeze_count():
        gc.collect()
    return_free_memory()
