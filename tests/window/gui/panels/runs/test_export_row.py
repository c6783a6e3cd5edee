"""The report and the exports of a run on the Library page: written here, wherever the engine is."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from archive_making import make_run
from files_scene import FilesEngine
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from gmstudio.protocol.runs_files import DropRunFile, PrepareExport
from gmstudio.runs.home import data_home
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs import export_row
from gmstudio.window.gui.panels.runs.export_row import ExportRow
from gmstudio.window.state.runs import run_exports
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.run_exports import RunExports
from gmstudio.window.state.runs.state import RunsState


class RowPanel(Panel):
    """A panel with nothing but the row."""

    name = "runs"


class Stage:
    """The row with a run of the engine, and a dialog that answers at once."""

    def __init__(self, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.client = FilesEngine()
        self.state = RunsState(self.client, RunLibrary(self.client))
        self.panel = RowPanel()
        qtbot.addWidget(self.panel)
        self.row = ExportRow(self.panel, self.state)
        self.row.setParent(self.panel)
        self.exports = self.state.page(RunExports)
        self.folder = folder / "out"
        self.folder.mkdir()
        monkeypatch.setattr(export_row, "ask_path", self._answer)
        self.run = str(make_run(folder / "made"))
        self.panel.show()
        self._qtbot = qtbot

    def _answer(self, _p: QWidget, _title: str, name: str, suffix: str, then: Callable[[str], object]) -> None:
        then(str(self.folder / f"{name}.{suffix}"))

    def choose(self) -> None:
        self.state.choose_run(self.run)
        self.client.serve()

    def wait(self) -> None:
        def over() -> bool:
            self.client.serve()
            return not self.exports.busy

        self._qtbot.waitUntil(over, timeout=20_000)


@pytest.fixture
def stage(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Stage:
    return Stage(qtbot, monkeypatch, tmp_path)


def leftovers() -> list[str]:
    place = data_home() / "transfers"
    return [path.name for path in place.iterdir()] if place.exists() else []


def test_a_run_is_exported_in_the_form_of_the_menu(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not stage.row.export.isEnabled()
    assert stage.panel.reason(stage.row.report) == export_row.NO_RUN
    stage.choose()
    assert stage.row.export.isEnabled()
    menu = stage.row.menu()
    (action,) = [action for action in menu.actions() if action.text() == "Run as one file…"]
    action.trigger()
    stage.wait()
    path = stage.folder / "run.gmrun"
    assert stage.exports.message == f"Written: {path}"
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    assert [file.name for file in stage.folder.iterdir()] == ["run.gmrun"]
    assert leftovers() == []
    menu.deleteLater()


def test_the_report_is_written_in_both_forms(stage: Stage) -> None:
    stage.choose()
    stage.row.report.trigger()
    assert stage.exports.busy
    assert stage.row.end.isEnabled()
    stage.wait()
    assert sorted(file.suffix for file in stage.folder.iterdir()) == [".html", ".pdf"]
    assert "There are no samples and no test value" in stage.exports.message  # its checkpoint is of no model
    assert not stage.exports.failed
    assert stage.exports.message.startswith(f"Written: {stage.folder / 'run.html'} and run.pdf")
    html, pdf = (command for command in stage.client.sent if isinstance(command, PrepareExport))
    dropped = [command.file for command in stage.client.sent if isinstance(command, DropRunFile)]
    assert html.like == "" and pdf.like == dropped[0], "the second has the content of the first"
    assert leftovers() == []


def test_a_folder_is_written_by_a_local_engine_only(stage: Stage) -> None:
    stage.choose()
    hub = stage.exports.form("hub")
    assert hub is not None
    assert stage.exports.refusal(hub) == hub.reason != "", "its settings are of no family"
    hub = msgspec.structs.replace(hub, reason="")
    stage.client.is_local = False
    assert "engine's machine only" in stage.exports.refusal(hub)
    archive = stage.exports.form("archive")
    assert archive is not None
    assert stage.exports.refusal(archive) == ""


def test_what_cannot_be_written_is_a_sentence_and_leaves_nothing(stage: Stage) -> None:
    stage.choose()
    archive = stage.exports.form("archive")
    assert archive is not None
    stage.exports.start(archive, str(stage.folder / "gone" / "a"))
    stage.wait()
    assert stage.exports.failed
    assert "a.gmrun: " in stage.exports.message
    assert leftovers() == []
    assert list(stage.folder.iterdir()) == []


def test_a_stopped_export_leaves_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.choose()
    archive = stage.exports.form("archive")
    assert archive is not None
    monkeypatch.setattr(run_exports, "_put", lambda *_arguments: pytest.fail("it was stopped"))
    stage.exports.start(archive, str(stage.folder / "a.gmrun"))
    assert stage.exports.busy
    stage.client.serve()
    stage.exports.stop()
    stage.client.serve()
    assert stage.exports.message == "Stopped: a.gmrun was not written."
    assert leftovers() == []
    assert not stage.exports.busy
