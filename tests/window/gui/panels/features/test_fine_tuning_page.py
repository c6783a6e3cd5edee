"""Fine-tuning page and its state: settings, live curves, the last accuracies, and what cannot be fine-tuned."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from features_page import ShownPage
from features_scene import GAN, LAYERS, VAE, tuned
from PySide6.QtWidgets import QComboBox, QFileDialog, QTableWidget, QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.protocol.engine import Cancel, Reason
from gmstudio.protocol.features import PCA, FeatureSpace
from gmstudio.protocol.features_fine_tuning import FineTune
from gmstudio.window.gui.panels.features.fine_tuning import FineTuningPage
from gmstudio.window.gui.widgets.number_input import IntegerField, NumberField
from gmstudio.window.state.features.fine_tuning import FineTuningState


class Shown(ShownPage[FineTuningPage]):
    def __init__(self, qtbot: QtBot) -> None:
        super().__init__(qtbot, "fine_tuning", FineTuningPage)
        self.state = self.scene.state.page(FineTuningState)

    def train(self) -> FineTune:
        self.find(QToolButton, "fine_tuning_start").click()
        command: FineTune = self.scene.sent(FineTune)[-1]
        return command


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Shown]:
    shown = Shown(qtbot)
    yield shown
    shown.panel.hide()


def test_settings_are_sent_with_the_chosen_layer(shown: Shown) -> None:
    labels = shown.find(QComboBox, "fine_tuning_labels")
    labels.activated.emit(labels.findData(50))
    shown.find(IntegerField, "fine_tuning_steps").setValue(120)
    shown.find(IntegerField, "fine_tuning_seeds").setValue(2)
    shown.find(NumberField, "fine_tuning_rate").setValue(0.01)
    command = shown.train()
    assert command.space == FeatureSpace(run=VAE, layer="code") and command.run == VAE
    assert (command.labels_per_class, command.steps, command.num_seeds) == (50, 120, 2)
    assert command.learning_rate == pytest.approx(0.01)
    shown.panel.undo.undo()
    assert shown.find(NumberField, "fine_tuning_rate").value() == pytest.approx(0.001)


def test_curves_grow_while_the_classifiers_are_trained(shown: Shown) -> None:
    command = shown.train()
    shown.scene.client.deliver(tuned(command)[0])
    lines = shown.page.plot.lines
    assert [line.name for line in lines] == ["Fine-tuned", "Frozen encoder", "From scratch"]
    assert np.isfinite(lines[0].y).tolist() == [True, True, True, False, False]
    assert shown.page.plot.ranges[:2] == (0.0, 200.0)
    assert shown.page.work.line.words == "Seed 1 · 9 s left" and shown.page.work.bar.value() == 250
    shown.scene.client.deliver(tuned(command)[1])
    line, curve = shown.page.plot.lines[1], shown.state.curve("frozen")
    assert curve is not None and line.low is not None
    accuracies = curve.accuracies.numpy()
    assert line.y.tolist() == pytest.approx(accuracies.mean(axis=0).tolist())
    assert line.low.tolist() == pytest.approx((accuracies.mean(axis=0) - accuracies.std(axis=0, ddof=1)).tolist())
    losses = shown.page.losses.lines[1].y.tolist()
    assert losses == pytest.approx(curve.train_losses.numpy().mean(axis=0).tolist())


def test_the_table_has_the_last_accuracies(shown: Shown) -> None:
    command = shown.train()
    shown.scene.serve()
    table = shown.find(QTableWidget, "fine_tuning_table")
    texts = [[table.item(row, column).text() for column in range(3)] for row in range(3)]
    assert texts[0] == ["Fine-tuned", "0.820 ± 0.020", "0.800, 0.820, 0.840"]
    assert texts[2][0] == "From scratch" and texts[2][1] == "0.620 ± 0.020"
    assert f"{command.labels_per_class * 3} labelled images, 30 test images · One class" in shown.page.about.words


def test_stop_keeps_the_curves(shown: Shown) -> None:
    command = shown.train()
    shown.scene.client.deliver(tuned(command)[0])
    shown.find(QToolButton, "fine_tuning_stop").click()
    assert shown.scene.sent(Cancel)[-1].target == command.request
    assert len(shown.page.plot.lines) == 3 and not shown.state.running
    assert shown.state.final("fine-tuned").tolist() == pytest.approx([0.9 - 0.5 / 3])
    assert shown.find(QToolButton, "fine_tuning_start").isEnabled()


def test_what_has_no_encoder_or_gradient_says_so(shown: Shown, qtbot: QtBot) -> None:
    shown.scene.state.set_space(FeatureSpace(layer=PCA))
    assert "have no encoder" in shown.page.work.line.words
    assert not shown.find(QToolButton, "fine_tuning_start").isEnabled()
    shown.scene.layers[GAN] = (msgspec.structs.replace(LAYERS[1], differentiable=False, default=True),)
    shown.scene.state.set_space(FeatureSpace(run=VAE, layer="code"))
    shown.scene.state.choose_run(GAN)
    shown.scene.serve()
    assert shown.page.work.line.words.startswith("Layer 1 has no gradient")


def test_a_refusal_is_shown_and_the_end_of_the_engine_is_quiet(shown: Shown) -> None:
    shown.scene.fail(shown.train(), "The data have no labels.")
    assert shown.page.work.line.words == "The data have no labels."
    shown.scene.fail(shown.train(), "The engine ended.", Reason.ENGINE_GONE)
    assert shown.page.work.line.words == "" and not shown.state.running


def test_curves_of_another_run_are_left(shown: Shown) -> None:
    command = shown.train()
    shown.scene.client.deliver(tuned(command)[0])
    shown.scene.state.choose_run(GAN)
    assert shown.scene.sent(Cancel)[-1].target == command.request
    assert shown.state.found is None and shown.page.plot.lines == ()


def test_curves_are_written_as_csv(shown: Shown, qtbot: QtBot, tmp_path: Path) -> None:
    shown.train()
    shown.scene.serve()
    shown.find(QToolButton, "fine_tuning_csv").click()
    dialog = shown.panel.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "a.csv"))
    dialog.close()
    qtbot.waitUntil(lambda: shown.page.work.line.words == f"Written: {tmp_path / 'a.csv'}")
    lines = [line for line in (tmp_path / "a.csv").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "classifier,seed_number,step,test_accuracy,train_loss"
    assert lines[1].startswith("fine-tuned,0,0,0.4") and len(lines) == 1 + 3 * 3 * 5
