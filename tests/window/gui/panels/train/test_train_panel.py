from collections.abc import Iterator
from typing import TypeVar

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QSlider, QToolButton, QTreeView, QTreeWidget, QWidget
from pytestqt.qtbot import QtBot
from training_scene import GAME, Scene, browsed, catalog, grid, info, opened, points

from gmstudio.protocol.data import BrowseData, DescribeModel, ModelDescribed
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.families import Objective, Term
from gmstudio.protocol.runs import FetchSamples, RunsListed
from gmstudio.protocol.training import (
    PauseTraining,
    ResumeRun,
    ResumeTraining,
    StartTraining,
    StepTraining,
    StopTraining,
    TrainingChanged,
)
from gmstudio.window.gui.panels.train.curves import TrainCurves, smoothing_position, smoothing_weight
from gmstudio.window.gui.panels.train.panel import TrainPanel
from gmstudio.window.gui.panels.train.status import clock
from gmstudio.window.gui.theme import MODES, theme
from gmstudio.window.gui.widgets.formula import Formula
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs

WidgetT = TypeVar("WidgetT", bound=QWidget)


class Stage(Scene):
    """A scene with the panel on it."""

    def __init__(self, qtbot: QtBot, *, with_catalog: bool = True) -> None:
        super().__init__(with_catalog=with_catalog)
        self.qtbot = qtbot
        self.panel = TrainPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1200, 740)
        self.find("train.tabs", LazyTabs).build_all()
        self.panel.show()
        qtbot.waitExposed(self.panel)

    def find(self, name: str, kind: type[WidgetT] = QWidget) -> WidgetT:  # type: ignore[assignment]
        found = self.panel.findChild(kind, name)
        assert found is not None, name
        return found

    def press(self, name: str) -> None:
        self.qtbot.mouseClick(self.find(f"train.{name}"), Qt.MouseButton.LeftButton)

    def enabled(self) -> set[str]:
        names = ("start", "pause", "stop", "step", "keep")
        return {name for name in names if self.find(f"train.{name}").isEnabled()}

    def toggle(self) -> str:
        """Text of the button that pauses and resumes."""
        return self.find("train.pause", QToolButton).text()

    def change(self, status: str, step: int = 10, message: str = "") -> None:
        self.client.deliver(TrainingChanged(run="/runs/a", status=status, step=step, message=message))

    def curves(self) -> TrainCurves:
        return self.find("train.curves", TrainCurves)


@pytest.fixture
def stage(qtbot: QtBot) -> Iterator[Stage]:
    stage = Stage(qtbot)
    yield stage
    stage.close()


@pytest.fixture
def early_stage(qtbot: QtBot) -> Iterator[Stage]:
    """The panel before the engine has started; the fixture keeps it until its timers have ended."""
    stage = Stage(qtbot, with_catalog=False)
    yield stage
    stage.close()


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


# ---- watching -----------------------------------------------------------------------------------------------------


def test_samples_come_live_and_the_scrubber_goes_back(stage: Stage, qtbot: QtBot) -> None:
    stage.begin(sample_steps=(50,))
    for step in (100, 150):
        stage.client.deliver(grid("/runs/a", step))
    samples = stage.find("train.samples", ImageGrid)
    assert samples.images[0, 0, 0, 0] == 150
    slider = stage.find("train.samples_step", QSlider)
    assert (slider.minimum(), slider.maximum(), slider.value()) == (0, 2, 2)
    slider.setValue(1)
    assert samples.images[0, 0, 0, 0] == 100 and not stage.state.samples.following
    slider.setValue(0)
    fetch = stage.client.last(FetchSamples)
    stage.client.deliver(grid("/runs/a", 50, request=fetch.request, kept=(50, 100, 150)))
    assert samples.images[0, 0, 0, 0] == 50
    typed = stage.find("train.samples_typed")
    typed.lineEdit().setText("120")  # type: ignore[attr-defined]
    qtbot.keyClick(typed, Qt.Key.Key_Return)
    assert samples.images[0, 0, 0, 0] == 100
    qtbot.keyClick(typed, Qt.Key.Key_Down)
    assert typed.value == 50, "from grid to grid"  # type: ignore[attr-defined]
    assert samples.images[0, 0, 0, 0] == 50
    for step in (100, 150, 150):
        qtbot.keyClick(typed, Qt.Key.Key_Up)
        assert typed.value == step  # type: ignore[attr-defined]
    qtbot.keyClick(typed, Qt.Key.Key_Down)
    stage.press("latest")
    assert samples.images[0, 0, 0, 0] == 150 and stage.state.samples.following


def test_curves_of_a_run_by_group(stage: Stage, qtbot: QtBot) -> None:
    stage.begin(objective=GAME)
    for name in ("discriminator_loss", "generator_loss", "d_real", "d_fake", "grad_norm_generator", "images_per_s"):
        stage.client.deliver(points("/runs/a", name, np.arange(50), np.ones(50)))
    stage.client.deliver(points("/runs/a", "generator_loss", [50], [2.0], split="valid"))
    curves = stage.curves()
    qtbot.waitUntil(lambda: len(curves.plots) == 2, timeout=10_000)
    assert set(curves.plots) == {"loss nats", "probability"}
    stage.find("train.curves.show.images_per_s", QToolButton)
    toggle = stage.find("train.curves.show.grad_norm", QToolButton)
    toggle.setChecked(True)
    qtbot.waitUntil(lambda: "grad_norm" in curves.plots, timeout=3000)
    assert curves.plots["grad_norm"].isVisible()
    toggle.setChecked(False)
    assert not curves.plots["grad_norm"].isVisible()
    readings = curves.plots["loss nats"].readings()
    assert {(r.trace.label, r.trace.validation) for r in readings} == {
        ("discriminator loss", False),
        ("generator loss", False),
        ("generator loss", True),
    }


def test_bits_per_dimension_by_a_switch(stage: Stage) -> None:
    stage.begin()
    stage.client.deliver(points("/runs/a", "loss", [1, 2], [64.0, 64.0]))
    curves = stage.curves()
    curves.refresh()
    plot = curves.plots["loss likelihood"]
    assert plot.readings()[0].value == 64.0
    stage.find("train.unit", QComboBox).setCurrentText("bits/dim")
    curves.refresh()
    assert plot.readings()[0].value == pytest.approx(1 / np.log(2))


def test_several_runs_share_the_plots_in_colours_of_their_own(stage: Stage) -> None:
    stage.begin()
    stage.client.deliver(points("/runs/a", "loss", [1, 2], [5.0, 4.0]))
    other = info("/runs/b", status="stopped", step=2)
    stage.client.deliver(RunsListed(home="/runs", runs=(info("/runs/a"), other), problems=()))
    runs = stage.find("train.runs", QTreeView).model()
    runs.setData(runs.index(1, 0), Qt.CheckState.Checked.value, Qt.ItemDataRole.CheckStateRole)
    stage.client.deliver(opened("/runs/b", live=False, status="stopped"))
    stage.client.deliver(points("/runs/b", "loss", [1, 2], [7.0, 6.0], reset=True))
    stage.curves().refresh()
    readings = stage.curves().plots["loss likelihood"].readings()
    assert [r.value for r in readings] == [4.0, 6.0]
    assert readings[0].trace.color != readings[1].trace.color
    runs.setData(runs.index(1, 0), Qt.CheckState.Unchecked.value, Qt.ItemDataRole.CheckStateRole)
    stage.curves().refresh()
    assert len(stage.curves().plots["loss likelihood"].readings()) == 1


def test_plots_of_runs_of_different_length_show_the_same_steps(stage: Stage) -> None:
    stage.begin()
    stage.client.deliver(points("/runs/a", "loss", np.arange(1500), np.ones(1500)))
    stage.client.deliver(opened("/runs/b", live=False, status="stopped", objective=GAME))
    stage.client.deliver(points("/runs/b", "generator_loss", np.arange(700), np.ones(700)))
    stage.state.set_overlay("/runs/b", True)
    curves = stage.curves()
    curves.refresh()
    assert set(curves.plots) == {"loss likelihood", "loss nats"}
    for _ in range(2):
        for plot in curves.plots.values():
            plot.redraw()
    assert all(plot.view_range()[0][1] >= 1499 for plot in curves.plots.values())


def test_zooming_one_plot_keeps_all_at_those_steps(stage: Stage) -> None:
    stage.begin(objective=GAME)
    for name in ("generator_loss", "d_real"):
        stage.client.deliver(points("/runs/a", name, np.arange(100), np.ones(100)))
    curves = stage.curves()
    curves.refresh()
    first, second = curves.plots["loss nats"], curves.plots["probability"]
    first.zoomed.emit()
    assert not second.following_x
    second.follow_wanted.emit()
    assert first.following_x and second.following_x


def test_smoothing_by_slider_or_typed(stage: Stage) -> None:
    assert smoothing_weight(0) == 0.0 and smoothing_weight(100) == pytest.approx(0.999)
    assert all(smoothing_position(smoothing_weight(p)) == p for p in range(101))
    slider, typed = stage.find("train.smoothing", QSlider), stage.find("train.smoothing_typed")
    slider.setValue(50)
    assert typed.value == pytest.approx(0.968, abs=1e-3)  # type: ignore[attr-defined]
    typed.lineEdit().setText("0.9")  # type: ignore[attr-defined]
    typed.editingFinished.emit()  # type: ignore[attr-defined]
    assert slider.value() == smoothing_position(0.9)


def test_the_formula_and_its_terms(stage: Stage, qtbot: QtBot) -> None:
    formula = stage.find("train.formula", Formula)
    assert formula.latex == r"\mathcal{L} = R + D_{KL}"
    stage.find("train.config.beta").set_value(4.0)  # type: ignore[attr-defined]
    assert r"\beta" in formula.latex
    stage.begin()
    assert r"\beta" not in formula.latex
    stage.client.deliver(points("/runs/a", "kl", [1, 2], [5.0, 4.25]))
    stage.client.deliver(points("/runs/a", "kl", [2], [4.5], split="valid"))
    qtbot.waitUntil(lambda: stage.find("train.term.kl.train", QLabel).text() == "4.250", timeout=3000)
    assert stage.find("train.term.kl.valid", QLabel).text() == "4.500"
    assert stage.find("train.term.loss.train", QLabel).text() == "–"


def test_the_status_line(stage: Stage, qtbot: QtBot) -> None:
    stage.begin()
    stage.client.deliver(points("/runs/a", "loss", [431], [20.0]))
    stage.client.deliver(points("/runs/a", "images_per_s", [431], [5120.0]))
    stage.client.deliver(points("/runs/a", "loss", [400], [17.3], split="valid"))
    numbers = stage.find("train.status", QLabel)
    qtbot.waitUntil(lambda: "step 431 of 1,500" in numbers.text(), timeout=3000)
    assert "5,120 images/s" in numbers.text()
    assert "best validation 17.30 (0.3900 bits/dim) at step 400" in numbers.text()
    assert "at most 500 images of the validation split" in numbers.toolTip()
    assert [clock(s) for s in (5, 65, 3723)] == ["0:05", "1:05", "1:02:03"]


def test_a_stopped_run_is_selected_and_extended(stage: Stage, qtbot: QtBot) -> None:
    done = info("/runs/c", status="finished", step=1500, checkpoint_steps=(1500,))
    stage.client.deliver(RunsListed(home="/runs", runs=(done,), problems=()))
    runs = stage.find("train.runs", QTreeView)
    runs.setCurrentIndex(runs.model().index(0, 0))
    until = stage.find("train.until")
    assert until.value == 3000  # type: ignore[attr-defined]
    until.lineEdit().setText("2000")  # type: ignore[attr-defined]
    stage.press("pause")
    command = stage.client.last(ResumeRun)
    assert (command.run, command.steps) == ("/runs/c", 2000)


def test_every_control_has_a_name_in_words(stage: Stage) -> None:
    kinds = (QToolButton, QComboBox, QSlider, QTreeView)
    for kind in kinds:
        for widget in stage.panel.findChildren(kind):
            if widget.isVisible() and widget.objectName().startswith("train."):
                assert widget.accessibleName() and widget.toolTip(), widget.objectName()


# ---- small windows and themes -------------------------------------------------------------------------------------


def test_a_narrow_window_says_less_but_cuts_nothing(stage: Stage, qtbot: QtBot) -> None:
    stage.begin()
    for name in ("loss", "grad_norm", "images_per_s", "learning_rate"):
        stage.client.deliver(points("/runs/a", name, np.arange(1, 50), np.ones(49)))
    stage.client.deliver(points("/runs/a", "loss", [40], [17.3], split="valid"))
    stage.panel.resize(690, 560)
    qtbot.waitUntil(lambda: len(toggles(stage)) == 4, timeout=3000)
    qtbot.waitUntil(lambda: all(t.width() >= t.sizeHint().width() for t in toggles(stage)), timeout=3000)
    numbers = stage.find("train.status", QLabel)
    qtbot.waitUntil(lambda: numbers.text().startswith("step ") and numbers.width() >= numbers.sizeHint().width())
    assert "images/s" not in numbers.text()
    unit = stage.find("train.unit", QComboBox)
    assert unit.mapTo(stage.panel, unit.rect().topLeft()).y() > toggles(stage)[0].geometry().bottom()
    runs = stage.find("train.runs", QTreeView).model()
    assert runs.index(0, 0).data().startswith("a\ntraining, step ")


def test_losses_come_first_whichever_curve_came_first(stage: Stage, qtbot: QtBot) -> None:
    stage.begin()
    stage.client.deliver(points("/runs/a", "images_per_s", [10], [1.0]))
    qtbot.waitUntil(lambda: len(toggles(stage)) == 1, timeout=3000)
    stage.client.deliver(points("/runs/a", "loss", [10, 20], [2.0, 1.0]))
    qtbot.waitUntil(lambda: len(toggles(stage)) == 2, timeout=3000)
    names = [stage.curves()._groups.itemAt(i).widget().text() for i in range(2)]
    assert names == ["NLL", "Speed"]


def test_branches_stand_back_in_either_theme(stage: Stage) -> None:
    branch = stage.find("train.families", QTreeWidget).topLevelItem(0)
    assert branch is not None
    before = theme().mode
    for mode in MODES:
        theme().set_mode(mode)
        assert branch.foreground(0).color() == theme().color("muted")
    theme().set_mode(before)


def test_what_a_generator_draws_is_called_so(stage: Stage) -> None:
    stage.begin()
    stage.client.deliver(grid("/runs/a", 100))
    captions = {label.text() for label in stage.panel.findChildren(QLabel)}
    assert "Samples, step 100" in captions or "Means of decoded samples, step 100" in captions
    able = msgspec.structs.replace(info("/runs/g"), capabilities=("sample", "decode", "discriminate"))
    stage.state.samples.show_run(msgspec.structs.replace(opened("/runs/g", live=False), info=able))
    stage.client.deliver(grid("/runs/g", 100))
    assert "Generated images G(z), step 100" in {label.text() for label in stage.panel.findChildren(QLabel)}


def toggles(stage: Stage) -> list[QToolButton]:
    return [b for b in stage.panel.findChildren(QToolButton) if b.objectName().startswith("train.curves.show.")]


def test_tab_goes_from_above_to_below_in_forms_made_anew(stage: Stage) -> None:
    stage.state.setup.choose_family("gan")
    stage.state.setup.choose_data("idx")
    stage.state.setup.choose_family("vae")
    first = widget = stage.find("train.family")
    names = [first.objectName()]
    while (widget := widget.nextInFocusChain()) is not first:
        names.append(widget.objectName())
    expected = [
        "train.family",
        "train.data",
        "train.data.folder",
        "train.data.levels",
        "train.config.architecture",
        "train.config.num_latent",
        "train.config.beta",
        "train.training.steps",
        "train.start",
    ]
    # Forms that are still to be deleted come last.
    assert [name for name in dict.fromkeys(names) if name in expected] == expected


def test_no_best_is_shown_of_a_loss_that_does_not_compare(stage: Stage) -> None:
    objective = Objective("F - F", (Term("loss", "F - F", "Near 0.", "nats", comparable=False),))
    stage.client.deliver(opened("/runs/r", live=False, status="finished", objective=objective))
    stage.client.deliver(RunsListed(home="/runs", runs=(info("/runs/r", "finished"),), problems=()))
    stage.state.choose_run("/runs/r")
    stage.client.deliver(points("/runs/r", "loss", [400], [0.1], split="valid"))
    stage.find("train.tabs", LazyTabs).show_page("runs")
    stage.state.status_changed.emit()
    assert "best" not in stage.find("train.status", QLabel).text()
    runs = stage.find("train.runs", QTreeView).model()
    assert runs.index(0, 0).data().startswith("r") and runs.index(0, 1).data() == ""


def test_means_are_named_for_a_decoder_that_has_them(stage: Stage) -> None:
    means = "Means of decoded samples"
    for capabilities, words in ((("sample", "decode"), "Samples"), (("decode", "posterior"), means)):
        able = msgspec.structs.replace(info("/runs/m"), capabilities=capabilities)
        stage.state.samples.show_run(msgspec.structs.replace(opened("/runs/m", live=False), info=able))
        stage.client.deliver(msgspec.structs.replace(grid("/runs/m", 100), kind="means"))
        assert f"{words}, step 100" in {label.text() for label in stage.panel.findChildren(QLabel)}


def test_the_curves_take_the_place_of_samples_and_tabs_and_mark_the_best_step(stage: Stage, qtbot: QtBot) -> None:
    stage.panel.show()
    stage.begin()
    stage.client.deliver(points("/runs/a", "loss", [10, 20, 30], [3.0, 1.0, 2.0], split="valid"))
    qtbot.waitUntil(lambda: bool(stage.curves().plots), timeout=3000)
    (plot,) = stage.curves().plots.values()
    assert [trace.best for trace in plot.traces] == [20]
    samples = stage.find("train.samples")
    assert samples.isVisible()
    stage.press("enlarge")
    assert not samples.isVisible() and stage.curves().isVisible()
    stage.press("enlarge")
    assert samples.isVisible()
    icons = {
        name: stage.find(f"train.{name}", QToolButton).icon().pixmap(24).toImage() for name in ("enlarge", "follow")
    }
    assert icons["enlarge"] != icons["follow"]


def test_a_run_that_records_no_number_of_training_images_has_no_epochs(stage: Stage, qtbot: QtBot) -> None:
    stage.begin()
    stage.client.deliver(opened("/runs/a"))
    stage.client.deliver(points("/runs/a", "loss", [10, 20], [3.0, 1.0]))
    qtbot.waitUntil(lambda: bool(stage.curves().plots), timeout=3000)
    stage.find("train.axis", QComboBox).setCurrentIndex(1)
    stage.curves().refresh()
    texts = [label.text() for label in stage.curves().findChildren(QLabel) if not label.isHidden()]
    assert any("number of training images is not recorded" in text and "choose step or time" in text for text in texts)
    stage.find("train.axis", QComboBox).setCurrentIndex(0)
    stage.curves().refresh()
    assert not any("choose step" in lab.text() for lab in stage.curves().findChildren(QLabel) if not lab.isHidden())


def test_curves_by_step_epoch_and_time(stage: Stage, qtbot: QtBot) -> None:
    stage.begin()
    run = msgspec.structs.replace(opened("/runs/a"), num_train=128)
    stage.client.deliver(run)
    batch_size = run.info.training.batch_size
    stage.client.deliver(points("/runs/a", "images_per_s", [10, 20], [batch_size * 10.0, batch_size * 5.0]))
    stage.client.deliver(points("/runs/a", "loss", [10, 20, 25], [3.0, 1.0, 2.0]))
    stage.client.deliver(points("/runs/a", "loss", [20], [1.0], split="valid"))
    qtbot.waitUntil(lambda: bool(stage.curves().plots), timeout=3000)
    axis, plot = stage.find("train.axis", QComboBox), next(iter(stage.curves().plots.values()))
    found = {}
    for number, name in enumerate(("step", "epoch", "time")):
        axis.setCurrentIndex(number)
        stage.curves().refresh()
        plot.redraw()
        found[name] = plot.traces[0].steps.tolist()
        assert name in plot.by and plot.traces[1].best == plot.traces[0].steps[1]
    assert found["step"] == [10, 20, 25]
    assert found["epoch"] == [round(1000 * step * batch_size / 128) for step in (10, 20, 25)]
    assert found["time"] == [1000, 3000, 4000], "ten steps at ten a second, then five a second"
    plot.set_cursor(1500)
    assert "training time, s 1.50" in plot._legend.text()
