"""The monitor of the event loop notices what holds it, and only that."""

import time

import pytest
from event_loop import ONCE_S, LoopMonitor, slowness
from PySide6.QtCore import QTimer
from pytestqt.qtbot import QtBot


def sluggish_slot() -> None:
    time.sleep(1.5 * ONCE_S * slowness())


def test_a_slot_that_holds_the_loop_is_named(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = LoopMonitor(monkeypatch)
    QTimer.singleShot(0, sluggish_slot)
    qtbot.wait(50)
    found = monitor.close()
    assert "Events held the loop for" in found and "sluggish_slot" in found


def test_quick_slots_and_work_outside_the_loop_are_not_named(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    monitor = LoopMonitor(monkeypatch)
    calls: list[int] = []
    for delay in range(0, 100, 10):
        QTimer.singleShot(delay, lambda: calls.append(1))
    time.sleep(2 * ONCE_S)
    qtbot.waitUntil(lambda: len(calls) == 10)
    sluggish_slot()
    assert monitor.close() == ""
