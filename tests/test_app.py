"""The whole window as a process: it opens, survives exceptions, and leaves no process behind."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from pytestqt.qtbot import QtBot

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT_S = 60
START = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
import fake_engine, toy_panels
from gmstudio.app import run
{before}
code = run(sys.argv[:1], smoke={smoke}, engine_command=fake_engine.command({options}), places=toy_panels.PLACES)
print("torch" in sys.modules)
sys.exit(code)
"""


def program(*options: str, smoke: bool = True, before: str = "") -> list[str]:
    script = START.format(
        root=str(ROOT), tests=str(ROOT / "tests"), smoke=smoke, before=before, options=", ".join(map(repr, options))
    )
    return [sys.executable, "-c", script]


def run_window(*options: str, before: str = "", smoke: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        program(*options, before=before, smoke=smoke), capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def test_smoke_opens_waits_closes(home: Path) -> None:
    done = run_window()
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False", "the window must not load torch"
    assert (home / "window.ini").exists()


def test_threads_beside_the_event_loop_give_the_interpreters_lock_back_soon() -> None:
    done = run_window(before="import atexit; atexit.register(lambda: print(sys.getswitchinterval()))")
    assert done.returncode == 0, done.stderr
    _, interval_s = done.stdout.split()
    assert 50 * float(interval_s) < 0.016, "fifty calls into Qt must not wait for longer than a frame"


def test_smoke_fails_in_words_when_the_engine_dies() -> None:
    done = run_window("--die-before-catalog", "1")
    assert done.returncode == 1
    assert "The engine ended while starting with exit code 1." in done.stderr
    assert "No module named 'torch'" in done.stderr


def test_no_display_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    if sys.platform != "linux":
        pytest.skip("only Linux can be without a display")
    done = run_window()
    assert done.returncode == 1
    assert "no display" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_slot_that_raises_is_reported_and_the_window_stays_open() -> None:
    before = """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
def break_something():
    from gmstudio.window.gui.shell.main_window import MainWindow
    window = next(w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))
    def look():
        print(window.banner.notice.text)
        window.close()
    QTimer.singleShot(0, look)
    raise RuntimeError("a slot went wrong")
app = QApplication([])
QTimer.singleShot(300, break_something)
"""
    done = run_window(before=before, smoke=False)
    assert done.returncode == 0, done.stderr
    assert "Unexpected error in the window: RuntimeError: a slot went wrong." in done.stdout
    assert "RuntimeError: a slot went wrong" in done.stderr


SAY_READY = """
from gmstudio.window.state.studio import Studio
plain = Studio.__init__
def reporting(self, client):
    plain(self, client)
    self.library.catalog_arrived.connect(lambda: print(client.state.pid, flush=True))
Studio.__init__ = reporting
"""


def process_exists(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ending_the_window_leaves_no_engine(qtbot: QtBot, tmp_path: Path, number: signal.Signals) -> None:
    saved = tmp_path / "saved"
    line = program("--saved", str(saved), smoke=False, before=SAY_READY)
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as window:
        try:
            assert window.stdout is not None
            engine_pid = int(window.stdout.readline())
            assert process_exists(engine_pid)
            window.send_signal(number)
            code = window.wait(timeout=TIMEOUT_S)
            qtbot.waitUntil(lambda: not process_exists(engine_pid), timeout=20_000)
        finally:
            window.kill()
    assert saved.exists()
    assert code == (-signal.SIGKILL if number == signal.SIGKILL else 0)
