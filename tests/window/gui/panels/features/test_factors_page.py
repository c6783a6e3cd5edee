"""Factors page: scores, matrix, scatter plot, and the ways to Latents and Train."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from features_page import ShownPage
from features_scene import FACTORS, VAE, factor_matrices, measured
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QTableWidget, QToolButton
from pytestqt.qtbot import QtBot

from gmstudio.protocol.features import FeatureSpace
from gmstudio.protocol.features_factors import MeasureFactors
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.window.gui.panels.features.factors import FactorsPage
from gmstudio.window.gui.widgets.number_input import IntegerField


class Shown(ShownPage[FactorsPage]):
    def __init__(self, qtbot: QtBot) -> None:
        super().__init__(qtbot, "factors", FactorsPage)

    def measure(self) -> None:
        self.find(QToolButton, "factors_start").click()
        self.scene.serve()


@pytest.fixture
def shown(qtbot: QtBot) -> Iterator[Shown]:
    shown = Shown(qtbot)
    yield shown
    shown.panel.hide()


def test_scores_stand_in_a_table_with_formula_and_help(shown: Shown) -> None:
    shown.find(IntegerField, "factors_count").setValue(700)
    shown.measure()
    assert shown.scene.sent(MeasureFactors)[-1].count == 700
    table = shown.find(QTableWidget, "factors_scores")
    texts = [[table.item(row, column).text() for column in range(2)] for row in range(table.rowCount())]
    assert texts == [["MIG", "0.250"], ["SAP", "0.500"]]
    assert table.item(0, 1).toolTip() == "MIG by factor\nkind: 0.100\nscale: 0.200\nx: 0.450"
    table.setCurrentCell(1, 0)
    assert shown.page.scores.text.text() == "Help of SAP." and shown.page.scores.formula.latex == "x"
    assert shown.page.about.words.startswith(
        "VAE, posterior mean, weights of step 9 · 5,000 training images, 1,000 test"
    )


def test_the_matrix_follows_the_choices(shown: Shown) -> None:
    shown.measure()
    assert shown.page.matrix.headings == (("z₀", "z₁", "z₂"), FACTORS)
    assert (shown.page.matrix.values == factor_matrices(3)["correlation"]).all()
    shown.choose("factors_matrix", "information")
    shown.choose("factors_sort", "strongest")
    values = shown.page.matrix.values
    assert values.max() == values[0].max() and values.max(axis=1).tolist() == sorted(values.max(axis=1))[::-1]
    shown.choose("factors_matrix", "importance")
    assert not shown.page.matrix.values.size  # it is not computed yet


def test_a_cell_shows_the_dimension_against_the_factor(shown: Shown, qtbot: QtBot) -> None:
    shown.measure()
    shown.choose("factors_sort", "strongest")
    matrix = shown.page.matrix
    qtbot.mouseClick(matrix, Qt.MouseButton.LeftButton, pos=matrix.cell_rect(0, 2).center().toPoint())
    state, (line,) = shown.page._state, shown.page.scatter.lines
    dim = int(state.order()[0])
    found = state.found
    assert found is not None and state.cell == (dim, 2)
    assert line.x.tolist() == pytest.approx(found.point_factors.numpy()[:, 2].tolist())
    assert line.y.tolist() == pytest.approx(found.points.numpy()[:, dim].tolist())
    assert shown.page.reading.words.startswith(f"{state.dimension_name(dim)}, x: ")


def test_the_dimension_is_opened_in_latents(shown: Shown, qtbot: QtBot) -> None:
    shown.measure()
    button = shown.find(QToolButton, "factors_latents")
    assert not button.isEnabled() and "Choose a cell of the matrix first" in button.toolTip()
    shown.page.matrix.chosen.emit(1, 0)
    with qtbot.waitSignal(shown.panel.dimension_wanted) as blocker:
        button.click()
    assert blocker.args == [VAE, 1]


def test_train_is_set_up_for_data_with_factors(shown: Shown, qtbot: QtBot) -> None:
    shown.scene.refusals[FeatureSpace(run=VAE, layer="code")] = "The data have no known factors."
    shown.measure()
    assert shown.page.work.line.words == "The data have no known factors."
    with qtbot.waitSignal(shown.panel.setup_wanted) as blocker:
        shown.find(QToolButton, "factors_shapes").click()
    assert blocker.args == [RunSpec(family="vae", data="shapes")]


def test_progress_and_stop(shown: Shown) -> None:
    shown.find(QToolButton, "factors_start").click()
    shown.scene.client.deliver(measured(shown.scene.sent(MeasureFactors)[-1])[0])
    assert shown.page.work.line.words == "Random forests · 5 s left" and shown.page.work.bar.value() == 400
    shown.find(QToolButton, "factors_stop").click()
    assert shown.page.work.line.words == "" and not shown.find(QToolButton, "factors_stop").isEnabled()


def test_scores_and_matrices_are_written_as_csv(shown: Shown, qtbot: QtBot, tmp_path: Path) -> None:
    shown.measure()
    shown.find(QToolButton, "factors_csv").click()
    dialog = shown.panel.findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "a.csv"))
    dialog.close()
    qtbot.waitUntil(lambda: shown.page.work.line.words == f"Written: {tmp_path / 'a.csv'}")
    lines = [line for line in (tmp_path / "a.csv").read_text().splitlines() if not line.startswith("#")]
    assert lines[:2] == ["table,row,factor,value", "score,mig,,0.25"]
    assert f"correlation,z₀,kind,{float(factor_matrices(3)['correlation'][0, 0])!r}" in lines
    assert len(lines) == 1 + 2 + 6 + 2 * 9
