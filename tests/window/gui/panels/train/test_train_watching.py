"""Train panel while one watches: samples, curves, terms and status; small windows and themes."""

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QSlider, QTableView, QToolButton, QTreeWidget
from pytestqt.qtbot import QtBot
from train_stage import Stage, early_stage, stage
from training_scene import GAME, grid, info, opened, points

from gmstudio.protocol.families import Objective, Term
from gmstudio.protocol.runs import FetchSamples, RunsListed
from gmstudio.protocol.training import (
    ResumeRun,
)
from gmstudio.window.gui.panels.train.curves import smoothing_position, smoothing_weight
from gmstudio.window.gui.panels.train.status import clock
from gmstudio.window.gui.theme import MODES, theme
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.formula import Formula
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.lazy_tabs import LazyTabs

__all__ = ["early_stage", "stage"]


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
    runs = stage.find("train.runs", QTableView).model()
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


def test_who_else_trains_a_run_is_said_before_its_title(stage: Stage) -> None:
    other = info("/runs/c", status="running", step=15, writer="process 4711 on node7")
    stage.client.deliver(RunsListed(home="/runs", runs=(other,), problems=()))
    runs = stage.find("train.runs", QTableView)
    runs.setCurrentIndex(runs.model().index(0, 0))
    title = stage.find("train.shown", ElidedLabel)
    assert title.words == f"In training elsewhere (process 4711 on node7) · {other.title}"


def test_a_stopped_run_is_selected_and_extended(stage: Stage, qtbot: QtBot) -> None:
    done = info("/runs/c", status="finished", step=1500, checkpoint_steps=(1500,))
    stage.client.deliver(RunsListed(home="/runs", runs=(done,), problems=()))
    runs = stage.find("train.runs", QTableView)
    runs.setCurrentIndex(runs.model().index(0, 0))
    until = stage.find("train.until")
    assert until.value == 3000  # type: ignore[attr-defined]
    until.lineEdit().setText("2000")  # type: ignore[attr-defined]
    stage.press("pause")
    command = stage.client.last(ResumeRun)
    assert (command.run, command.steps) == ("/runs/c", 2000)


def test_every_control_has_a_name_in_words(stage: Stage) -> None:
    kinds = (QToolButton, QComboBox, QSlider, QTableView)
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
    stage.panel.resize(600, 560)
    qtbot.waitUntil(lambda: len(toggles(stage)) == 4, timeout=3000)
    qtbot.waitUntil(lambda: all(t.width() >= t.sizeHint().width() for t in toggles(stage)), timeout=3000)
    numbers = stage.find("train.status", QLabel)
    qtbot.waitUntil(lambda: numbers.text().startswith("step ") and numbers.width() >= numbers.sizeHint().width())
    assert "images/s" not in numbers.text()
    unit = stage.find("train.unit", QComboBox)
    assert unit.mapTo(stage.panel, unit.rect().topLeft()).y() > toggles(stage)[0].geometry().bottom()
    runs = stage.find("train.runs", QTableView).model()
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
    runs = stage.find("train.runs", QTableView).model()
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
