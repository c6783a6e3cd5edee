"""Presentation mode of the window."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot
from studio_fixture import WAIT_MS, StartStudio, start_studio
from toy_panels import PLACES

from gmstudio.window.gui.shell.banner import Notice
from gmstudio.window.gui.shell.main_window import MainWindow

__all__ = ["start_studio"]


@pytest.fixture
def window(qtbot: QtBot, start_studio: StartStudio) -> Iterator[MainWindow]:
    window = MainWindow(start_studio(), PLACES)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: window.findChild(QWidget, "second") is not None, timeout=WAIT_MS)
    yield window
    window._presentation.set_on(False)


def chrome(window: MainWindow) -> list[int]:
    """Area of menu bar, status bar, sidebar and banner, as far as they are visible."""
    widgets = (window.menuBar(), window.statusBar(), window._sidebar, window.banner)
    return [widget.width() * widget.height() if widget.isVisible() else 0 for widget in widgets]


@pytest.mark.parametrize("leave", [Qt.Key.Key_F11, Qt.Key.Key_Escape])
def test_f11_shows_the_panel_alone_in_large_type(qtbot: QtBot, window: MainWindow, leave: Qt.Key) -> None:
    text = QLabel("Second", window)
    text.show()
    before, size, height = chrome(window), window.size(), text.fontMetrics().height()
    QTest.keyClick(window, Qt.Key.Key_F11)
    qtbot.waitUntil(lambda: chrome(window) == [0, 0, 0, 0])
    assert window.isFullScreen() and text.fontMetrics().height() > 1.3 * height
    QTest.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)  # keys of the hidden menu
    assert window.panel == "second"
    window.banner.show_notice(Notice("a", "A notice.", "warning"))
    QApplication.processEvents()
    assert chrome(window) == [0, 0, 0, 0]
    window.banner.hide()
    QTest.keyClick(window, leave)
    qtbot.waitUntil(lambda: chrome(window) == before)
    assert not window.isFullScreen() and window.size() == size and text.fontMetrics().height() == height


def test_the_menu_shows_the_mode(window: MainWindow) -> None:
    action = window.findChild(QAction, "window.present")
    assert action is not None and not action.isChecked()
    action.trigger()
    assert action.isChecked() and window.isFullScreen()
    QTest.keyClick(window, Qt.Key.Key_Escape)
    assert not action.isChecked()


def test_panels_take_part_in_the_mode(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[bool] = []
    monkeypatch.setattr(window._panels["second"], "set_presenting", given.append)
    window._presentation.set_on(True)
    window._presentation.set_on(False)
    assert given == [True, False]
