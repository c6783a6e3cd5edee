"""Rules that hold for every panel of the window."""

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QScrollBar,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.places import PLACES, Place, RunState
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.studio import Studio

CONTROLS = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
PARTED = (QAbstractSpinBox, QComboBox, QLineEdit, QTabBar)
"""Controls that have others as their parts."""


@pytest.fixture
def studio(qapp: object) -> Studio:
    return Studio(EngineClient(["never-started"]))


@pytest.fixture(params=PLACES, ids=lambda place: place.name)
def place(request: pytest.FixtureRequest) -> Place:
    found: Place = request.param
    return found


@pytest.fixture
def panel(qtbot: QtBot, studio: Studio, place: Place) -> Panel:
    panel = place.build(studio)
    qtbot.addWidget(panel)
    return panel


def controls(panel: Panel) -> Iterator[QWidget]:
    """Controls of a panel, without the parts of other controls and menus that never open."""
    for kind in CONTROLS:
        for widget in panel.findChildren(kind):
            parent = widget.parentWidget()
            inside = isinstance(
                parent, QAbstractSpinBox | QComboBox | QLineEdit | QTabBar
            ) or widget.objectName().startswith("qt_")
            if not inside and not isinstance(widget, QScrollBar) and widget.window() is panel.window():
                yield widget


def test_its_place_and_the_panel_agree(panel: Panel, place: Place) -> None:
    assert panel.name == panel.objectName() == place.name
    assert panel.accessibleName() == f"{place.title} panel"


def test_a_place_that_shows_runs_has_a_run_state(studio: Studio, place: Place) -> None:
    assert place.shows is None or isinstance(place.state_in(studio), RunState)


def test_the_studio_has_one_state_of_each_kind(studio: Studio, place: Place) -> None:
    assert place.state_in(studio) is place.state_in(studio)


@pytest.mark.parametrize("panel", ["toy_panels:Missing", "toy_panels:FirstState", "toy_panels:SecondPanel"])
def test_a_place_of_what_is_no_panel_of_its_name_is_refused(studio: Studio, panel: str) -> None:
    place = Place("first", "First", "train", "Try", panel=panel, state="toy_panels:FirstState")
    with pytest.raises(ValueError, match="not a Panel named 'first'"):
        place.build(studio)


def test_every_control_is_named_and_explained(panel: Panel) -> None:
    lacking = [
        f"{type(w).__name__} {w.objectName()!r}: accessible name {w.accessibleName()!r}, tooltip {w.toolTip()!r}"
        for w in controls(panel)
        if not (w.objectName().startswith(f"{panel.name}.") and w.accessibleName() and w.toolTip())
    ]
    assert not lacking, "\n".join(lacking)


def test_names_are_unique(panel: Panel) -> None:
    counts = Counter(w.objectName() for w in controls(panel))
    assert [name for name, count in counts.items() if count > 1] == []


def keys_of(actions: Iterable[QAction]) -> list[str]:
    return [key.toString() for action in actions for key in action.shortcuts()]


def test_no_key_means_two_things(qtbot: QtBot, panel: Panel, studio: Studio) -> None:
    """Two actions may share a key (pause and resume) where at most one of them is enabled at a time."""
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    of_window = keys_of(a for a in window.findChildren(QAction) if a.objectName().startswith("window."))
    possible = Counter(keys_of(a for a in panel.listed_actions() if a.isEnabled()))
    assert [key for key, count in possible.items() if count > 1] == []
    assert set(keys_of(panel.listed_actions())) & set(of_window) == set()
