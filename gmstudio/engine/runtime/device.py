"""Devices: choice, names, and memory in use."""

import psutil
import torch

_PROCESS = psutil.Process()


def available_devices() -> tuple[str, ...]:
    """Return the names that ``choose_device`` accepts on this machine."""
    names = ["auto"]
    names += [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return (*names, "cpu")


def choose_device(name: str) -> torch.device:
    """Return a device; ``auto`` is CUDA, else MPS, else the CPU.

    Raises:
        ValueError: when this machine has no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if name == "cuda":
        name = "cuda:0"
    if name not in available_devices():
        raise ValueError(f"There is no device {name!r} here; choose one of {', '.join(available_devices())}.")
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """Return a name for display, for example ``CPU (2 threads)``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU"
    threads = torch.get_num_threads()
    return f"CPU ({threads} thread{'' if threads == 1 else 's'})"


def memory_in_use(device: torch.device) -> int:
    """Return the bytes that torch has reserved on an accelerator, or the resident memory of this process."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    if device.type == "mps":
        return torch.mps.driver_allocated_memory()
    return int(_PROCESS.memory_info().rss)
