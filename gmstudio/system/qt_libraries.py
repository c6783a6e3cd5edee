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
from glob import escape
from importlib.util import find_spec
from pathlib import Path

from gmstudio.system.elf import linked_libraries

MODULES = ("Core", "DBus", "Gui", "Widgets", "OpenGL", "Svg", "SvgWidgets")
"""Modules of Qt that a window loads on every platform."""
PACKAGES = {"libglib-2.0.so.0": "libglib2.0-0", "libgthread-2.0.so.0": "libglib2.0-0", "libz.so.1": "zlib1g"}
"""Library → Debian package, where the name of the package does not follow from that of the library."""


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


def qt_folder() -> Path | None:
    """Folder of Qt in the PySide6 wheel, which is not imported; None where PySide6 is not from a wheel."""
    spec = find_spec("PySide6")
    folders = [Path(place) / "Qt" for place in (spec.submodule_search_locations or ())] if spec else []
    return next((folder for folder in folders if folder.is_dir()), None)


def needed_libraries(platforms: Sequence[str]) -> dict[str, str]:
    """System libraries that Qt and its platform plugins link to, with the Debian package of each.

    They are read from the binaries of the wheel, so that they are those of the Qt that is installed.

    Args:
        platforms: Qt platform names, for example ``("xcb",)``; those without a plugin need the base only.
    """
    qt = qt_folder()
    if qt is None:
        return {}
    waiting = [qt / "lib" / f"libQt6{module}.so.6" for module in MODULES]
    for platform in platforms:
        waiting += sorted((qt / "plugins" / "platforms").glob(f"libq{escape(platform)}.so"))
    needed: dict[str, str] = {}
    seen: set[Path] = set()
    while waiting:
        file = waiting.pop(0)
        if file in seen or not file.exists():
            continue
        seen.add(file)
        for name in linked_libraries(file):
            if (qt / "lib" / name).exists():
                waiting.append(qt / "lib" / name)
            else:
                needed[name] = debian_package(name)
    return needed


def debian_package(library: str) -> str:
    """Return the Debian package of a library by the rules of its policy (section 8.1), for example ``libxcb1``."""
    stem, _, version = library.partition(".so.")
    stem = stem.lower().replace("_", "-")
    return PACKAGES.get(library, f"{stem}-{version}" if stem[-1:].isdigit() else f"{stem}{version}")


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
