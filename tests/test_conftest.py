"""A test that leaves Qt objects behind fails and says where they started; a tidy one passes."""

import os
from pathlib import Path

import pytest

CASES = """
import sys
from PySide6.QtCore import QProcess, QThread, QTimer
from PySide6.QtWidgets import QWidget

kept = []

def keep(thing):
    kept.append(thing)
    return thing

def test_timer(qapp):
    timer = keep(QTimer(objectName="clock"))
    timer.start(1000)

def test_thread(qapp):
    keep(QThread(objectName="worker")).start()

def test_process(qapp):
    keep(QProcess(objectName="child")).start(sys.executable, ["-c", "input()"])

def test_window(qapp):
    keep(QWidget(objectName="window")).show()

def test_hidden_window(qapp):
    keep(QWidget(objectName="hidden"))

def test_tidy(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    widget.show()
    timer = QTimer(widget)
    timer.start(1000)
    stopped = keep(QTimer())
    stopped.start(1000)
    stopped.stop()
    with qtbot.waitSignal(stopped.timeout, timeout=1000):
        stopped.singleShot(1, stopped.timeout)
    child = keep(QProcess())
    with qtbot.waitSignal(child.finished, timeout=10000):
        child.start(sys.executable, ["-S", "-c", "pass"])

def test_window_in_a_cycle(qapp):
    widget = QWidget()
    widget.itself = widget

def test_plot(qtbot):
    import pyqtgraph
    plot = pyqtgraph.PlotWidget()
    qtbot.addWidget(plot)
    plot.plot([1, 2, 3])
    with qtbot.waitExposed(plot):
        plot.show()
"""


def test_what_a_test_leaves_behind_is_named(pytester: pytest.Pytester) -> None:
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text(encoding="utf-8"))
    pytester.makepyfile(test_leaks=CASES)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=8, errors=5)
    result.stdout.fnmatch_lines(
        [
            "*QTimer 'clock' is still active (started at *test_leaks.py:13 in test_timer)*",
            "*QThread 'worker' is still running (started at *test_leaks.py:16 in test_thread)*",
            "*QProcess 'child' is still running (started at *test_leaks.py:19 in test_process)*",
            "*QWidget 'window' is still open (started at *test_leaks.py:22 in test_window)*",
            "*QWidget 'hidden' is still open (never shown)*",
        ]
    )


def test_every_test_has_a_home_of_its_own(home: Path) -> None:
    assert Path(os.environ["GMSTUDIO_HOME"]) == home
    assert not any(home.iterdir())
