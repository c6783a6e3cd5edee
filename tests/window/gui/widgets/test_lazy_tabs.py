"""Tabs build their pages when they are first needed."""

from functools import partial

import pytest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.lazy_tabs import Height, LazyTabs, Tab

NAMES = ("data", "map", "export")


def page(name: str) -> QLabel:
    label = QLabel(name)
    label.setMinimumHeight(50 if name == "data" else 200)
    return label


def entries() -> tuple[Tab, ...]:
    return tuple(
        Tab(name, name.title(), f"About {name}", partial(page, name), key=str(i)) for i, name in enumerate(NAMES)
    )


@pytest.fixture
def tabs(qtbot: QtBot) -> LazyTabs:
    tabs = LazyTabs(entries())
    qtbot.addWidget(tabs)
    return tabs


def test_only_the_page_in_front_is_built(tabs: LazyTabs) -> None:
    assert list(tabs.built) == ["data"] and tabs.open_page == "data"
    assert [tabs.tabText(i) for i in range(tabs.count())] == ["Data", "Map", "Export"]
    assert tabs.tabToolTip(1) == "About map (1)"


def test_opening_a_tab_builds_its_page_once(tabs: LazyTabs) -> None:
    built: list[str] = []
    opened: list[str] = []
    tabs.page_built.connect(built.append)
    tabs.page_opened.connect(opened.append)
    tabs.setCurrentIndex(2)
    tabs.show_page("data")
    tabs.show_page("export")
    assert built == ["export"] and opened == ["export", "data", "export"]
    assert tabs.currentWidget() is tabs.page("export") and tabs.currentWidget().text() == "export"
    assert (tabs.count(), tabs.tabText(2), tabs.tabToolTip(2)) == (3, "Export", "About export (2)")


def test_a_page_can_be_built_without_being_opened(tabs: LazyTabs) -> None:
    opened: list[str] = []
    tabs.page_opened.connect(opened.append)
    assert tabs.page("map").text() == "map"
    assert tabs.open_page == "data" and opened == []
    tabs.build_all()
    assert list(tabs.built) == list(NAMES) and opened == []


def test_an_unknown_name_is_an_error(tabs: LazyTabs) -> None:
    with pytest.raises(KeyError):
        tabs.show_page("nowhere")


@pytest.mark.parametrize("height", ["largest", "fill"])
def test_opening_a_tab_moves_nothing(qtbot: QtBot, height: Height) -> None:
    window, above, tabs = QWidget(), QWidget(), LazyTabs(entries(), height=height)
    tabs.build_all()
    column = QVBoxLayout(window)
    column.addWidget(above, 1)
    column.addWidget(tabs, 0 if height == "largest" else 1)
    qtbot.addWidget(window)
    window.resize(400, 600)
    window.show()
    qtbot.waitExposed(window)
    before = tabs.height()
    assert before >= max(tabs.page(name).sizeHint().height() for name in NAMES) or height == "fill"
    for name in NAMES:
        tabs.show_page(name)
        QApplication.sendPostedEvents()
        assert tabs.height() == before


def test_pages_of_one_group_have_one_height_and_the_bar_stays(qtbot: QtBot) -> None:
    low, high = partial(QLabel, "a"), partial(QLabel, "b\nb\nb\nb")
    entry = [Tab("a", "A", "", low, group="x"), Tab("b", "B", "", high, group="x"), Tab("c", "C", "", low, group="y")]
    window, tabs = QWidget(), LazyTabs(entry, height="largest")
    tabs.build_all()
    bar = tabs.bar_apart()
    column = QVBoxLayout(window)
    for widget, stretch in ((bar, 0), (QWidget(), 1), (tabs, 0)):
        column.addWidget(widget, stretch)
    qtbot.addWidget(window)
    window.resize(400, 600)
    window.show()
    heights = []
    for index in range(3):
        bar.setCurrentIndex(index)
        QApplication.sendPostedEvents()
        heights.append(tabs.height())
        assert tabs.open_page == "abc"[index] and bar.y() == column.contentsMargins().top()
    assert heights[0] == heights[1] > heights[2]
    tabs.show_page("a")
    assert bar.currentIndex() == 0 and not tabs.tabBar().isVisible()


def test_no_tabs_at_all(qtbot: QtBot) -> None:
    tabs = LazyTabs((), height="largest")
    qtbot.addWidget(tabs)
    assert tabs.open_page == "" and tabs.built == {} and tabs.sizeHint().height() >= 0


def test_a_page_that_is_opened_has_the_focus_itself(qtbot: QtBot) -> None:
    """Its first field or list would take the keys of the panel."""

    def with_field() -> QWidget:
        made = QWidget()
        QVBoxLayout(made).addWidget(QLineEdit())
        return made

    tabs = LazyTabs([Tab(name, name, "", with_field) for name in NAMES])
    qtbot.addWidget(tabs)
    tabs.show()
    tabs.activateWindow()
    field = tabs.page("data").findChild(QLineEdit)
    assert field is not None
    field.setFocus()
    qtbot.waitUntil(field.hasFocus)
    tabs.show_page("map")
    assert QApplication.focusWidget() is tabs.page("map")


@pytest.mark.parametrize("early", [True, False])
def test_pages_that_are_not_shown_are_measured_in_the_style_of_the_window(qtbot: QtBot, early: bool) -> None:
    def row() -> QWidget:
        page, line = QWidget(), QHBoxLayout()
        line.addWidget(QPushButton("Start"))
        QVBoxLayout(page).addLayout(line)
        page.sizeHint()  # which the layouts keep
        return page

    window, tabs = QWidget(), LazyTabs((Tab("a", "A", "", QLabel), Tab("b", "B", "", row)), height="largest")
    if early:
        tabs.build_all()
    tabs.heightForWidth(200)
    qtbot.addWidget(window)
    QVBoxLayout(window).addWidget(tabs)
    window.show()
    tabs.build_all()
    measured = tabs.heightForWidth(200)
    tabs.show_page("b")
    QApplication.processEvents()
    assert measured == tabs.heightForWidth(200)
