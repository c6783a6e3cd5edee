"""Notices on data that are missing or have changed, and on a learning rate that would jump."""

import pytest
from PySide6.QtWidgets import QFileDialog, QInputDialog, QPushButton
from pytestqt.qtbot import QtBot
from studio_fixture import StartStudio, start_studio, wait_ready
from toy_panels import PLACES

from gmstudio.protocol.data import LocateData
from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo, RunsListed
from gmstudio.protocol.runs_branching import BranchRun
from gmstudio.protocol.training import Remedy, ResumeRun, TrainingChanged
from gmstudio.window.gui.shell.main_window import MainWindow
from gmstudio.window.state.studio import Studio

__all__ = ["start_studio"]


@pytest.fixture
def studio(qtbot: QtBot, start_studio: StartStudio) -> Studio:
    studio = start_studio()
    wait_ready(qtbot, studio)
    return studio


@pytest.fixture
def window(qtbot: QtBot, studio: Studio) -> MainWindow:
    window = MainWindow(studio, PLACES)
    qtbot.addWidget(window)
    return window


@pytest.fixture
def sent(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Commands that the notices send."""
    commands: list[object] = []
    monkeypatch.setattr(studio.client, "_write", commands.append)
    return commands


def press(window: MainWindow, label: str) -> None:
    (button,) = [b for b in window.banner.findChildren(QPushButton) if b.text() == label and not b.isHidden()]
    button.click()


def fail(studio: Studio, reason: Reason, message: str) -> None:
    studio.client.deliver(CommandFailed(request=0, command="Encode", message=message, reason=reason, run="/runs/a"))


def test_missing_data_are_located_by_a_folder(
    qtbot: QtBot, studio: Studio, window: MainWindow, sent: list[object]
) -> None:
    fail(studio, Reason.DATA_UNAVAILABLE, "There is no folder /data.")
    assert window.banner.notice is not None and "no folder /data" in window.banner.notice.text
    press(window, "Choose folder…")
    dialog = window.findChild(QFileDialog, "data_folder")
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit("/elsewhere")
    dialog.reject()
    assert [(c.run, c.folder) for c in sent if isinstance(c, LocateData)] == [("/runs/a", "/elsewhere")]


def test_a_folder_of_a_remote_engine_is_entered(
    studio: Studio, window: MainWindow, sent: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio.client, "is_local", False)
    monkeypatch.setattr(studio.client, "command", ["ssh", "gpu", "gmstudio", "engine"])
    fail(studio, Reason.DATA_UNAVAILABLE, "There is no folder /data.")
    assert window.banner.notice is not None and "on the machine of the engine" in window.banner.notice.text
    press(window, "Enter folder…")
    dialog = window.findChild(QInputDialog, "data_folder_entered")
    assert isinstance(dialog, QInputDialog) and "ssh gpu gmstudio engine" in dialog.labelText()
    dialog.setTextValue("  ")
    dialog.accept()
    assert not [c for c in sent if isinstance(c, LocateData)]
    dialog.setTextValue(" /there ")
    dialog.accept()
    assert [c.folder for c in sent if isinstance(c, LocateData)] == ["/there"]


def test_changed_data_are_accepted_by_a_button(studio: Studio, window: MainWindow, sent: list[object]) -> None:
    fail(studio, Reason.DATA_CHANGED, "9 images instead of 10.")
    press(window, "Use changed data")
    assert [c.accept_changed for c in sent if isinstance(c, LocateData)] == [True]


def test_a_notice_that_was_closed_stays_closed(studio: Studio, window: MainWindow) -> None:
    fail(studio, Reason.DATA_CHANGED, "9 images instead of 10.")
    window.banner._close.click()
    fail(studio, Reason.DATA_CHANGED, "9 images instead of 10.")
    assert window.banner.notice is None


def test_a_schedule_is_chosen_by_a_button(studio: Studio, window: MainWindow, sent: list[object]) -> None:
    asked, answers = ResumeRun(run="/runs/a", steps=40), list[object]()
    studio.library.schedule_chosen.connect(lambda command, _event: answers.append(command))
    studio.library.schedule_asked.emit(asked, "Choose how it goes on.")
    press(window, "Restart decay")
    (command,) = (c for c in sent if isinstance(c, ResumeRun))
    assert (command.run, command.steps, command.schedule) == ("/runs/a", 40, "restart")
    studio.client.deliver(Done(request=command.request))
    assert answers == [asked], "whoever asked goes on"
    assert window.banner.notice is None


def test_data_of_imported_images_are_located_by_a_file(studio: Studio, window: MainWindow, sent: list[object]) -> None:
    spec = RunSpec(family="toy", data="images", data_config={"folder": "/data.zip"})
    info = RunInfo(
        run="/runs/a", title="A", spec=spec, family_title="Toy", image=ImageSpec(1, 8, 8, 2), status="finished", step=1,
        created="2025-01-01T00:00:00", capabilities=(),
    )  # fmt: skip
    studio.client.deliver(RunsListed(home="/runs", runs=(info,), problems=(), state="x"))
    fail(studio, Reason.DATA_UNAVAILABLE, "There is no file /data.zip.")
    press(window, "Choose file…")
    dialog = window.findChild(QFileDialog, "data_file")
    assert isinstance(dialog, QFileDialog)
    dialog.fileSelected.emit("/elsewhere.zip")
    dialog.reject()
    assert [c.folder for c in sent if isinstance(c, LocateData)] == ["/elsewhere.zip"]


def test_a_training_that_failed_goes_on_with_the_settings_that_the_engine_proposes(
    studio: Studio, window: MainWindow, sent: list[object]
) -> None:
    remedy = Remedy(step=40, training={"batch_size": 32}, words="batch size 32")
    message = "There is not enough memory for this; make the batch smaller. The checkpoint of step 40 is kept."
    failed = TrainingChanged(run="/runs/a", status="failed", step=43, message=message, remedy=remedy)
    studio.client.deliver(failed)
    assert window.banner.notice is not None and message in window.banner.notice.text
    press(window, "Go on from step 40 with batch size 32")
    (branch,) = [command for command in sent if isinstance(command, BranchRun)]
    assert (branch.run, branch.step, branch.training) == ("/runs/a", 40, {"batch_size": 32})
    assert window.banner.notice is None, "it is offered once"
    studio.client.deliver(CommandFailed(request=branch.request, command="BranchRun", message="No checkpoint."))
    assert window.banner.notice is not None and window.banner.notice.text == "No checkpoint."


def test_a_failure_without_a_remedy_offers_nothing(studio: Studio, window: MainWindow) -> None:
    studio.client.deliver(TrainingChanged(run="/runs/a", status="failed", step=43, message="A mistake in the loss."))
    assert window.banner.notice is None, "the Train panel shows it"
