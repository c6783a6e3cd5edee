"""Test whether a window can open here, before Qt is loaded, since Qt aborts the process where it cannot.

Pure Python, no Qt, a few milliseconds.
"""

import ctypes
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from gmstudio.system.qt_libraries import describe_missing, likely_platforms, missing_libraries

REMEDY = (
    "start it from a desktop session, connect with `ssh -X`, or start a virtual display with `xvfb-run -a`; "
    "the `train`, `sample` and `runs` commands need no display"
)
PROBE_TIMEOUT_S = 3.0


def display_problem(environ: Mapping[str, str] | None = None, *, system: str = sys.platform) -> str | None:
    """Reason why no window can open here, with the remedy, as one sentence; None when one can.

    Args:
        environ: the environment variables, by default the process's.
        system: ``sys.platform``. Only Linux can lack a display or the libraries for one.
    """
    if system != "linux":
        return None
    environ = os.environ if environ is None else environ
    platforms = likely_platforms(environ)
    if not environ.get("QT_QPA_PLATFORM") and platforms == ("offscreen",):
        return f"No window can open: neither DISPLAY nor WAYLAND_DISPLAY is set, so there is no display; {REMEDY}."
    refusals = []
    for platform in platforms:
        missing = missing_libraries((platform,), system=system)
        refusal = describe_missing(missing) if missing else _unreachable(platform, environ)
        if refusal is None:
            return None
        refusals.append(refusal)
    return refusals[-1]


def _unreachable(platform: str, environ: Mapping[str, str]) -> str | None:
    """Reason why the platform's display server cannot be used; None when it can, or when the platform needs none."""
    probes: dict[str, tuple[str, Callable[[Mapping[str, str]], bool]]] = {
        "xcb": ("DISPLAY", _x11_connects),
        "wayland": ("WAYLAND_DISPLAY", _wayland_connects),
    }
    if platform not in probes:
        return None
    variable, connects = probes[platform]
    if platform == "xcb" and not environ.get(variable):
        return f"No window can open: QT_QPA_PLATFORM is xcb but DISPLAY is not set; {REMEDY}."
    if connects(environ):
        return None
    value = environ.get(variable, "")
    return f"No window can open: the display {variable}={value} cannot be reached or refuses the connection; {REMEDY}."


def _x11_connects(environ: Mapping[str, str]) -> bool:
    """Connect to the X server as Qt would, authorization included, and disconnect; False after ``PROBE_TIMEOUT_S``."""
    outcome: list[bool] = []
    # libxcb has no timeout, so it runs in a daemon thread.
    probe = threading.Thread(target=lambda: outcome.append(_xcb_connects(environ["DISPLAY"])), daemon=True)
    probe.start()
    probe.join(PROBE_TIMEOUT_S)
    return outcome == [True]


def _xcb_connects(display: str) -> bool:
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = [ctypes.c_void_p]
    xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(display.encode(), None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not failed


def _wayland_connects(environ: Mapping[str, str]) -> bool:
    """Test whether the compositor's socket accepts connections."""
    folder = Path(environ.get("XDG_RUNTIME_DIR", ""))
    path = folder / (environ.get("WAYLAND_DISPLAY") or "wayland-0")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(PROBE_TIMEOUT_S)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True
