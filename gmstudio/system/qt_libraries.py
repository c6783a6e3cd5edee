"""System libraries that Qt needs on Linux and that its Python wheels do not include.

``python -m gmstudio.system.qt_libraries`` finds the missing ones, installs them with apt where permitted, and otherwise
prints the command. Pure Python, no Qt: it must work where Qt does not.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence

BASE_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libX11.so.6": "libx11-6",
    "libzstd.so.1": "libzstd1",
}
"""Library → Debian package, for QtGui and every platform plugin."""

X11_LIBRARIES = {
    "libxcb.so.1": "libxcb1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""Library → Debian package, in addition for the xcb platform plugin (X11)."""

WAYLAND_LIBRARIES = {
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
}
"""Library → Debian package, in addition for the Wayland platform plugin."""


def likely_platforms(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Qt platforms that a window would try here, by Qt's names, for example ``("wayland", "xcb")``.

    Args:
        environ: the environment variables. ``QT_QPA_PLATFORM`` decides (``name[:options][;name…]``), else the
            display variables; ``("offscreen",)`` when none is set.
    """
    chosen = environ.get("QT_QPA_PLATFORM", "")
    if chosen:
        names = (part.split(":")[0] for part in chosen.split(";"))
        return tuple("wayland" if name.startswith("wayland") else name for name in names if name)
    available = []
    if environ.get("WAYLAND_DISPLAY"):
        available.append("wayland")
    if environ.get("DISPLAY"):
        available.append("xcb")
    return tuple(available) or ("offscreen",)


def needed_libraries(platforms: Sequence[str]) -> dict[str, str]:
    """Libraries that Qt loads for these platform plugins, with the Debian package of each.

    Args:
        platforms: Qt platform names, for example ``("xcb",)``; others than ``xcb`` and ``wayland`` need the base only.
    """
    needed = dict(BASE_LIBRARIES)
    if "xcb" in platforms:
        needed |= X11_LIBRARIES
    if "wayland" in platforms:
        needed |= WAYLAND_LIBRARIES
    return needed


def missing_libraries(
    platforms: Sequence[str], *, load: Callable[[str], object] = ctypes.CDLL, system: str = sys.platform
) -> dict[str, str]:
    """Libraries of ``needed_libraries`` that the dynamic loader does not find; none on other systems than Linux.

    Args:
        platforms: Qt platform names.
        load: opens a library by name; raises ``OSError`` when it cannot.
        system: ``sys.platform``.
    """
    if system != "linux":
        return {}
    missing = {}
    for library, package in needed_libraries(platforms).items():
        try:
            load(library)
        except OSError:
            missing[library] = package
    return missing


def install_command(missing: Mapping[str, str]) -> str:
    """Shell command that installs the packages of ``missing`` on Debian and Ubuntu."""
    return "sudo apt-get install -y " + " ".join(sorted(set(missing.values())))


def describe_missing(missing: Mapping[str, str]) -> str:
    """One sentence: the libraries that Qt lacks and how to install them, with apt or without."""
    lacks = f"Qt needs {', '.join(missing)}, which this system lacks"
    if shutil.which("apt-get"):
        return f"{lacks}; install with: {install_command(missing)}"
    return f"{lacks}; install them with the system's package manager and start again."


def _root_prefix() -> list[str] | None:
    """Prefix of a command that is to run as root without a password prompt; None when that is impossible."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n"]
    return None


def install(missing: Mapping[str, str]) -> bool:
    """Install the packages of ``missing`` with apt, without prompts.

    Returns:
        False when apt is missing, not permitted, or failed (its messages are then on stderr).
    """
    prefix = _root_prefix()
    if prefix is None or not shutil.which("apt-get"):
        return False
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
    packages = sorted(set(missing.values()))
    subprocess.run([*apt, "update"], stdin=subprocess.DEVNULL, stdout=sys.stderr)
    done = subprocess.run(
        [*apt, "install", "-y", "--no-install-recommends", *packages], stdin=subprocess.DEVNULL, stdout=sys.stderr
    )
    return done.returncode == 0


def main(platforms: Sequence[str]) -> int:
    """Install the libraries that Qt lacks; returns the exit status.

    Args:
        platforms: Qt platform names; empty: those that a window would try here. One that is complete is enough.
    """
    platforms = platforms or likely_platforms(os.environ)
    missing = missing_libraries(platforms)
    if missing and install(missing):
        missing = missing_libraries(platforms)
    if not missing:
        return 0
    print(f"gmstudio: {describe_missing(missing)}", file=sys.stderr)
    return 0 if any(not missing_libraries((platform,)) for platform in platforms) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
