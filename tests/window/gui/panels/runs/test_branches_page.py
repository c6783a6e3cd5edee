"""Branches: the tree is drawn and clicked, settings are changed, refused and undone, and the branch is requested."""

from collections.abc import Iterator

import msgspec
import pytest
from fake_client import FakeClient
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot
from runs_pages import only_pages
from training_scene import catalog, info, opened

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunDescribed, RunInfo, RunOrigin, RunsListed
from gmstudio.protocol.runs_branching import BranchRun, FindFixedSettings, FixedSettingsFound
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.gui.forms.form_field import FormField
from gmstudio.window.gui.panels.runs.branch_form import NO_CHECKPOINT, WAITS
from gmstudio.window.gui.panels.runs.branches import ALONE, BranchesPage
from gmstudio.window.gui.panels.runs.panel import RunsPanel
from gmstudio.window.gui.widgets.plots.step_tree import StepTree
from gmstudio.window.state.runs.branches import BranchesState
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.runs.state import RunsState

TRAINING = {"steps": 1500, "learning_rate": 1e-3}
SPEC = RunSpec(family="vae", config={"beta": 1.0}, data="digits", data_config={"levels": 2}, training=TRAINING)
ORIGIN = RunOrigin(run="root", created="2026-01-01", step=500, changed=("β 1 → 4",))
ROOT = info("root", "finished", 1500, spec=SPEC, created="2026-01-01", checkpoint_steps=(0, 500, 1500))
CHILD = info("child", "stopped", 700, spec=SPEC, created="2026-01-02", checkpoint_steps=(500, 700), origin=ORIGIN)
BARE = info("bare", "failed", 0, spec=SPEC, created="2026-01-03")


class Stage:
    def __init__(self, qtbot: QtBot, *runs: RunInfo) -> None:
        self.client = FakeClient()
        self.library = RunLibrary(self.client)
        self.state = RunsState(self.client, self.library)
        self.panel = RunsPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.client.deliver(catalog())
        self.client.deliver(RunsListed(home="/runs", runs=runs, problems=()))
        self.panel.resize(1290, 640)
        self.panel.show()
        self.panel.tabs.show_page("branches")
        page = self.panel.tabs.page("branches")
        assert isinstance(page, BranchesPage)
        self.page: BranchesPage = page
        self.branches = self.state.page(BranchesState)
        self.state.choose_run("root")
        self.settle()

    def settle(self) -> None:
        QGuiApplication.processEvents()
        self.page.refresh()

    @property
    def tree(self) -> StepTree:
        return self.page.tree

    def field(self, part: str, name: str) -> FormField:
        return self.page.form._forms[part].fields[name]

    def type(self, part: str, name: str, value: object) -> None:
        self.field(part, name).set_value(value)
        self.field(part, name).edited.emit()


@pytest.fixture
def stage(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    only_pages(monkeypatch, "branches")
    one = Stage(qtbot, ROOT, CHILD, BARE)
    yield one
    one.panel.hide()


def test_the_tree_is_over_steps_and_says_what_was_changed(stage: Stage) -> None:
    root, child = stage.tree.lines
    assert (root.key, root.row, root.begin, root.end, root.parent, root.dots) == (
        "root",
        0,
        0,
        1500,
        None,
        (0, 500, 1500),
    )
    assert (child.key, child.row, child.begin, child.end, child.parent) == ("child", 1, 500, 700, 0)
    assert child.detail == "from step 500: β 1 → 4"
    assert stage.tree.x_of(500) < stage.tree.x_of(700) < stage.tree.x_of(1500) <= stage.tree.width()
    assert stage.tree.step_at(stage.tree.x_of(500)) == pytest.approx(500, abs=2)


def test_a_click_chooses_a_run_and_on_the_chosen_one_the_checkpoint(stage: Stage, qtbot: QtBot) -> None:
    def click(row: int, step: int) -> None:
        place = QPoint(round(stage.tree.x_of(step)), round(stage.tree.y_of(row)))
        qtbot.mouseClick(stage.tree, Qt.MouseButton.LeftButton, pos=place)
        stage.settle()

    click(1, 600)
    assert stage.state.run == "child" and stage.branches.step == 700
    click(1, 520)
    assert stage.branches.step == 500 and stage.page.form.step.currentText() == "500"
    qtbot.keyClick(stage.tree, Qt.Key.Key_Up)
    assert stage.state.run == "root" and stage.branches.step == 1500


def test_only_what_differs_is_sent(stage: Stage) -> None:
    stage.branches.choose_step(500)
    assert "No setting is changed" in stage.page.form.note.text()
    stage.type("config", "beta", 4.0)
    stage.type("training", "learning_rate", 5e-4)
    stage.type("training", "grad_clip", 1.0)  # which the run's record does not have
    assert stage.page.form.note.text() == "Changes β, Learning rate, Clip gradient."
    stage.page.form.action.trigger()
    command = stage.client.last(BranchRun)
    assert (command.run, command.step, command.config) == ("root", 500, {"beta": 4.0})
    assert command.training == {"learning_rate": 5e-4, "grad_clip": 1.0}
    assert not stage.page.form.action.isEnabled() and stage.page.form.note.text() == "Making the branch …"
    reply = msgspec.structs.replace(opened("new", spec=SPEC), request=command.request)
    stage.client.deliver(reply)
    assert stage.state.run == "new"


def test_from_the_last_checkpoint_there_are_steps_to_make(stage: Stage) -> None:
    assert stage.branches.step == 1500 and stage.field("training", "steps").value == 3000
    assert stage.branches.changes("training") == {"steps": 3000}
    stage.type("config", "beta", 4.0)
    stage.branches.choose_step(500)
    assert stage.field("training", "steps").value == 1500
    assert stage.branches.changes("config") == {"beta": 4.0}, "what was set stays"


def test_refusals_are_shown_at_their_fields_and_open_schedules_are_asked_about(stage: Stage) -> None:
    asked: list[tuple[object, str]] = []
    stage.library.schedule_asked.connect(lambda command, question: asked.append((command, question)))
    stage.page.form.action.trigger()
    request = stage.client.last(BranchRun).request
    fields = {"training.steps": "Steps is 3, but 1,500 are made; enter more."}
    failed = CommandFailed(request=request, command="BranchRun", message="It is refused.", fields=fields)
    stage.client.deliver(failed)
    assert stage.page.form.note.text() == "It is refused."
    assert "enter more" in stage.field("training", "steps")._error.text()
    stage.page.form.action.trigger()
    request = stage.client.last(BranchRun).request
    stage.client.deliver(
        CommandFailed(request=request, command="BranchRun", message="Choose.", reason=Reason.SCHEDULE_OPEN)
    )
    ((command, question),) = asked
    assert question == "Choose." and stage.page.form.action.isEnabled()
    stage.client.deliver(RunDescribed(info=CHILD))
    stage.library.schedule_chosen.emit(command, opened("child"))
    assert stage.state.run == "child", "the branch is shown as if nothing had been asked"


def test_settings_are_undone(stage: Stage) -> None:
    history = stage.panel.undo
    stage.type("config", "beta", 4.0)
    stage.branches.choose_step(500)
    history.undo()
    assert stage.branches.step == 1500
    history.undo()
    assert stage.field("config", "beta").value == 1.0 and stage.branches.changes("config") == {}
    history.redo()
    assert stage.field("config", "beta").value == 4.0


def test_settings_that_are_changed_while_the_run_trains_are_followed_until_something_is_set(stage: Stage) -> None:
    def change(beta: float) -> None:
        spec = msgspec.structs.replace(SPEC, config={"beta": beta})
        stage.client.deliver(RunDescribed(info=msgspec.structs.replace(ROOT, spec=spec)))

    change(6.0)
    assert stage.field("config", "beta").value == 6.0 and stage.branches.changes("config") == {}
    stage.type("training", "learning_rate", 5e-4)
    change(7.0)
    assert stage.branches.values["training"]["learning_rate"] == 5e-4


def test_it_says_when_a_branch_waits_and_why_there_is_none(stage: Stage) -> None:
    stage.client.deliver(TrainingChanged(run="child", status="running", step=700))
    assert WAITS in stage.page.form.note.text() and stage.page.form.action.isEnabled()
    stage.state.choose_run("bare")
    stage.settle()
    assert stage.page.form.note.text() == NO_CHECKPOINT and not stage.page.form.action.isEnabled()
    assert stage.page.note.words == ALONE


def test_settings_that_the_checkpoint_fixes_are_disabled_with_the_reason(stage: Stage) -> None:
    command = stage.client.last(FindFixedSettings)
    assert command.run == "root" and stage.field("config", "beta").editor.isEnabled()
    fields = {"config.beta": "It sets the parameters of the network."}
    stage.client.deliver(FixedSettingsFound(request=command.request, run="root", fields=fields))
    beta = stage.field("config", "beta").editor
    assert not beta.isEnabled() and beta.toolTip() == "It sets the parameters of the network."
    assert stage.field("training", "learning_rate").editor.isEnabled() and stage.page.form.fixed.isVisible()
    asked = len(stage.client.sent)
    stage.branches.choose_step(500)
    assert len(stage.client.sent) == asked, "another checkpoint of the run fixes the same"
    stage.state.choose_run("child")
    assert stage.client.last(FindFixedSettings).run == "child" and beta.isEnabled()
