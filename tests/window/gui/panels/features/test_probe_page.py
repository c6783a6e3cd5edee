"""Probe page: settings, accuracies, confusions and images, by its controls."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from features_page import ShownPage
from features_scene import GAN, OTHER, VAE, probed
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.protocol.features import PCA, FeatureSpace, ProbeFeatures
from gmstudio.protocol.image_sets import FetchImages
from gmstudio.window.gui.panels.features.probe import ProbePage
from gmstudio.window.gui.panels.features.probe_table import ProbeTable
from gmstudio.window.gui.panels.features.space_row import space_words
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.state.features.probe import LABEL_COUNTS


class Shown(ShownPage[ProbePage]):
    def __init__(self, qtbot: QtBot) -> None:
        super().__init__(qtbot, "probe", ProbePage)

    def probe(self) -> None:
        self.find(QToolButton, "probe_start").click()
        self.scene.serve()


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Shown]:
    shown = Shown(qtbot)
    yield shown
    shown.panel.hide()


def test_the_features_are_chosen_on_top(shown: Shown) -> None:
    layer = shown.find(QComboBox, "layer")
    texts = [layer.itemText(index) for index in range(layer.count()) if layer.itemText(index)]
    assert texts[0] == "Posterior mean · 3 dimensions" and texts[-1] == "PCA of the pixels"
    index = layer.findData("middle")
    layer.setCurrentIndex(index)
    layer.activated.emit(index)
    timestep = shown.find(IntegerField, "timestep")
    assert timestep.isVisible() and timestep.value() == 100 and not shown.find(IntegerField, "components").isVisible()
    timestep.setValue(250)
    assert shown.scene.state.space == FeatureSpace(run=VAE, layer="middle", timestep=250)
    index = layer.findData(PCA)
    layer.activated.emit(index)
    components = shown.find(IntegerField, "components")
    assert components.isVisible() and not timestep.isVisible()
    components.setValue(12)
    assert shown.scene.state.space == FeatureSpace(layer=PCA, num_dims=12)


def test_settings_are_sent(shown: Shown) -> None:
    shown.find(QCheckBox, "probe_labels_all").click()
    shown.find(QCheckBox, "probe_labels_5").click()
    shown.find(IntegerField, "probe_seeds").setValue(3)
    shown.find(IntegerField, "probe_neighbours").setValue(7)
    shown.probe()
    command = shown.scene.sent(ProbeFeatures)[0]
    assert (command.labels_per_class, command.num_seeds, command.neighbours) == ((1, 10, 50, 100), 3, 7)


def test_without_a_number_of_labels_the_button_says_why(shown: Shown) -> None:
    for count in ("1", "5", "10", "50", "100", "all"):
        shown.find(QCheckBox, f"probe_labels_{count}").click()
    button = shown.find(QToolButton, "probe_start")
    assert not button.isEnabled() and "at least one number of labels" in button.toolTip()


def test_accuracies_are_in_the_table_and_the_plot(shown: Shown) -> None:
    shown.probe()
    table = shown.find(ProbeTable, "probe_table")
    assert table.rowCount() == 6
    linear, neighbours = table.item(0, 2), table.item(1, 2)
    assert linear is not None and linear.text() == "0.420 ± 0.016" and "5 seeds: 0.400, 0.410" in linear.toolTip()
    assert neighbours is not None and neighbours.text() == "0.320 ± 0.016"
    assert "A class has few labels." in linear.toolTip()
    lines = shown.page.plot.lines
    assert len(lines) == 6 and [line.dashed for line in lines] == [False, True] * 3
    assert lines[0].x.tolist() == [1, 5, 10, 50, 100, 200]
    assert lines[0].low is not None and lines[0].low[0] == pytest.approx(
        0.42 - np.std([0.40, 0.41, 0.42, 0.43, 0.44], ddof=1)
    )


def test_a_refusal_stands_in_the_row(shown: Shown) -> None:
    shown.scene.refusals[FeatureSpace(layer=PCA)] = "There are no labels."
    shown.probe()
    item = shown.find(ProbeTable, "probe_table").item(4, 2)
    assert item is not None and item.text() == "There are no labels."


def test_a_cell_of_the_matrix_opens_its_images(shown: Shown, qtbot: QtBot) -> None:
    shown.probe()
    table = shown.find(ProbeTable, "probe_table")
    table.setCurrentCell(0, 2 + LABEL_COUNTS.index(5))
    assert "5 labels a class · C = 0.1" in shown.page.about.words
    table.setCurrentCell(0, 2)
    assert "1 label a class · C = 0.1" in shown.page.about.words
    table.setCurrentCell(0, 2 + LABEL_COUNTS.index(5))
    matrix = shown.page.confusion
    place = matrix.cell_rect(1, 0).center().toPoint()
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=QPoint(place))
    expected = shown.page._state.confused(1, 0)
    assert len(expected) and shown.page.images.indices.tolist() == expected.tolist()
    assert "one taken for zero" in shown.page.reading.words
    qtbot.waitUntil(lambda: bool(shown.scene.sent(FetchImages)))
    shown.scene.serve()
    assert shown.scene.sent(FetchImages)[-1].indices.numpy().tolist() == expected.tolist()
    qtbot.waitUntil(lambda: shown.page.images.sheet.pixels(int(expected[0])) is not None)


def test_features_are_kept_and_removed(shown: Shown, qtbot: QtBot) -> None:
    shown.find(QToolButton, "probe_keep").click()
    assert not shown.find(QToolButton, "probe_keep").isEnabled()
    table = shown.find(ProbeTable, "probe_table")
    assert table.rowCount() == 6
    shown.scene.state.set_space(FeatureSpace(run=VAE, layer="layer1"))
    assert table.rowCount() == 8
    table.setCurrentCell(4, 0)
    table.setFocus()
    shown.find(QToolButton, "probe_remove").click()
    assert table.rowCount() == 6
    shown.panel.undo.undo()
    assert table.rowCount() == 8


def test_progress_and_stop(shown: Shown) -> None:
    assert not shown.find(QToolButton, "probe_stop").isEnabled()
    shown.find(QToolButton, "probe_start").click()
    command = shown.scene.sent(ProbeFeatures)[-1]
    shown.scene.client.deliver(probed(command, (0.5,))[0])
    assert "Fitting · 3 s left" in shown.page.work.line.words and shown.page.work.bar.value() == round(1000 / 6)
    assert not shown.find(QToolButton, "probe_start").isEnabled()
    shown.find(QToolButton, "probe_stop").click()
    assert shown.page.work.line.words == "" and shown.find(QToolButton, "probe_start").isEnabled()


def test_numbers_are_written_as_csv(shown: Shown, qtbot: QtBot, tmp_path: Path) -> None:
    assert not shown.find(QToolButton, "probe_csv").isEnabled()
    shown.probe()
    shown.find(QToolButton, "probe_csv").click()
    dialog = shown.panel.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "a.csv"))
    dialog.close()
    qtbot.waitUntil(lambda: shown.page.work.line.words == f"Written: {tmp_path / 'a.csv'}")
    lines = [line for line in (tmp_path / "a.csv").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "features,classifier,labels_per_class,labels,seed_number,accuracy,C"
    assert lines[1] == '"vae, posterior mean",Linear probe,1,3,0,0.4,0.1'
    assert len(lines) == 1 + 3 * 6 * 2 * 5


def test_columns_keep_their_places_when_results_arrive(shown: Shown) -> None:
    table = shown.find(ProbeTable, "probe_table")
    before = [table.columnViewportPosition(column) for column in range(table.columnCount())]
    shown.scene.refusals[FeatureSpace(layer=PCA)] = "There are no labels. " * 12
    shown.probe()
    assert [table.columnViewportPosition(column) for column in range(table.columnCount())] == before
    widest = max(table.sizeHintForColumn(column) for column in range(3, table.columnCount()))
    assert widest <= table.columnWidth(3)
    assert (table.rowSpan(4, 2), table.columnSpan(4, 2)) == (2, len(LABEL_COUNTS))
    del shown.scene.refusals[FeatureSpace(layer=PCA)]
    shown.probe()
    assert (table.rowSpan(4, 2), table.columnSpan(4, 2)) == (1, 1)


def test_one_label_and_all_labels_are_written_as_such(shown: Shown) -> None:
    shown.probe()
    table = shown.find(ProbeTable, "probe_table")
    table.setCurrentCell(0, 2)
    assert ", 1 label a class · " in shown.page.about.words
    table.setCurrentCell(0, 1 + len(LABEL_COUNTS))
    assert ", all labels" in shown.page.about.words and "labels a class" not in shown.page.about.words


def test_results_of_other_settings_are_marked(shown: Shown) -> None:
    shown.probe()
    item = shown.find(ProbeTable, "probe_table").item(0, 2)
    assert item is not None and item.foreground().color() == theme().color("text")
    shown.find(IntegerField, "probe_neighbours").setValue(7)
    assert item.foreground().color() == theme().color("muted")
    assert "Of other settings than chosen: seeds 5, neighbours 5." in item.toolTip()
    shown.find(IntegerField, "probe_neighbours").setValue(5)
    assert item.foreground().color() == theme().color("text")


def test_runs_of_one_name_are_distinguished_by_data_or_start(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    state = shown.scene.state
    infos = {run: state.library.info(run) for run in (VAE, GAN, OTHER)}
    labels = {VAE: "MNIST", GAN: "MNIST", OTHER: "Fashion"}
    starts = {VAE: "2026-01-02T10:00:00+00:00", GAN: "2026-01-03T10:00:00+00:00", OTHER: ""}
    named = {
        run: msgspec.structs.replace(info, name="Mine", data_label=labels[run], created=starts[run])
        for run, info in infos.items()
        if info is not None
    }
    monkeypatch.setattr(state.library, "info", named.get)
    spaces = [FeatureSpace(run=run, layer="code") for run in (VAE, GAN, OTHER)]
    state.set_space(spaces[0])
    assert space_words(state, spaces[0]) == "Mine, posterior mean"
    state.keep_space()
    state.set_space(spaces[2])
    assert space_words(state, spaces[0]) == "Mine · MNIST, posterior mean"
    assert space_words(state, spaces[2]).startswith("Mine · Fashion, ")
    state.keep_space()
    state.set_space(spaces[1])
    words = [space_words(state, space) for space in spaces]
    assert words[0].startswith("Mine · MNIST · 2 Jan") and words[1].startswith("Mine · MNIST · 3 Jan")
    assert words[2].startswith("Mine · Fashion, ")
