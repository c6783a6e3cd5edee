"""Device and versions that a measurement belongs to."""

import platform
import shutil
import subprocess
from pathlib import Path

import torch

from gmstudio import __version__
from gmstudio.engine.runtime.device import choose_device, describe_device

DRIVER_FILE = Path("/proc/driver/nvidia/version")


class NoDeviceError(ValueError):
    """This machine has no such device."""


def usable_device(name: str) -> torch.device:
    """Return the device of a name.

    Raises:
        NoDeviceError: when this machine has none, in a sentence that says what to do.
    """
    try:
        return choose_device(name)
    except ValueError as error:
        if name.startswith("cuda"):
            raise NoDeviceError(
                "There is no CUDA device here, so there is nothing to measure; run this on a machine with an NVIDIA "
                "GPU, its driver, and a torch that is built for CUDA."
            ) from error
        raise NoDeviceError(str(error)) from error


def describe_machine(device: torch.device) -> dict[str, str]:
    """Return the name of the device and the versions of what computes on it, by title."""
    found = {
        "Device": describe_device(device),
        "gmstudio": __version__,
        "torch": torch.__version__,
        "Python": platform.python_version(),
        "System": f"{platform.system()} {platform.release()}, {platform.machine()}",
    }
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
        found |= {
            "Devices": str(torch.cuda.device_count()),
            "Memory": f"{memory / 2**30:.0f} GiB",
            "CUDA": str(torch.version.cuda),
            "cuDNN": str(torch.backends.cudnn.version()),
            "Driver": driver_version(),
        }
    return found


def driver_version() -> str:
    """Return the version of NVIDIA's driver: of its own tool, else of the kernel's file; else that it is unknown."""
    tool = shutil.which("nvidia-smi")
    if tool is not None:
        asked = [tool, "--query-gpu=driver_version", "--format=csv,noheader"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode == 0 and done.stdout.strip():
            return done.stdout.split()[0]
    if DRIVER_FILE.is_file():
        return DRIVER_FILE.read_text(encoding="utf-8").splitlines()[0].strip()
    return "unknown"
