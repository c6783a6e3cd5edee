"""Work in a thread beside the event loop."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from gmstudio.media.writing import StoppedError
from gmstudio.window.client.background_task import Background


@pytest.fixture
def outcomes(qtbot: QtBot) -> tuple[Background, list[object]]:
    background, seen = Background(), list[object]()
    background.done.connect(seen.append)
    background.failed.connect(seen.append)
    return background, seen


def test_results_arrive_in_the_thread_of_the_window(qtbot: QtBot) -> None:
    background, threads = Background(), list[threading.Thread]()
    background.done.connect(lambda _: threads.append(threading.current_thread()))
    background.start(lambda stopped: threads.append(threading.current_thread()))
    qtbot.waitUntil(lambda: len(threads) == 2)
    assert threads[0] is not threads[1] is threading.current_thread()
    assert not background.busy


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ValueError("a reason"), "a reason"),
        (OSError(28, "No space left on device", "/x"), "/x: No space left on device. Free some space"),
        (KeyError("k"), "Something went wrong: KeyError"),
        (StoppedError(), "Stopped."),
    ],
)
def test_errors_are_sentences(
    qtbot: QtBot, outcomes: tuple[Background, list[object]], error: Exception, sentence: str
) -> None:
    def fail(_stopped: Callable[[], bool]) -> None:
        raise error

    background, seen = outcomes
    background.start(fail)
    qtbot.waitUntil(lambda: bool(seen))
    assert str(seen[0]).startswith(sentence)


def test_neither_stopping_nor_the_next_start_waits_for_work_that_hangs(
    qtbot: QtBot, outcomes: tuple[Background, list[object]]
) -> None:
    background, seen = outcomes
    release = threading.Event()
    started = time.monotonic()
    background.start(lambda stopped: release.wait(30))
    background.start(lambda stopped: "second")
    qtbot.waitUntil(lambda: bool(seen))
    background.start(lambda stopped: release.wait(30))
    background.stop()
    assert time.monotonic() - started < 2
    assert not background.busy
    release.set()
    qtbot.wait(50)
    assert seen == ["second"], "what was stopped emits nothing"


def test_a_result_that_comes_after_the_window_is_dropped(qtbot: QtBot) -> None:
    release = threading.Event()
    background = Background()
    background.start(lambda stopped: release.wait(30))
    background.deleteLater()
    qtbot.wait(20)
    del background
    release.set()
    qtbot.wait(50)


HANGING = """
import sys, threading
from PySide6.QtCore import QCoreApplication, QTimer
from gmstudio.window.client.background_task import Background
app = QCoreApplication([])
background = Background(app)
background.start(lambda stopped: open(sys.argv[1], "rb").read())
QTimer.singleShot(100, app.quit)
sys.exit(app.exec())
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_process_ends_in_order_while_a_file_does_not_answer(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ended = subprocess.run([sys.executable, "-c", HANGING, str(pipe)], capture_output=True, timeout=30)
    assert (ended.returncode, ended.stderr) == (0, b"")
