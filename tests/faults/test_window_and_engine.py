"""Faults 3 to 6: a window that is killed or stopped, and an engine that is stopped, hangs, or dies before its hello."""

import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fault_engine import folder_in, learned, process_exists, same_curves
from window_process import WindowProcess

from gmstudio.runs.folder import RunFolder
from gmstudio.runs.lock import is_locked
from gmstudio.runs.record import RunError

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]
WAIT_S = 60.0
LIMIT_S = 10.0
"""Within this time an engine without a window has saved and ended."""
QUICK = {"ping": 0.1, "silence": 0.5, "restart": 0.01, "close": 1.0, "kill": 0.5}


def wait_until(condition: Callable[[], bool], timeout_s: float = WAIT_S) -> float:
    """Wait for what only another process brings about; the seconds it took."""
    began = time.monotonic()
    waiting = threading.Event()
    while not condition():
        assert time.monotonic() - began < timeout_s, "not within the time"
        waiting.wait(0.02)
    return time.monotonic() - began


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[WindowProcess, Path]]:
    home = tmp_path_factory.mktemp("window")
    window = WindowProcess(home, **QUICK)
    try:
        window.wait(lambda report: report["phase"] == "ready")
        window.send("train")
        window.wait(lambda report: report["points"] > 20)
        yield window, home
    finally:
        window.end()


def steps_on_disk(folder: Path) -> int:
    try:
        with RunFolder.open(folder) as run:
            return int(run.history.read_scalars()["train", "loss"][0][-1])
    except (RunError, KeyError):  # the writer is at it
        return 0


def test_a_stopped_engine_is_named_waited_for_and_loses_nothing(shared: tuple[WindowProcess, Path]) -> None:
    window, _ = shared
    before = window.wait(lambda report: report["phase"] == "ready" and report["points"] > 0)
    os.kill(before["pid"], signal.SIGSTOP)
    try:
        silent = window.wait(lambda report: report["phase"] == "not responding")
        assert f"The engine (process {before['pid']}) is not responding" in silent["banner"]
        assert "The window stays usable and waits" in silent["banner"] and silent["buttons"] == ["Restart engine"]
    finally:
        os.kill(before["pid"], signal.SIGCONT)
    after = window.wait(lambda report: report["phase"] == "ready" and report["last"] > silent["last"])
    assert after["pid"] == before["pid"] and after["live"] == before["live"]
    assert "not responding" not in after["banner"]
    assert after["points"] == after["last"], "a point for each step"


def test_a_stopped_window_catches_up_and_loses_nothing(shared: tuple[WindowProcess, Path]) -> None:
    window, home = shared
    before = window.wait(lambda report: report["phase"] == "ready" and report["points"] > 0)
    folder = folder_in(home, before["live"])
    window.process.send_signal(signal.SIGSTOP)
    try:
        wanted = steps_on_disk(folder) + 300
        wait_until(lambda: steps_on_disk(folder) > wanted)
    finally:
        window.process.send_signal(signal.SIGCONT)
    after = window.wait(lambda report: report["last"] > wanted)
    assert (after["phase"], after["pid"], after["live"]) == ("ready", before["pid"], before["live"])
    assert after["points"] == after["last"], "a point for each step"


def test_a_history_that_is_locked_is_said_in_the_window_until_it_is_free(shared: tuple[WindowProcess, Path]) -> None:
    window, home = shared
    before = window.wait(lambda report: report["phase"] == "ready" and report["points"] > 0)
    with closing(sqlite3.connect(folder_in(home, before["live"]) / "history.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA busy_timeout = 10000")
        db.execute("BEGIN IMMEDIATE")
        paused = window.wait(lambda report: "paused" in report["banner"])
        assert "is in use by another program. Close that program" in paused["banner"]
        assert "continues by itself" in paused["banner"]
        db.execute("ROLLBACK")
    after = window.wait(lambda report: not report["banner"] and report["last"] > paused["last"] + 20)
    assert after["live"] == before["live"] and after["points"] == after["last"], "a point for each step"


def test_a_killed_window_leaves_a_checkpoint_and_no_process(shared: tuple[WindowProcess, Path]) -> None:
    window, home = shared
    before = window.wait(lambda report: report["phase"] == "ready" and report["points"] > 0)
    folder = folder_in(home, before["live"])
    window.process.kill()
    window.process.wait(10)
    wait_until(lambda: not process_exists(before["pid"]), LIMIT_S)
    assert not any(process_exists(pid) for pid in window.engines)
    assert not is_locked(folder)
    with RunFolder.open(folder) as run:
        assert run.record.status == "stopped"
        assert run.checkpoints.load().step == run.record.step >= before["last"]
        last = run.record.step
    same_curves(learned(folder), last)


HANGS = """
import sys, threading
import gmstudio.engine.__main__ as engine
from gmstudio.engine.training.job import TrainingJob
TrainingJob.stop = lambda self: threading.Event().wait()
sys.exit(engine.main())
"""


def test_an_engine_that_hangs_at_its_end_is_ended_and_that_is_said(home: Path) -> None:
    window = WindowProcess(home, HANGS, **QUICK)
    try:
        window.wait(lambda report: report["phase"] == "ready")
        window.send("train")
        before = window.wait(lambda report: report["points"] > 20)
        window.send("close")
        closing = window.wait(lambda report: report["phase"] == "closing")
        assert "Saving a checkpoint" in closing["banner"] and "Close the window again" in closing["banner"]
        assert window.process.wait(WAIT_S) == 1
        assert "The engine did not exit within 1 s and was ended; unsaved data is lost." in window.stderr()
        wait_until(lambda: not process_exists(before["pid"]), LIMIT_S)
    finally:
        window.end()
    folder = folder_in(home, before["live"])
    assert not is_locked(folder)
    with RunFolder.open(folder) as run:
        assert run.checkpoints.load().warnings == (), "it can be resumed from the last one"


DIES = """
import sys
sys.modules["torch"] = None  # as where it was not installed
from gmstudio.engine.__main__ import main
sys.exit(main())
"""


def test_an_engine_that_dies_before_its_hello_is_given_up_with_its_reason(home: Path) -> None:
    window = WindowProcess(home, DIES, **QUICK)
    try:
        given_up = window.wait(lambda report: report["phase"] == "given up" and bool(report["banner"]))
        assert "The engine ended while starting with exit code 1." in given_up["banner"]
        assert "It is not restarted automatically." in given_up["banner"]
        assert given_up["buttons"] == ["Restart engine"]
        window.send("close")
        assert window.process.wait(WAIT_S) == 0, window.stderr()
        assert not any(process_exists(pid) for pid in window.engines)
    finally:
        window.end()
