"""Lessons in a window: what a step opens, sets and outlines, and the keys of the card."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot
from toy_panels import PLACES, FirstPanel

from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.gui.shell.lessons import guide as guide_module
from gmstudio.window.gui.shell.lessons import stage as stage_module
from gmstudio.window.gui.shell.lessons.controls import reveal_control
from gmstudio.window.gui.shell.lessons.guide import LessonGuide
from gmstudio.window.gui.shell.lessons.stage import LessonStage
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.lessons import state as state_module
from gmstudio.window.state.lessons.lesson_text import Lesson, Setting, Step
from gmstudio.window.state.studio import Studio

TOUR = Lesson(
    "tour",
    "A tour",
    "Everybody.",
    5,
    (
        Step("Look", "Text $x$.", "first", settings=(Setting("first.follow", True),), highlights=("first.line",)),
        Step("Play", "More.", "first", highlights=("first.play",), shows=("first.play",)),
        Step("Wait", "Later.", "second", highlights=("second.later",), shows=("second.later",)),
    ),
)


@pytest.fixture
def window(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    for module in (state_module, guide_module):
        monkeypatch.setattr(module, "TITLES", {"tour": TOUR.title})
    monkeypatch.setattr(state_module, "lessons", lambda: {"tour": TOUR})
    made = MainWindow(Studio(EngineClient(["never-started"])), PLACES)
    qtbot.addWidget(made)
    made.resize(900, 600)
    with qtbot.waitExposed(made):
        made.show()
    qtbot.waitUntil(lambda: made.findChild(QWidget, "second") is not None)
    yield made
    guide(made).state.close()


def guide(window: MainWindow) -> LessonGuide:
    found = window.findChild(LessonGuide)
    assert found is not None
    return found


def stage(window: MainWindow) -> LessonStage:
    found = window.findChild(LessonStage)
    assert found is not None
    return found


def open_tour(window: MainWindow) -> LessonStage:
    action = window.findChild(QAction, "window.lesson.tour")
    assert action is not None
    action.trigger()
    QApplication.processEvents()
    return stage(window)


def button(window: MainWindow, name: str) -> QPushButton:
    found = window.findChild(QPushButton, f"lesson.{name}")
    assert found is not None
    return found


def first_panel(window: MainWindow) -> FirstPanel:
    found = window.findChild(FirstPanel)
    assert found is not None
    return found


def test_a_step_opens_its_panel_sets_its_controls_and_outlines_them(window: MainWindow) -> None:
    window.show_panel("second")
    lesson = open_tour(window)
    panel = first_panel(window)
    assert window.panel == "first"
    assert panel.follow.isChecked()
    assert panel.played == [True]
    place = QRect(panel.line.mapTo(window, QPoint(0, 0)), panel.line.size())
    assert lesson.outlines.rects() == [place]
    assert lesson.card.count.text() == "Step 1 of 3"


def test_the_card_covers_nothing_and_the_outline_follows(qtbot: QtBot, window: MainWindow) -> None:
    lesson = open_tour(window)
    line = first_panel(window).line
    card = QRect(lesson.card.mapTo(window, QPoint(0, 0)), lesson.card.size())
    assert not card.intersects(lesson.outlines.rects()[0])
    window.resize(700, 560)
    qtbot.waitUntil(lambda: lesson.outlines.rects() == [QRect(line.mapTo(window, QPoint(0, 0)), line.size())])
    window.show_panel("second")
    assert lesson.outlines.rects() == []


def test_actions_are_carried_out_only_when_the_reader_asks(qtbot: QtBot, window: MainWindow) -> None:
    lesson = open_tour(window)
    panel = first_panel(window)
    panel.played.clear()
    assert not button(window, "show").isEnabled()
    qtbot.mouseClick(button(window, "next"), Qt.MouseButton.LeftButton)
    assert panel.played == []
    qtbot.keyClick(button(window, "show"), Qt.Key.Key_Space)
    assert panel.played == ["play"]
    panel.play.setEnabled(False)
    button(window, "show").click()
    assert lesson.card.note.words.startswith("“Play” is disabled now.")


def test_a_control_that_is_built_later_is_waited_for(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_module, "PATIENCE", 2)
    lesson = open_tour(window)
    guide(window).state.go(2)
    assert window.panel == "second"
    qtbot.waitUntil(lambda: "not there yet" in lesson.card.note.words)
    button(window, "show").click()
    assert lesson.card.note.words == "The button of this step is not there yet."
    later = QPushButton("Later", window.findChild(QWidget, "second"))
    later.setObjectName("second.later")
    later.show()
    qtbot.waitUntil(lambda: len(lesson.outlines.rects()) == 1)
    assert lesson.card.note.words == ""


def test_keys_go_on_and_back_and_esc_closes(qtbot: QtBot, window: MainWindow) -> None:
    window.activateWindow()
    lesson = open_tour(window)
    qtbot.keyClick(window, Qt.Key.Key_PageDown, Qt.KeyboardModifier.AltModifier)
    assert guide(window).state.number == 1
    qtbot.keyClick(window, Qt.Key.Key_PageUp, Qt.KeyboardModifier.AltModifier)
    assert guide(window).state.number == 0
    qtbot.keyClick(lesson.card, Qt.Key.Key_Escape)
    assert not lesson.card.isVisible()
    assert lesson.outlines.isHidden()


def test_a_panel_can_open_a_lesson(window: MainWindow) -> None:
    first_panel(window).lesson_wanted.emit("tour")
    assert guide(window).state.lesson is TOUR
    assert stage(window).card.isVisible()


def test_what_scrolls_itself_is_shown_from_its_beginning(qtbot: QtBot) -> None:
    area, tall = QScrollArea(), QWidget()
    qtbot.addWidget(area)
    tall.setFixedSize(50, 2000)
    area.setWidget(tall)
    area.resize(100, 100)
    area.show()
    area.verticalScrollBar().setValue(500)
    reveal_control(area)
    assert area.verticalScrollBar().value() == 0
