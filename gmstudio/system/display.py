"""Can a window open here? Answers before Qt is loaded, because Qt's own answer is to abort the process.

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

WHAT_TO_DO = (
    "start it from a desktop session, connect with `ssh -X`, or give it a virtual display with `xvfb-run -a`; "
    "the `train`, `sample` and `runs` commands need no display"
)
PROBE_TIMEOUT_S = 3.0


def display_problem(environ: Mapping[str, str] | None = None, *, system: str = sys.platform) -> str | None:
    """Why a window cannot open here and what to do, in one sentence; None when it can.

    Args:
        environ: the environment variables, by default the process's.
        system: ``sys.platform``. Only Linux can lack a display or the libraries for one.
    """
    if system != "linux":
        return None
    environ = os.environ if environ is None else environ
    platforms = likely_platforms(environ)
    if not environ.get("QT_QPA_PLATFORM") and platforms == ("offscreen",):
        return f"No window can open: neither DISPLAY nor WAYLAND_DISPLAY is set, so there is no display; {WHAT_TO_DO}."
    refusals = []
    for platform in platforms:
        missing = missing_libraries((platform,), system=system)
        refusal = describe_missing(missing) if missing else _unreachable(platform, environ)
        if refusal is None:
            return None
        refusals.append(refusal)
    return refusals[-1]


def _unreachable(platform: str, environ: Mapping[str, str]) -> str | None:
    """Why the platform's display server cannot be used; None when it can, or when the platform needs none."""
    probes: dict[str, tuple[str, Callable[[Mapping[str, str]], bool]]] = {
        "xcb": ("DISPLAY", _x11_answers),
        "wayland": ("WAYLAND_DISPLAY", _wayland_answers),
    }
    if platform not in probes:
        return None
    variable, answers = probes[platform]
    if platform == "xcb" and not environ.get(variable):
        return f"No window can open: QT_QPA_PLATFORM asks for xcb but DISPLAY is not set; {WHAT_TO_DO}."
    if answers(environ):
        return None
    value = environ.get(variable, "")
    return f"No window can open: the display {variable}={value} cannot be reached or refuses us; {WHAT_TO_DO}."


def _x11_answers(environ: Mapping[str, str]) -> bool:
    """Connect to the X server as Qt would, authorization included, and hang up; a silent server is given up on."""
    outcome: list[bool] = []
    # libxcb waits for ever, so it waits in a thread that the process need not wait for.
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


def _wayland_answers(environ: Mapping[str, str]) -> bool:
    """Whether the compositor's socket takes connections."""
    folder = Path(environ.get("XDG_RUNTIME_DIR", ""))
    path = folder / (environ.get("WAYLAND_DISPLAY") or "wayland-0")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(PROBE_TIMEOUT_S)
        try:
            client.connect(str(path))
        except OSError:
            return False
    return True
