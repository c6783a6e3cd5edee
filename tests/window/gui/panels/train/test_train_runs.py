"""Runs tab of the Train panel: labels and figures, names, notes, stars, trash, settings taken over."""

from collections.abc import Iterator
from typing import Any, TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import (
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QTableView,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from training_scene import ELBO, GAME, WEIGHTED, Scene, info, opened, points

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import (
    AnnotateRun,
    ChooseCheckpoint,
    OpenRun,
    RestoreRun,
    RunDescribed,
    RunInfo,
    RunsListed,
    RunTrashed,
    TrashRun,
)
from gmstudio.protocol.training import CheckpointSaved, KeepCheckpoint, TrainingChanged, TrainOn
from gmstudio.window.gui.note_dialog import NoteDialog
from gmstudio.window.gui.panels.train.curves import TrainCurves
from gmstudio.window.gui.panels.train.kept import KeptCheckpoints
from gmstudio.window.gui.panels.train.panel import TrainPanel
from gmstudio.window.gui.panels.train.run_table import EXAMPLES
from gmstudio.window.gui.panels.train.runs import RunsView
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs

WidgetT = TypeVar("WidgetT", bound=QWidget)


class Stage(Scene):
    """The panel with its Runs tab open, which has the focus."""

    def __init__(self, qtbot: QtBot) -> None:
        super().__init__()
        self.qtbot = qtbot
        self.panel = TrainPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1280, 800)
        self.panel.show()
        qtbot.waitExposed(self.panel)
        self.panel.set_active(True)
        self.find("train.tabs", LazyTabs).show_page("runs")
        self.tree = self.find("train.runs", QTableView)
        self.tree.setFocus()

    def find(self, name: str, kind: type[WidgetT]) -> WidgetT:
        found = self.panel.findChild(kind, name)
        assert found is not None, name
        return found

    def put(self, *runs: RunInfo) -> None:
        self.client.deliver(RunsListed(home="/runs", runs=runs, problems=()))

    def select(self, row: int) -> None:
        self.tree.setCurrentIndex(self.tree.model().index(row, 0))
        self.tree.setFocus()

    def text(self, row: int, column: int = 0, role: Qt.ItemDataRole = Qt.ItemDataRole.DisplayRole) -> Any:
        return self.tree.model().index(row, column).data(role)

    def names(self) -> list[str]:
        return [self.text(row).split("\n")[0] for row in range(self.tree.model().rowCount())]

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        self.qtbot.keyClick(self.tree, key, modifier)


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    stage = Stage(qtbot)
    yield stage
    stage.close()


def a_run(folder: str, **values: Any) -> RunInfo:
    given = {"label": f"VAE · β = {folder}", "data_label": "MNIST 28×28", "checkpoint_steps": (10,)} | values
    return info(f"/runs/{folder}", given.pop("status", "finished"), given.pop("step", 1500), **given)


def test_a_row_has_label_data_steps_and_figure_with_its_unit(stage: Stage) -> None:
    stage.put(
        a_run("10", best_bits=1.25, capabilities=("elbo",), differing=("β: 10 (default 1)",)),
        a_run("2", name="mine", note="with care", label="AE"),
    )
    first, second = stage.text(0).split("\n")
    assert (first, second) == ("VAE · β = 10", "MNIST 28×28 · 1,500 steps")
    assert stage.text(0, 1) == "≤ 1.250"
    assert stage.tree.model().headerData(1, Qt.Orientation.Horizontal) == "bits/dim"
    assert "β: 10 (default 1)" in stage.text(0, role=Qt.ItemDataRole.ToolTipRole)
    assert stage.text(1).startswith("mine\n") and stage.text(1, 1) == ""
    tip = stage.text(1, role=Qt.ItemDataRole.ToolTipRole)
    assert "AE · MNIST 28×28" in tip and "with care" in tip and "All settings have their defaults." in tip


@pytest.mark.parametrize(("objective", "figure"), [(ELBO, "≤ 0.902"), (WEIGHTED, ""), (GAME, "")])
def test_only_a_likelihood_of_the_image_has_a_figure(stage: Stage, objective: Any, figure: str) -> None:
    stage.put(a_run("a"))
    stage.client.deliver(opened("/runs/a", live=False, status="finished", objective=objective))
    stage.client.deliver(points("/runs/a", "loss", [1, 2], [50.0, 40.0], split="valid"))
    stage.state.choose_run("/runs/a")
    assert stage.text(0, 1) == figure


def test_runs_that_read_the_same_show_their_start(stage: Stage) -> None:
    stage.put(a_run("a", label="VAE"), a_run("b", label="VAE"), a_run("c", label="GAN"))
    assert ["Jan" in stage.text(row) for row in range(3)] == [True, True, False]


def test_figures_are_sorted_within_their_data(stage: Stage) -> None:
    stage.put(
        a_run("a", best_bits=0.5, data_label="MNIST"),
        a_run("b", best_bits=2.0, data_label="CIFAR-10"),
        a_run("c", data_label="MNIST"),
        a_run("d", best_bits=0.1, data_label="MNIST"),
    )
    stage.tree.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert [name[-1] for name in stage.names()] == ["b", "d", "a", "c"]
    stage.tree.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert [name[-1] for name in stage.names()] == ["a", "b", "c", "d"]


def test_f2_renames_and_the_label_or_nothing_takes_the_name_away(stage: Stage) -> None:
    stage.put(a_run("a"))
    for typed, sent in (("best", "best"), ("", ""), ("VAE · β = a", "")):
        stage.client.deliver(RunDescribed(info=a_run("a", name="" if sent else "old")))
        stage.select(0)
        stage.press(Qt.Key.Key_F2)
        editor = stage.tree.findChild(QLineEdit)
        assert editor is not None
        editor.setText(typed)
        stage.qtbot.keyClick(editor, Qt.Key.Key_Return)
        stage.qtbot.waitUntil(lambda: stage.tree.findChild(QLineEdit) is None)
        assert stage.client.last(AnnotateRun).name == sent
    assert len([command for command in stage.client.sent if isinstance(command, AnnotateRun)]) == 3


def test_a_star_lists_a_run_first(stage: Stage) -> None:
    stage.put(a_run("a"), a_run("b"))
    stage.select(1)
    stage.press(Qt.Key.Key_B, Qt.KeyboardModifier.ControlModifier)
    assert stage.client.last(AnnotateRun).starred is True
    stage.client.deliver(RunDescribed(info=a_run("b", starred=True)))
    assert stage.names() == ["★ VAE · β = b", "VAE · β = a"]
    assert stage.state.run == "/runs/b" and stage.tree.currentIndex().row() == 0


def test_a_note_is_written(stage: Stage) -> None:
    stage.put(a_run("a", note="old"))
    stage.select(0)
    stage.press(Qt.Key.Key_E, Qt.KeyboardModifier.ControlModifier)
    dialog = stage.panel.findChild(NoteDialog)
    assert dialog is not None
    text = dialog.findChild(QPlainTextEdit)
    assert text.toPlainText() == "old"
    text.setPlainText("new\nlines\n")
    dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save).click()
    assert stage.client.last(AnnotateRun).note == "new\nlines"


def test_delete_moves_to_the_trash_and_undo_brings_back(stage: Stage) -> None:
    stage.put(a_run("a"), a_run("b"))
    stage.select(0)
    stage.state.set_overlay("/runs/a", True)
    stage.press(Qt.Key.Key_Delete)
    trash = stage.client.last(TrashRun)
    assert trash.run == "/runs/a"
    stage.client.deliver(RunTrashed(request=trash.request, run="/runs/a", place="/trash/a"))
    assert stage.names() == ["VAE · β = b"] and stage.state.run == "/runs/b"
    assert "/runs/a" not in stage.state.overlays
    undo = stage.find("train.undo_trash", QToolButton)
    assert undo.isVisible() and any(
        "is in the trash" in x.toolTip() or "/trash/a" in x.toolTip() for x in stage.panel.findChildren(QLabel)
    )
    undo.click()
    restore = stage.client.last(RestoreRun)
    assert (restore.run, restore.place) == ("/runs/a", "/trash/a") and not undo.isVisible()
    stage.client.deliver(RunDescribed(request=restore.request, info=a_run("a")))
    assert len(stage.names()) == 2


@pytest.mark.parametrize(("trashed", "shown"), [("b", "c"), ("c", "b"), ("a", "b")])
def test_the_run_beside_that_in_the_trash_is_shown(stage: Stage, trashed: str, shown: str) -> None:
    stage.put(a_run("a"), a_run("b"), a_run("c"))
    stage.select(["a", "b", "c"].index(trashed))
    assert stage.state.run == f"/runs/{trashed}"
    stage.press(Qt.Key.Key_Delete)
    request = stage.client.last(TrashRun).request
    stage.client.deliver(RunTrashed(request=request, run=f"/runs/{trashed}", place="/trash/x"))
    assert stage.state.run == f"/runs/{shown}"


def test_the_last_run_in_the_trash_leaves_no_run(stage: Stage) -> None:
    stage.put(a_run("a"))
    stage.select(0)
    stage.press(Qt.Key.Key_Delete)
    stage.client.deliver(RunTrashed(request=stage.client.last(TrashRun).request, run="/runs/a", place="/trash/a"))
    assert stage.state.run == "" and stage.state.info is None and stage.state.samples.run == ""


def test_the_run_in_training_stays_and_says_why(stage: Stage) -> None:
    stage.begin("/runs/a")
    stage.select(0)
    sent = len(stage.client.sent)
    stage.press(Qt.Key.Key_Delete)
    assert len(stage.client.sent) == sent
    actions = {action.objectName(): action for action in stage.tree.actions()}
    trash = actions["action.train.trash"]
    assert not trash.isEnabled() and "in training" in trash.toolTip()
    stage.client.deliver(TrainingChanged(run="/runs/a", status="stopped", step=5))
    assert trash.isEnabled()


def test_a_refused_change_is_reported(stage: Stage) -> None:
    failures: list[CommandFailed] = []
    stage.library.failed.connect(failures.append)
    stage.put(a_run("a"))
    stage.select(0)
    stage.press(Qt.Key.Key_Delete)
    request = stage.client.last(TrashRun).request
    stage.client.deliver(CommandFailed(request=request, command="TrashRun", message="No."))
    assert [failure.message for failure in failures] == ["No."] and len(stage.names()) == 1


def test_its_settings_are_taken_over_into_the_next_run(stage: Stage) -> None:
    spec = RunSpec(
        family="gan",
        config={"objective": "minimax"},
        data="idx",
        data_config={"folder": "/d", "levels": 4},
        training={"steps": 77, "seed": 5},
    )
    stage.put(a_run("a", spec=spec), a_run("b", spec=RunSpec(family="dbn", data="idx")))
    stage.select(0)
    stage.press(Qt.Key.Key_D, Qt.KeyboardModifier.ControlModifier)
    taken = stage.state.setup.spec
    assert (taken.family, taken.data, taken.config) == ("gan", "idx", {"objective": "minimax"})
    assert taken.data_config == {"folder": "/d", "levels": 4}
    assert (taken.training["steps"], taken.training["seed"]) == (77, 5)
    stage.select(1)
    again = next(a for a in stage.tree.actions() if a.objectName() == "action.train.again")
    assert not again.isEnabled() and "does not have" in again.toolTip()


def test_the_path_is_copied(stage: Stage) -> None:
    stage.put(a_run("a"))
    stage.select(0)
    stage.press(Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "/runs/a"


def test_the_keys_of_the_list_act_only_in_the_list(stage: Stage) -> None:
    stage.put(a_run("a"))
    stage.select(0)
    start = stage.find("train.start", QToolButton)
    start.setEnabled(True)
    for focused in (start, stage.panel):
        focused.setFocus()
        for key in (Qt.Key.Key_Delete, Qt.Key.Key_F2):
            stage.qtbot.keyClick(focused, key)
    assert not any(isinstance(command, TrashRun) for command in stage.client.sent)
    assert stage.tree.findChild(QLineEdit) is None


def test_the_context_menu_has_all_of_it(stage: Stage) -> None:
    stage.put(a_run("a"))
    stage.select(0)
    texts = [action.text() for action in stage.panel.findChild(RunsView).menu().actions()]
    assert texts == ["Rename", "Note…", "Star", "Train again with these settings", "Copy path", "Move to trash"]


def test_of_three_thousand_runs_only_the_one_that_changed_is_drawn(stage: Stage) -> None:
    stage.put(*(a_run(f"{number:04}") for number in range(3000)))
    rows = stage.tree.model()
    stage.qtbot.waitUntil(lambda: rows.rowCount() == 3000)
    drawn: list[tuple[int, int]] = []
    rows.dataChanged.connect(lambda first, last: drawn.append((first.row(), last.row())))
    rows.modelReset.connect(lambda: drawn.append((0, 2999)))
    stage.client.deliver(CheckpointSaved(run="/runs/1234", step=20))
    stage.qtbot.waitUntil(lambda: bool(drawn))
    assert drawn == [(1234, 1234)]


def test_the_run_in_training_is_named_while_another_is_shown(stage: Stage) -> None:
    stage.put(a_run("a"), a_run("b"))
    stage.begin("/runs/a", label="VAE · β = a", title="VAE · β = a · MNIST")
    show = stage.find("train.show_live", QToolButton)
    stop = stage.find("train.stop", QToolButton)
    assert not show.isVisible() and "In training" not in stop.toolTip()
    stage.select(1)
    assert stage.state.run == "/runs/b" and show.isVisible()
    assert "In training: VAE · β = a · MNIST" in stop.toolTip()
    show.click()
    assert stage.state.run == "/runs/a" and not show.isVisible()
    start = stage.find("train.start", QToolButton)
    assert not start.isEnabled() and "One run trains at a time" in start.toolTip()


# ---- kept checkpoints ---------------------------------------------------------------------------------------------


def test_a_kept_checkpoint_is_marked_and_listed(stage: Stage) -> None:
    stage.begin("/runs/a")
    stage.client.deliver(points("/runs/a", "loss", [1, 2, 3], [5.0, 4.0, 3.0]))
    curves = stage.find("train.curves", TrainCurves)
    curves.refresh()
    kept = stage.find("train.kept", KeptCheckpoints)
    assert not kept.isEnabled() and "No checkpoint of this run is kept yet" in kept.toolTip()
    stage.client.deliver(CheckpointSaved(run="/runs/a", step=2, kept=True))
    assert kept.isEnabled() and kept.text() == "1 kept"
    stage.qtbot.waitUntil(lambda: [step for step, _ in next(iter(curves.plots.values())).marks.marks] == [2])
    assert "Kept checkpoints: 2" in stage.text(0, role=Qt.ItemDataRole.ToolTipRole)


def test_its_weights_are_chosen_for_all_panels_and_released(stage: Stage) -> None:
    stage.put(a_run("a", kept_steps=(200, 1000)))
    stage.select(0)
    stage.client.deliver(opened("/runs/a", live=False, status="finished", kept_steps=(200, 1000)))
    kept = stage.find("train.kept", KeptCheckpoints)
    actions = {action.text(): action for action in kept.menu().actions()}
    assert actions["Newest weights"].isChecked()
    actions["Kept checkpoint, step 200"].trigger()
    chosen = stage.client.last(ChooseCheckpoint)
    assert (chosen.run, chosen.step) == ("/runs/a", 200)
    assert isinstance(stage.client.sent[-1], OpenRun) and kept.text() == "Weights of step 200"
    actions = {action.text(): action for action in kept.menu().actions()}
    assert actions["Kept checkpoint, step 200"].isChecked()
    actions["Release step 200"].trigger()
    assert stage.client.last(ChooseCheckpoint).step is None and kept.text() == "2 kept"
    released = stage.client.last(KeepCheckpoint)
    assert (released.keep, released.step) == (False, 200)


def with_example(stage: Stage) -> RunInfo:
    """List one run of the user and one example, and select the example."""
    example = info("vae", checkpoint_steps=(10,), status="finished", step=10, example=True)
    stage.client.deliver(RunsListed(home="/runs", runs=(info("mine"), example), problems=()))
    stage.tree.setCurrentIndex(stage.tree.model().index(2, 0))
    return example


def test_examples_stand_below_the_users_runs_under_a_heading(stage: Stage) -> None:
    with_example(stage)
    model = stage.tree.model()
    assert model.rowCount() == 3 and model.index(1, 0).data() == EXAMPLES
    assert model.flags(model.index(1, 0)) == Qt.ItemFlag.NoItemFlags
    for column, order in ((1, Qt.SortOrder.DescendingOrder), (0, Qt.SortOrder.DescendingOrder)):
        model.sort(column, order)
        assert model.index(1, 0).data() == EXAMPLES


def test_an_example_cannot_be_changed_and_says_why(stage: Stage) -> None:
    example = with_example(stage)
    assert stage.state.run == example.run
    model = stage.tree.model()
    assert not model.flags(model.index(2, 0)) & Qt.ItemFlag.ItemIsEditable
    actions = {action.objectName().split(".")[-1]: action for action in stage.panel.findChildren(QAction)}
    for name in ("rename", "note", "star", "trash"):
        assert not actions[name].isEnabled() and "train on from a copy" in actions[name].toolTip(), name
    assert actions["copy_path"].isEnabled() and not actions["keep"].isEnabled()
    stage.tree.setCurrentIndex(model.index(0, 0))
    for name in ("rename", "note", "star", "trash"):
        assert actions[name].isEnabled() and "train on from a copy" not in actions[name].toolTip(), name


def test_training_on_continues_a_copy_of_an_example(stage: Stage) -> None:
    example = with_example(stage)
    toggle = stage.find("train.pause", QToolButton)
    assert toggle.text() == "Train on" and "Copy this example" in toggle.toolTip()
    toggle.click()
    command = stage.client.sent[-1]
    assert isinstance(command, TrainOn)
    assert command.run == example.run and command.steps == stage.state.resume_steps > 10
