"""The sidebar shows words where there is room, else icons, else icons close to one another; twenty places have keys."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.window.gui.places import Place, place_key
from gmstudio.window.gui.shell.sidebar import DENSE_HEIGHT, Sidebar

PLACES = tuple(Place(f"p{n}", f"Place {n}", "plane", "Tip", panel="", state="") for n in range(1, 12))

STYLE = """QToolButton { border: none; padding: 8px 2px; } QToolButton[dense="true"] { padding: 1px 2px; }"""


@pytest.fixture
def sidebar(qtbot: QtBot) -> Iterator[Sidebar]:
    host = QWidget()
    host.setStyleSheet(STYLE)
    bar = Sidebar(PLACES, host)
    qtbot.addWidget(host)
    host.show()
    yield bar


def buttons(bar: Sidebar) -> list[QToolButton]:
    return bar.findChildren(QToolButton)


@pytest.mark.parametrize("height", [1000, 520, 410])
def test_the_buttons_fit_and_do_not_overlap(sidebar: Sidebar, height: int) -> None:
    sidebar.resize(sidebar.width(), height)
    places = sorted((b.geometry() for b in buttons(sidebar)), key=lambda place: place.top())
    assert all(first.bottom() < second.top() for first, second in pairwise(places))
    assert places[-1].bottom() < sidebar.height() and all(place.height() >= 24 for place in places)
    assert len(places) == len(PLACES) + 1
    worded = buttons(sidebar)[0].toolButtonStyle() is Qt.ToolButtonStyle.ToolButtonTextUnderIcon
    assert worded == (height == 1000)


def test_the_least_height_is_that_of_close_icons(sidebar: Sidebar) -> None:
    assert sidebar.minimumSizeHint().height() >= len(buttons(sidebar)) * DENSE_HEIGHT


def test_twenty_places_have_a_digit() -> None:
    assert [place_key(n) for n in (1, 9, 10, 11, 20, 21)] == ["Ctrl+1", "Ctrl+9", "Ctrl+0", "Alt+1", "Alt+0", ""]
    assert len({place_key(n) for n in range(1, 21)}) == 20
