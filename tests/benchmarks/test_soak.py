"""The soak's own instruments, and its page: what it would report is noticed, and the page has every fault."""

import os
import re
import time
import warnings
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QTimer, qWarning
from pytestqt.qtbot import QtBot

from benchmarks.soak import report
from benchmarks.soak.monitor import MIB, Monitor
from benchmarks.soak.points import num_missing


@pytest.mark.qt_no_exception_capture
def test_stalls_warnings_and_exceptions_are_noticed(qtbot: QtBot) -> None:
    monitor = Monitor()
    try:
        monitor.doing = "hold the loop"
        QTimer.singleShot(0, lambda: time.sleep(0.3))
        with monitor.rated("a pause"):
            qtbot.waitUntil(lambda: bool(monitor.stalls), timeout=5000)
        assert 0 < monitor.rates_hz["a pause"] < 200
        monitor.doing = "warn"
        qWarning("a warning of Qt")
        with warnings.catch_warnings(record=False):
            warnings.simplefilter("always")
            warnings.showwarning = monitor._on_warning
            warnings.warn("a warning of Python", stacklevel=1)
        monitor.note_memory(1.0, 0)
        for pid in (os.getpid(), os.getpid(), os.getppid()):
            monitor.note_memory(2.0, pid)
    finally:
        monitor.close()
    stall = monitor.stalls[0]
    assert stall.held_s > 0.1 and stall.doing == "hold the loop" and "test_soak.py" in stall.place
    assert stall.cpu_s < 0.1, "it slept"
    assert [text.partition(" (during")[0] for text in monitor.warnings] == [
        "Qt: a warning of Qt",
        "UserWarning: a warning of Python",
    ]
    assert monitor.memory["window"][0][1] > 10 and len(monitor.memory["engine"]) == 1, "of the new engine"


def test_growth_is_that_since_everything_was_used(qtbot: QtBot) -> None:
    monitor = Monitor()
    monitor.close()
    monitor.memory["engine"] = [(float(t), 100.0 + t) for t in range(100)]
    monitor.growth["train vae"] = 100.0
    monitor.begin_memory()
    assert not monitor.growth and monitor.slope("engine") == 0.0
    monitor.memory["engine"] = [(float(t), 200.0 + t / 3600) for t in range(100)]
    assert monitor.slope("engine") == pytest.approx(1.0)


def test_growth_of_the_engine_is_told_apart_by_action(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = Monitor()
    monitor.close()
    resident = iter((100, 100, 101, 107))  # of window and engine, in turns
    monkeypatch.setattr(psutil.Process, "memory_info", lambda _self: SimpleNamespace(rss=next(resident) * MIB))
    for monitor.doing in ("start", "export"):
        monitor.note_memory(0.0, os.getpid())
    assert monitor.growth == {"export": 7}


def test_steps_that_are_missing_are_counted_but_not_those_that_an_example_never_had() -> None:
    example = np.array([1, 62, 122])
    none = example[:0]
    assert num_missing(np.array([1, 2, 3]), none) == 0 and num_missing(none, none) == 0
    assert num_missing(np.array([1, 2, 5]), example) == 2
    assert num_missing(np.array([2, 3]), none) == 1, "the first"
    assert num_missing(np.array([1, 62, 122]), example) == 0, "a copy that was not trained"
    assert num_missing(np.array([1, 62, 122, 123, 124]), example) == 0
    assert num_missing(np.array([1, 62, 122, 124]), example) == 1


def numbers_of(row: str) -> range:
    """The faults of a row: ``3 to 6``, ``18 and 19`` or ``7``."""
    first, *last = map(int, re.findall(r"\d+", row))
    return range(first, (last or [first])[-1] + 1)


def test_the_page_has_the_test_of_every_fault() -> None:
    text = report.PAGE.read_text(encoding="utf-8")
    assert report.faults() in text, "the table that benchmarks.soak.report.faults() returns belongs there"
    rows = re.findall(r"^\| ([\d a-z]+) \| .*`tests/", text, re.MULTILINE)
    assert [number for row in rows for number in numbers_of(row)] == list(range(1, 26))
    assert "; 0 |\n| Warnings" in text, "no point was lost"
