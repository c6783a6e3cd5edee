"""Sections that are shown together or one at a time."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.widgets.sections import Section, Sections


@pytest.fixture
def sections(qtbot: QtBot) -> Iterator[Sections]:
    parts = [Section(name, name.upper(), "", QLabel(name), stretch=int(name != "a")) for name in "abc"]
    sections = Sections(parts, Qt.Orientation.Vertical, 8)
    qtbot.addWidget(sections)
    sections.resize(300, 400)
    sections.show()
    yield sections


def shown(sections: Sections) -> str:
    return "".join(label.text() for label in sections.findChildren(QLabel) if label.isVisible())


def test_a_small_window_has_one_at_a_time_behind_tabs(sections: Sections) -> None:
    assert shown(sections) == "abc" and not sections.bar.isVisible()
    sections.set_compact(True)
    assert shown(sections) == "a" and sections.bar.isVisible()
    tab = sections.bar.tabRect(2).center()
    QTest.mouseClick(sections.bar, Qt.MouseButton.LeftButton, pos=tab)
    assert shown(sections) == "c" and sections.open_section == "c"
    sections.open("b")
    assert shown(sections) == "b" and sections.bar.currentIndex() == 1
    sections.set_compact(False)
    assert shown(sections) == "abc"
    with pytest.raises(KeyError):
        sections.open("d")


def test_one_is_shown_alone_without_tabs(sections: Sections) -> None:
    sections.set_compact(True)
    sections.set_only("b")
    assert shown(sections) == "b" and not sections.bar.isVisible()
    sections.set_only("")
    assert shown(sections) == "a" and sections.bar.isVisible()


def test_one_that_takes_no_room_stands_at_the_top(sections: Sections) -> None:
    sections.set_compact(True)
    QApplication.processEvents()
    (first, *_) = sections.findChildren(QLabel)
    assert first.mapTo(sections, QPoint(0, 0)).y() < 60 and first.height() < 60 and first.width() == 300
