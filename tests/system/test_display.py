"""The test for a usable display: one sentence, from the display server itself, and quickly."""

import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gmstudio.system import display
from gmstudio.system.display import display_problem

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def complete_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "missing_libraries", lambda platforms, *, system: {})


class OneAnswerServer:
    """Listens on a free port and answers the first greeting of an X client with fixed bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.display = f"127.0.0.1:{self._listener.getsockname()[1] - 6000}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client:
            client.recv(1024)
            client.sendall(self._answer)
            self._closing.wait(30)

    def close(self) -> None:
        self._closing.set()
        self._thread.join(5)
        self._listener.close()


def welcome() -> bytes:
    """The shortest successful reply to a connection setup, no screens (X Window System Protocol, chapter 8)."""
    fixed = struct.pack("<IIIIHHBBBBBBBB4x", 1, 0x200000, 0x1FFFFF, 0, 0, 65535, 0, 0, 0, 0, 32, 32, 8, 255)
    return struct.pack("<BxHHH", 1, 11, 0, len(fixed) // 4) + fixed


def refusal(reason: bytes = b"No protocol specified\n") -> bytes:
    padded = reason + bytes(-len(reason) % 4)
    return struct.pack("<BBHHH", 0, len(reason), 11, 0, len(padded) // 4) + padded


@pytest.fixture
def x_server(request: pytest.FixtureRequest) -> Iterator[OneAnswerServer]:
    server = OneAnswerServer(request.param)
    yield server
    server.close()


def test_no_display_is_reported_with_the_remedy() -> None:
    problem = display_problem({}, system="linux")
    assert problem is not None
    assert "DISPLAY" in problem
    assert "xvfb-run" in problem
    assert "\n" not in problem


@pytest.mark.parametrize("platform", ["offscreen", "minimal", "vnc:size=800x600"])
def test_platforms_that_need_no_display_are_left_alone(platform: str) -> None:
    assert display_problem({"QT_QPA_PLATFORM": platform}, system="linux") is None


def test_other_systems_always_have_a_display() -> None:
    assert display_problem({}, system="darwin") is None
    assert display_problem({}, system="win32") is None


def test_xcb_without_a_display_is_reported() -> None:
    problem = display_problem({"QT_QPA_PLATFORM": "xcb"}, system="linux")
    assert problem is not None
    assert "is xcb but DISPLAY is not set" in problem


@pytest.mark.parametrize("name", [":65000", "127.0.0.1:65000", "nonsense", "127.0.0.1:x", ":"])
def test_a_display_that_nobody_serves_is_named(name: str) -> None:
    problem = display_problem({"DISPLAY": name}, system="linux")
    assert problem is not None
    assert f"DISPLAY={name} " in problem


@pytest.mark.parametrize("x_server", [welcome()], indirect=True)
def test_a_server_that_lets_us_in_is_no_problem(x_server: OneAnswerServer) -> None:
    assert display_problem({"DISPLAY": x_server.display}, system="linux") is None


@pytest.mark.parametrize("x_server", [refusal(), b"\0"], indirect=True, ids=["refuses", "falls silent"])
def test_a_server_that_refuses_us_is_named(x_server: OneAnswerServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "PROBE_TIMEOUT_S", 0.5)
    problem = display_problem({"DISPLAY": x_server.display}, system="linux")
    assert problem is not None
    assert "refuses the connection" in problem


def test_wayland_is_asked_at_its_socket() -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as compositor:
        environ = {"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": folder}
        problem = display_problem(environ, system="linux")
        assert problem is not None
        assert "WAYLAND_DISPLAY=wayland-7" in problem
        compositor.bind(f"{folder}/wayland-7")
        compositor.listen()
        assert display_problem(environ, system="linux") is None


@pytest.mark.parametrize("x_server", [welcome()], indirect=True)
def test_one_display_of_two_is_enough(x_server: OneAnswerServer) -> None:
    environ = {"WAYLAND_DISPLAY": "wayland-7", "XDG_RUNTIME_DIR": "/nonexistent", "DISPLAY": x_server.display}
    assert display_problem(environ, system="linux") is None


def test_missing_libraries_come_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(display, "missing_libraries", lambda platforms, *, system: {"libEGL.so.1": "libegl1"})
    problem = display_problem({"QT_QPA_PLATFORM": "offscreen"}, system="linux")
    assert problem is not None
    assert problem.endswith("sudo apt-get install -y libegl1")


def test_the_answer_needs_no_qt() -> None:
    script = "import gmstudio.system.display as d, sys; d.display_problem(); print('PySide6' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "False\n"
