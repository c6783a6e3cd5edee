"""The pages of Features fit a window of 1366×768, scroll in a small one, and stay in place when data arrive."""

from collections.abc import Iterator

import pytest
from features_scene import VAE, FeaturesScene
from PySide6.QtCore import QPoint, QSize
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.panels.features.panel import FeaturesPanel
from gmstudio.window.gui.shell.page import PanelPage
from gmstudio.window.state.features.factors import FactorsState
from gmstudio.window.state.features.fine_tuning import FineTuningState
from gmstudio.window.state.features.probe import ProbeState

LARGE, SMALL = QSize(1270, 640), QSize(650, 400)
STARTS = {"probe": ProbeState, "fine_tuning": FineTuningState, "factors": FactorsState}
OVERLAP_PX = 1


class Shown:
    def __init__(self, qtbot: QtBot, size: QSize) -> None:
        self.scene = FeaturesScene()
        self.panel = FeaturesPanel(self.scene.state, self.scene.library)
        self.page = PanelPage(self.panel)
        qtbot.addWidget(self.page)
        self.page.resize(size)
        self.page.show()
        self.scene.start()
        qtbot.waitUntil(lambda: self.scene.state.run == VAE)
        self.scene.serve()

    def open(self, name: str) -> QWidget:
        self.panel.tabs.show_page(name)
        settle()
        return self.panel.tabs.page(name)

    def compute(self, name: str) -> None:
        self.scene.state.page(STARTS[name]).start()
        self.scene.serve()
        settle()


def settle() -> None:
    for _ in range(5):
        QApplication.processEvents()


@pytest.fixture
def large(qtbot: QtBot) -> Iterator[Shown]:
    shown = Shown(qtbot, LARGE)
    yield shown
    shown.page.hide()


def places(page: QWidget) -> dict[str, tuple[int, int, int, int]]:
    """Place and size of each named control of a page."""
    found = {}
    for widget in page.findChildren(QWidget):
        if widget.objectName().startswith("features.") and widget.isVisible():
            corner = widget.mapTo(page, QPoint(0, 0))
            found[widget.objectName()] = (corner.x(), corner.y(), widget.width(), widget.height())
    return found


@pytest.mark.parametrize("name", STARTS)
def test_nothing_moves_when_results_arrive(large: Shown, name: str) -> None:
    page = large.open(name)
    before = places(page)
    large.compute(name)
    after = places(page)
    bar = f"features.{name}_bar"  # is only there while there is work, in a place of its own
    assert {key: value for key, value in after.items() if key != bar} == {
        key: value for key, value in before.items() if key != bar
    }


@pytest.mark.parametrize("name", STARTS)
def test_a_page_fits_a_window_of_1366_by_768(large: Shown, name: str) -> None:
    page = large.open(name)
    large.compute(name)
    assert large.page.verticalScrollBar().maximum() == large.page.horizontalScrollBar().maximum() == 0
    for widget in page.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QComboBox) and widget.isVisible() and widget.objectName():
            corner = widget.mapTo(large.page, QPoint(0, 0))
            assert corner.x() >= 0 and corner.x() + widget.width() <= LARGE.width(), widget.objectName()
            assert corner.y() >= 0 and corner.y() + widget.height() <= LARGE.height(), widget.objectName()
            assert widget.width() >= widget.minimumSizeHint().width(), widget.objectName()
        if isinstance(widget, QLabel) and widget.isVisible() and widget.wordWrap():
            assert widget.height() + OVERLAP_PX >= widget.heightForWidth(widget.width()), widget.text()


@pytest.mark.parametrize("name", STARTS)
def test_a_page_scrolls_in_a_small_window(qtbot: QtBot, name: str) -> None:
    shown = Shown(qtbot, SMALL)
    page = shown.open(name)
    assert shown.page.verticalScrollBar().maximum() > 0
    assert page.width() >= page.minimumSizeHint().width() and page.height() >= page.minimumSizeHint().height()
    shown.page.hide()
