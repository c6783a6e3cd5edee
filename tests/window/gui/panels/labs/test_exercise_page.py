"""The page of an exercise: what is asked, values beside one another, buttons, and the link to its laboratories."""

from collections.abc import Iterator
from typing import Any

import pytest
from labs_scene import LabsScene
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.exercises import TestValue
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import StartTraining
from gmstudio.window.gui.panels.labs.panel import LabsPanel


@pytest.fixture
def labs(qapp: object) -> LabsScene:
    return LabsScene()


@pytest.fixture
def panel(qtbot: QtBot, labs: LabsScene) -> Iterator[LabsPanel]:
    panel = LabsPanel(labs.state, labs.library)
    qtbot.addWidget(panel)
    panel.resize(1290, 690)
    panel.show()
    labs.start()
    labs.open()
    labs.state.select("hw1")
    QApplication.processEvents()
    yield panel
    panel.hide()


def control(panel: LabsPanel, name: str) -> Any:
    found = panel.findChild(QWidget, f"labs.{name}")
    assert found is not None, name
    return found


def cell(panel: LabsPanel, row: int, column: int) -> str:
    item = panel.exercise.runs.topLevelItem(row)
    assert item is not None
    return item.text(column)


def test_it_says_what_is_asked_and_where_it_is_from(panel: LabsPanel) -> None:
    page = panel.exercise
    assert page.isVisible() and not panel.page.isVisible()
    assert page.title.words == "Two models of points" and page.task.text() == "Fit two models."
    assert page.origin.words == "A university, a course, 2020 · Homework 1, question 1"
    assert page.differs.text() == "Here: On a grid."


def test_our_value_stands_beside_the_users(panel: LabsPanel, labs: LabsScene) -> None:
    assert [cell(panel, row, 4) for row in (0, 1)] == ["4.250 nats per point", "not run"]
    assert [cell(panel, row, 5) for row in (0, 1)] == ["–", "–"]
    value = TestValue(value=4.3, error=0.02, unit="nats per point", kind="exact log-likelihood", images=9)
    labs.state.doing.values["hw1", "a"] = value
    labs.state.doing.changed.emit()
    assert cell(panel, 0, 5) == "4.300 ± 0.020 nats per point"


def test_the_selected_run_is_set_up_in_train(qtbot: QtBot, panel: LabsPanel) -> None:
    wanted: list[RunSpec] = []
    panel.setup_wanted.connect(wanted.append)
    qtbot.mouseClick(control(panel, "setup"), Qt.MouseButton.LeftButton)
    item = panel.exercise.runs.topLevelItem(1)
    assert item is not None
    panel.exercise.runs.setCurrentItem(item)
    qtbot.mouseClick(control(panel, "setup"), Qt.MouseButton.LeftButton)
    assert [spec.family for spec in wanted] == ["made", "gan"]


def test_a_folder_is_asked_for_and_the_exercise_begins(qtbot: QtBot, panel: LabsPanel, labs: LabsScene) -> None:
    qtbot.mouseClick(control(panel, "do"), Qt.MouseButton.LeftButton)
    dialog = panel.findChild(QFileDialog)
    assert dialog is not None and dialog.objectName() == "exercise_folder_dialog"
    dialog.fileSelected.emit("/out")
    dialog.close()
    assert labs.last(StartTraining).spec.family == "made"
    assert not control(panel, "do").isEnabled() and control(panel, "end").isEnabled()
    assert "Run 1 of 2" in panel.exercise.stage.words or "loading" in panel.exercise.stage.words
    qtbot.mouseClick(control(panel, "end"), Qt.MouseButton.LeftButton)
    assert control(panel, "do").isEnabled() and "Stopped" in panel.exercise.stage.words


def test_the_focus_passes_between_beginning_and_stopping(qtbot: QtBot, panel: LabsPanel, labs: LabsScene) -> None:
    assert labs.state.exercise is not None
    control(panel, "do").setFocus()
    labs.state.doing.start(labs.state.exercise, "/out")
    assert control(panel, "end").hasFocus()
    qtbot.keyClick(control(panel, "end"), Qt.Key.Key_Space)
    assert control(panel, "do").hasFocus()


def test_it_leads_to_its_laboratories(qtbot: QtBot, panel: LabsPanel, labs: LabsScene) -> None:
    button = control(panel, "exercise.lab.second")
    assert button.text() == "Laboratory: Second"
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert labs.state.page == "second" and panel.page.isVisible()


def test_an_exercise_without_runs_has_nothing_to_train(panel: LabsPanel, labs: LabsScene) -> None:
    labs.state.select("hw2")
    assert not control(panel, "do").isEnabled() and not control(panel, "setup").isEnabled()
    assert panel.exercise.origin.words.startswith("After C, 2021")


def test_exercises_are_in_the_contents_and_in_the_palette(panel: LabsPanel, labs: LabsScene) -> None:
    texts = [panel.contents.list.item(row).text() for row in range(panel.contents.list.count())]
    assert texts[-3:] == ["Exercises", "Two models of points", "By hand"]
    entries = {entry.id: entry for entry in labs.state.palette_entries()}
    assert entries["exercise:hw1"].kind == "Exercise" and entries["exercise:hw1"].panel == "labs"
