"""Train panel: choice of family, data and settings, and the buttons through a run."""

import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QToolButton, QTreeWidget
from pytestqt.qtbot import QtBot
from train_stage import Stage, early_stage, stage
from training_scene import browsed, catalog, grid

from gmstudio.protocol.data import BrowseData, DescribeModel, ModelDescribed
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.training import (
    PauseTraining,
    ResumeRun,
    ResumeTraining,
    StartTraining,
    StepTraining,
    StopTraining,
)
from gmstudio.window.gui.widgets.images.grid import ImageGrid

__all__ = ["early_stage", "stage"]


# ---- choosing ---------------------------------------------------------------------------------------------------


def test_families_stand_under_their_branches(stage: Stage) -> None:
    tree = stage.find("train.families", QTreeWidget)
    texts = [(tree.topLevelItem(i).text(0), tree.topLevelItem(i).child(0).text(0)) for i in range(2)]
    assert texts == [
        ("Explicit density › Approximate density › Variational", "VAE"),
        ("Implicit density › Direct", "GAN"),
    ]
    tree.setCurrentItem(tree.topLevelItem(1).child(0))
    tree.itemClicked.emit(tree.currentItem(), 0)
    assert stage.state.setup.family == "gan"
    assert stage.find("train.config.objective", QComboBox).currentText() == "non-saturating"
    stage.state.setup.choose_family("vae")
    assert tree.currentItem().text(0) == "VAE"
    button = stage.find("train.family", QToolButton)
    assert button.text() == "VAE" and button.height() < 48, "one line, so that the settings are in view"


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)
def test_a_family_is_found_by_a_word_and_chosen_by_keys(stage: Stage, qtbot: QtBot) -> None:
    stage.panel.show()
    stage.press("family")
    search, tree = stage.find("train.family_search", QLineEdit), stage.find("train.families", QTreeWidget)
    assert search.isVisible()
    QTest.keyClicks(search, "implicit")
    hidden = [tree.isRowHidden(row, QModelIndex()) for row in range(2)]
    assert hidden == [True, False]
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert stage.state.setup.family == "gan" and not search.isVisible()
    stage.press("family")
    assert search.text() == "" and not tree.isRowHidden(0, QModelIndex())
    QTest.keyClick(search, Qt.Key.Key_Up)
    QTest.keyClick(search, Qt.Key.Key_Up)
    QTest.keyClick(search, Qt.Key.Key_Return)
    assert stage.state.setup.family == "vae"


def test_forms_write_the_settings_and_remember_them(stage: Stage) -> None:
    stage.find("train.config.num_latent").set_value(2)  # type: ignore[attr-defined]
    stage.find("train.training.steps").set_value(77)  # type: ignore[attr-defined]
    stage.find("train.data.levels").set_value(16)  # type: ignore[attr-defined]
    stage.state.setup.choose_family("gan")
    stage.state.setup.choose_family("vae")
    stage.press("start")
    command = stage.client.last(StartTraining).spec
    assert command.config["num_latent"] == 2 and command.training["steps"] == 77
    assert command.data_config == {"levels": 16}


def test_another_source_has_another_form_and_its_images_are_shown(stage: Stage, qtbot: QtBot) -> None:
    stage.client.deliver(browsed(stage.client.last(BrowseData).request))
    preview = stage.find("train.preview", ImageGrid)
    assert preview.isVisible() and len(preview.images) == 12
    combo = stage.find("train.data", QComboBox)
    combo.setCurrentIndex(1)
    combo.activated.emit(1)
    assert stage.state.setup.data == "idx" and not preview.isVisible()
    folder, error = stage.find("train.data.folder"), stage.find("train.data.folder.error", QLabel)

    def refuse(message: str) -> None:
        request, fields = stage.client.last(BrowseData).request, {"data_config.folder": message}
        stage.client.deliver(CommandFailed(request=request, command="BrowseData", message=message, fields=fields))

    refuse("Choose a folder.")
    assert error.text() == "Choose a folder."
    qtbot.keyClicks(folder, "/data")
    assert stage.state.setup.data_config["folder"] == "/data" and not error.isVisible()
    qtbot.waitUntil(lambda: stage.client.last(BrowseData).data_config["folder"] == "/data", timeout=3000)
    refuse("/data holds no IDX files.")
    assert error.text() == "/data holds no IDX files."


def test_the_engines_verdict_is_shown(stage: Stage) -> None:
    request = stage.client.last(DescribeModel).request
    stage.client.deliver(ModelDescribed(request=request, family="vae", num_parameters=12345, image=browsed(0).image))
    assert "12,345 parameters" in stage.find("train.verdict", QLabel).text()


def test_what_a_family_remarks_is_shown_below_its_parameters(stage: Stage) -> None:
    described = ModelDescribed(
        request=stage.client.last(DescribeModel).request,
        family="vae",
        num_parameters=23,
        image=browsed(0).image,
        remarks=("2^12 - 1 of the full joint table.",),
    )
    stage.client.deliver(described)
    assert stage.find("train.verdict", QLabel).text().splitlines()[1:] == ["2^12 - 1 of the full joint table."]


def test_refused_fields_are_marked_and_start_waits(stage: Stage) -> None:
    request = stage.client.last(DescribeModel).request
    fields = {"config.tied": "Cannot be tied here."}
    stage.client.deliver(
        CommandFailed(request=request, command="DescribeModel", message="Cannot be tied here.", fields=fields)
    )
    error = stage.find("train.config.tied.error", QLabel)
    assert error.isVisible() and error.text() == "Cannot be tied here."
    assert stage.enabled() == set()
    stage.find("train.config.tied").set_value(True)  # type: ignore[attr-defined]
    assert not error.isVisible() and stage.enabled() == {"start"}


def test_what_is_typed_wrong_stops_start_at_once(stage: Stage) -> None:
    stage.find("train.config.num_latent").set_value(0)  # type: ignore[attr-defined]
    assert stage.enabled() == set()
    assert "from 1 to 512" in stage.find("train.verdict", QLabel).text()


# ---- training -----------------------------------------------------------------------------------------------------


def test_buttons_through_a_run(stage: Stage) -> None:
    assert stage.enabled() == {"start"}
    stage.press("start")
    assert stage.enabled() == set()
    stage.begin()
    assert stage.enabled() == {"pause", "stop", "step", "keep"} and stage.toggle() == "Pause"
    stage.press("pause")
    stage.client.last(PauseTraining)
    stage.change("paused")
    assert stage.enabled() == {"pause", "stop", "step", "keep"} and stage.toggle() == "Resume"
    stage.press("step")
    stage.client.last(StepTraining)
    stage.press("pause")
    stage.client.last(ResumeTraining)
    stage.change("running")
    stage.press("stop")
    stage.client.last(StopTraining)
    stage.change("stopped")
    assert stage.enabled() == {"start", "pause"} and stage.toggle() == "Resume"
    stage.press("pause")
    assert stage.client.last(ResumeRun).run == "/runs/a"


def test_keys(stage: Stage, qtbot: QtBot) -> None:
    stage.panel.setFocus()
    qtbot.keyClick(stage.panel, Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    stage.client.last(StartTraining)
    stage.begin()
    qtbot.keyClick(stage.panel, Qt.Key.Key_Space)
    stage.client.last(PauseTraining)
    stage.change("paused")
    qtbot.keyClick(stage.panel, Qt.Key.Key_Space)
    stage.client.last(ResumeTraining)
    qtbot.keyClick(stage.panel, Qt.Key.Key_Period, Qt.KeyboardModifier.ControlModifier)
    stage.client.last(StopTraining)


def test_the_toggle_keeps_the_focus(stage: Stage, qtbot: QtBot) -> None:
    stage.panel.activateWindow()
    start, toggle = stage.find("train.start"), stage.find("train.pause")
    start.setFocus()
    qtbot.waitUntil(start.hasFocus)
    stage.press("start")
    stage.begin()
    assert toggle.hasFocus() and stage.toggle() == "Pause"
    for status, command, text in (("paused", PauseTraining, "Resume"), ("running", ResumeTraining, "Pause")):
        sent = len(stage.client.sent)
        qtbot.keyClick(toggle, Qt.Key.Key_Space)
        assert [type(c) for c in stage.client.sent[sent:]] == [command]
        stage.change(status)
        assert toggle.hasFocus() and stage.toggle() == text
    stop = stage.find("train.stop")
    stop.setFocus()
    qtbot.keyClick(stop, Qt.Key.Key_Space)
    stage.client.last(PauseTraining)
    assert not any(isinstance(c, StopTraining) for c in stage.client.sent)


def test_space_in_a_check_box_does_not_pause(stage: Stage, qtbot: QtBot) -> None:
    stage.begin()
    stage.press("config.more")
    box = stage.find("train.config.tied")
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert stage.state.setup.config["tied"] is True
    assert not any(isinstance(c, PauseTraining) for c in stage.client.sent)


def test_every_action_has_a_key_and_no_two_share_one_at_a_time(stage: Stage) -> None:
    actions: list[QAction] = list(stage.panel.listed_actions())
    keys = [a.shortcut().toString() for a in actions]
    assert all(keys) and len(set(keys)) == len(keys)
    assert all(a.toolTip() for a in actions)


def test_a_failure_is_shown_beside_the_run(stage: Stage) -> None:
    stage.begin()
    stage.change("failed", 12, "The loss became NaN at step 12. Lower the learning rate.")
    problem = stage.find("train.problem", QLabel)
    assert problem.isVisible() and "NaN" in problem.text()
    stage.press("start")
    assert not problem.isVisible()


def test_the_panel_works_before_the_engine_and_after_its_end(early_stage: Stage) -> None:
    stage = early_stage
    assert stage.enabled() == set()
    assert "Waiting" in stage.find("train.verdict", QLabel).text()
    stage.client.deliver(catalog())
    assert stage.enabled() == {"start"}
    stage.find("train.config.num_latent").set_value(3)  # type: ignore[attr-defined]
    stage.begin()
    stage.client.deliver(grid("/runs/a", 50))
    stage.client.deliver(catalog())
    assert stage.enabled() == {"start", "pause"} and stage.toggle() == "Resume"
    assert stage.find("train.config.num_latent").value == 3  # type: ignore[attr-defined]
    assert len(stage.find("train.samples", ImageGrid).images) == 4
