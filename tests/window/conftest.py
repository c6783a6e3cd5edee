"""All tests of the window watch the event loop, and see widgets as the window styles them."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from event_loop import LoopMonitor
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.theme import theme


@pytest.fixture(autouse=True)
def loop_is_free(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test in whose event loop something takes too long; see ``event_loop``."""
    if "qtbot" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("qapp")
    importlib.import_module("pyqtgraph")  # half a second, which the program spends in a thread before a panel needs it
    monitor = LoopMonitor(monkeypatch)
    yield
    found = monitor.close()
    if found:
        pytest.fail(found, pytrace=False)


@pytest.fixture(autouse=True)
def dressed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give widgets that a test shows by themselves the style sheet, which they have from their window else."""
    add = QtBot.addWidget

    def add_dressed(qtbot: QtBot, widget: QWidget, **options: Any) -> None:
        add(qtbot, widget, **options)
        if widget.isWindow() and not widget.styleSheet():
            theme().dress(widget)

    monkeypatch.setattr(QtBot, "addWidget", add_dressed)
