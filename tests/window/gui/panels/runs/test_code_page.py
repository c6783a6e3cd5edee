"""Code page: the file is requested for the run on the screen, coloured, copied and saved; a reason is shown."""

from pathlib import Path

import pytest
from fake_client import FakeClient
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot
from training_scene import catalog, info

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import RunsListed
from gmstudio.protocol.runs_code import CodeShown, ShowCode
from gmstudio.protocol.runs_files import ExportPrepared, FetchPrepared, PreparedPiece, PrepareExport
from gmstudio.window.gui.panels.runs.code import WRITING, CodePage
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.state import RunsState

TEXT = '"""A model.\n\nOf two lines.\n"""\n\nimport torch\n\n\nclass A:\n    x = 1  # one\n'


class CodeStage:
    def __init__(self, qtbot: QtBot) -> None:
        self.client = FakeClient()
        library = RunLibrary(self.client)
        self.state = RunsState(self.client, library)
        self.panel = RunsPanel(self.state, library)
        qtbot.addWidget(self.panel)
        self.client.deliver(catalog())
        runs = (info("a", "finished", 100), info("b", "finished", 50))
        self.client.deliver(RunsListed(home="/runs", runs=runs, problems=()))
        self.panel.resize(1290, 640)
        self.panel.show()
        self.state.choose_run("a")
        self.panel.tabs.show_page("code")
        page = self.panel.tabs.page("code")
        assert isinstance(page, CodePage)
        self.page: CodePage = page

    def requests(self) -> list[ShowCode]:
        return [command for command in self.client.sent if isinstance(command, ShowCode)]

    def reply(self, text: str = TEXT) -> None:
        command = self.requests()[-1]
        self.client.deliver(CodeShown(request=command.request, run=command.run, step=100, text=text))


@pytest.fixture
def stage(qtbot: QtBot) -> CodeStage:
    return CodeStage(qtbot)


def test_the_code_of_the_run_is_requested_once_and_shown(stage: CodeStage) -> None:
    assert [command.run for command in stage.requests()] == ["a"]
    assert stage.page.note.text() == WRITING and not stage.page.copy.isEnabled()
    stage.reply()
    assert stage.page.view.toPlainText() == TEXT and "step 100" in stage.page.note.text()
    stage.panel.tabs.show_page("library")
    stage.panel.tabs.show_page("code")
    assert len(stage.requests()) == 1
    stage.state.choose_run("b")
    assert stage.requests()[-1].run == "b" and stage.page.view.toPlainText() == ""


def test_a_reason_is_shown_and_the_code_can_be_requested_again(stage: CodeStage) -> None:
    number = stage.requests()[-1].request
    stage.client.deliver(
        CommandFailed(request=number, command="show_code", reason=Reason.BAD_SETTING, message="It uses numpy.")
    )
    assert stage.page.note.text() == "It uses numpy."
    stage.page.again.trigger()
    assert len(stage.requests()) == 2 and stage.page.note.text() == WRITING


def test_it_is_copied_and_saved(stage: CodeStage, qtbot: QtBot, tmp_path: Path) -> None:
    stage.reply()
    stage.page.copy.trigger()
    assert QGuiApplication.clipboard().text() == TEXT
    stage.page._write("a", TEXT, str(tmp_path / "model.py"))
    stage.state.choose_run("b")  # the weights are those of the run whose code was saved
    qtbot.waitUntil(lambda: stage.page.weights.busy)
    assert (tmp_path / "model.py").read_text() == TEXT
    wanted = stage.client.last(PrepareExport)
    assert (wanted.run, wanted.form) == ("a", "safetensors")
    stage.client.deliver(
        ExportPrepared(request=wanted.request, run="a", form=wanted.form, export="0" * 32, size=2, name="a", remarks=())
    )
    fetch = stage.client.last(FetchPrepared)
    stage.client.deliver(PreparedPiece(request=fetch.request, export=fetch.export, offset=0, data=b"ab"))
    qtbot.waitUntil(lambda: not stage.page.weights.busy)
    assert (tmp_path / "model.safetensors").read_bytes() == b"ab"
    assert stage.page.note.words == f"Written: {tmp_path / 'model.safetensors'}, and the code beside it."


def test_weights_of_another_model_are_not_replaced(stage: CodeStage, qtbot: QtBot, tmp_path: Path) -> None:
    stage.reply()
    (tmp_path / "model.safetensors").write_bytes(b"another one")
    stage.page._write("a", TEXT, str(tmp_path / "model.py"))
    qtbot.waitUntil(lambda: "may be of another model" in stage.page.note.words)
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_syntax_is_coloured_across_lines(stage: CodeStage) -> None:
    stage.reply()
    document = stage.page.view.document()
    colours = {}
    for number in (0, 2, 5, 8, 9):
        block = document.findBlockByNumber(number)
        colours[number] = [one.format.foreground().color().name() for one in block.layout().formats()]
    assert colours[0] == colours[2] and len(colours[5]) == 1 and len(set(colours[8])) == 2
    assert len(colours[9]) == 2 and colours[5] != colours[0]
