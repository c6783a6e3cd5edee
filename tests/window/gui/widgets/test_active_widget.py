"""A widget is active exactly while it is on the screen."""

import pytest
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.active_widget import ActiveWidget


class Recorder(ActiveWidget):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[bool] = []

    def set_active(self, active: bool) -> None:
        assert active == self.active
        self.calls.append(active)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    window = QWidget()
    qtbot.addWidget(window)
    return window


def test_a_widget_is_active_while_its_window_is_shown(window: QWidget) -> None:
    widget = Recorder()
    QVBoxLayout(window).addWidget(widget)
    assert not widget.active and widget.calls == []
    window.show()
    window.hide()
    window.show()
    assert widget.active and widget.calls == [True, False, True]


def test_only_the_open_tab_is_active(window: QWidget) -> None:
    first, second, tabs = Recorder(), Recorder(), QTabWidget()
    tabs.addTab(first, "First")
    tabs.addTab(second, "Second")
    QVBoxLayout(window).addWidget(tabs)
    window.show()
    assert (first.active, second.active) == (True, False)
    tabs.setCurrentWidget(second)
    assert (first.calls, second.calls) == ([True, False], [True])


def test_a_nested_widget_follows_its_parent(window: QWidget) -> None:
    outer, inner = Recorder(), Recorder()
    QVBoxLayout(outer).addWidget(inner)
    QVBoxLayout(window).addWidget(outer)
    window.show()
    outer.hide()
    outer.hide()
    assert outer.calls == inner.calls == [True, False]


def test_what_falls_due_while_hidden_is_done_once_when_the_widget_is_shown(window: QWidget) -> None:
    widget, done = Recorder(), list[str]()

    def first() -> None:
        done.append("first")

    def second() -> None:
        done.append("second")

    widget.refresh_on(window.windowTitleChanged, first)
    widget.when_active(second)
    QVBoxLayout(window).addWidget(widget)
    for title in ("a", "b"):
        window.setWindowTitle(title)
    assert done == []
    window.show()
    assert done == ["second", "first"]
    window.setWindowTitle("c")
    assert done == ["second", "first", "first"]
    window.hide()
    window.show()
    assert done == ["second", "first", "first"], "nothing was due"
