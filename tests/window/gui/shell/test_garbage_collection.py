"""Garbage is collected in the thread of the window: a widget that another thread destroys can hang the program."""

import gc
import threading
from typing import Any

import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from gmstudio.system.garbage import collect_when_due
from gmstudio.window.gui.shell.garbage_collection import GarbageCollection


class InCycle(QObject):
    """An object that only a cycle of references keeps; notes the thread that destroys it."""

    def __init__(self, destroyed_in: list[int]) -> None:
        super().__init__()
        self.itself = self
        self._destroyed_in = destroyed_in

    def __del__(self) -> None:
        self._destroyed_in.append(threading.get_ident())


def allocate(kept: list[Any]) -> None:
    """Allocate more objects than the thresholds of all generations take."""
    kept += ([index] for index in range(200_000))


def test_garbage_of_widgets_is_destroyed_by_the_thread_of_the_window_alone(qtbot: QtBot) -> None:
    owner, destroyed_in, kept = QObject(), list[int](), list[Any]()
    gc.enable()  # as Python does by itself; then the thread below destroys the object
    GarbageCollection(owner)
    InCycle(destroyed_in)
    thread = threading.Thread(target=allocate, args=(kept,))
    thread.start()
    thread.join()
    assert not destroyed_in
    qtbot.waitUntil(lambda: bool(destroyed_in))
    assert destroyed_in == [threading.get_ident()]
    gc.unfreeze()
    del owner


def test_the_oldest_generation_that_is_due_is_collected(monkeypatch: pytest.MonkeyPatch) -> None:
    collected: list[int] = []
    monkeypatch.setattr(gc, "get_threshold", lambda: (700, 10, 10))
    monkeypatch.setattr(gc, "collect", collected.append)
    for counts in ((700, 0, 0), (701, 0, 0), (900, 11, 0), (0, 0, 11)):
        monkeypatch.setattr(gc, "get_count", lambda counts=counts: counts)
        collect_when_due()
    assert collected == [0, 1, 2]
