"""The page of scores: several models on one set, their numbers, and the images in their order."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from density_scene import CNN, COUNT, ERROR, FLOW, GAN, LIKELIHOOD, RUNS, VAE, DensityScene, run_info, scores_of
from PySide6.QtGui import QFontMetrics
from pytestqt.qtbot import QtBot

from gmstudio.protocol.density import ListStatistics, MapSurprisal, ScoreImages
from gmstudio.protocol.engine import Cancel, Reason
from gmstudio.protocol.image_sets import DataImages, FetchImages
from gmstudio.window.gui.panels.density.panel import DensityPanel
from gmstudio.window.gui.panels.density.score_export import scores_csv
from gmstudio.window.gui.panels.density.score_words import caption_text, number_text
from gmstudio.window.gui.panels.density.scores import ScoresPage
from gmstudio.window.state.density.scores import ScoresState

OTHERS = DataImages(labels=(5, 6))


@pytest.fixture
def scene() -> DensityScene:
    return DensityScene()


@pytest.fixture
def panel(qtbot: QtBot, scene: DensityScene) -> Iterator[DensityPanel]:
    panel = DensityPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.resize(1270, 640)
    panel.show()
    panel.tabs.show_page("scores")
    scene.start()
    scene.state.set_runs((FLOW, CNN, VAE))
    scene.serve()
    yield panel
    panel.hide()


@pytest.fixture
def page(panel: DensityPanel) -> ScoresPage:
    page = panel.tabs.page("scores")
    assert isinstance(page, ScoresPage)
    return page


def state_of(scene: DensityScene) -> ScoresState:
    return scene.state.page(ScoresState)


def cell(page: ScoresPage, row: int, column: int) -> str:
    item = page.table.item(row, column)
    assert item is not None
    return item.text()


def test_all_models_are_scored_one_after_the_other(page: ScoresPage, scene: DensityScene) -> None:
    scene.state.set_against(OTHERS)
    scene.serve()
    page.score.trigger()
    assert page.stop.isEnabled() and not page.score.isEnabled()
    scored = [command for command in scene.serve() if isinstance(command, ScoreImages)]
    sets = [DataImages(run=FLOW), DataImages(run=FLOW, labels=(5, 6))]
    assert [(one.run, one.images) for one in scored] == [(run, images) for run in (FLOW, CNN, VAE) for images in sets]
    assert page.score.isEnabled() and not page.stop.isEnabled()
    solid = [one for one in page.histograms.sets if not one.dashed]
    assert [one.name for one in solid] == ["FLOW", "CNN", "VAE"] and len(page.histograms.sets) == 6
    values = scores_of(FLOW, DataImages())
    assert cell(page, 0, 2) == number_text(values.mean()) + " ± " + number_text(values.std(ddof=1) / np.sqrt(COUNT))
    assert cell(page, 0, 3) == f"{-values.mean() / (64 * np.log(2)):.3f}"
    assert cell(page, 2, 3).startswith("≤ ") and cell(page, 0, 4) == str(COUNT) and cell(page, 0, 5) == "40"


def test_images_are_in_the_order_of_a_models_scores(page: ScoresPage, scene: DensityScene) -> None:
    page.score.trigger()
    scene.serve()
    order = np.argsort(-scores_of(FLOW, DataImages()), kind="stable")
    assert page.sheet.index_of(0) == order[0] and page.sheet.index_of(COUNT - 1) == order[-1]
    page.turn.trigger()
    assert page.sheet.index_of(0) == order[-1]
    assert page.order.toolTip().startswith("200 images, least to most likely under FLOW") or (
        "least to most likely under FLOW" in page.order.text()
    )
    page.table.setCurrentCell(2, 0)
    assert state_of(scene).ordered_by == VAE


def test_the_sheet_gets_the_pictures_that_it_wants(qtbot: QtBot, page: ScoresPage, scene: DensityScene) -> None:
    def arrived() -> bool:
        scene.serve()
        return page.sheet.pixels(page.sheet.index_of(0)) is not None

    qtbot.waitUntil(arrived)
    assert scene.client.last(FetchImages).images == DataImages(run=FLOW)


def test_an_open_image_has_its_numbers_and_its_surprisal(page: ScoresPage, scene: DensityScene) -> None:
    page.score.trigger()
    scene.serve()
    page.sheet.opened.emit(7)
    mapped = [command for command in scene.serve() if isinstance(command, MapSurprisal)]
    assert [command.run for command in mapped] == [CNN]  # the only autoregressive one
    assert len(page.detail.grid.images) == 2 and page.detail.words.text() == "Image 7 · label 7 (digit 7)"
    assert cell(page, 0, 6) == number_text(scores_of(FLOW, DataImages())[7])
    error = page.table.item(2, 6)
    assert error is not None and error.toolTip().endswith("± 0.25")
    assert page.histograms.sets[0].mark == scores_of(FLOW, DataImages())[7]
    scene.state.set_images(DataImages(data="digits"))
    assert state_of(scene).inspected.index == -1 and not len(page.detail.grid.images)


def test_scores_so_far_are_shown_and_kept_when_stopped(page: ScoresPage, scene: DensityScene) -> None:
    page.score.trigger()
    command = scene.client.last(ScoreImages)
    scene.reply(command, scene.scores(command, done=50))
    state = state_of(scene)
    progress = state.progress
    assert progress is not None and progress[0].done == 50 and progress[2:] == (0, 3)
    for words in ("1 of 3: FLOW", "50 of 200 images", "1,000 images/s", "10 kept from before"):
        assert words in page.words.status.toolTip() + page.words.status.text(), words
    page.stop.trigger()
    assert isinstance(scene.client.sent[-1], Cancel) and not state.busy
    figures = state.figures(FLOW)
    assert figures is not None and figures.number == 50
    order = state.order()
    assert sorted(order[:50].tolist()) == list(range(50)) and len(order) == COUNT


def test_choices_that_are_taken_back_show_their_scores_at_once(page: ScoresPage, scene: DensityScene) -> None:
    page.score.trigger()
    scene.serve()
    asked = sum(isinstance(command, ScoreImages) for command in scene.client.sent)
    state = state_of(scene)
    state.set_statistic("reconstruction")
    assert state.result(FLOW) is None
    state.set_statistic("log_prob")
    scene.state.set_images(DataImages(split="train"))
    assert state.result(FLOW) is None
    scene.state.set_images(DataImages())
    assert state.result(FLOW) is not None
    page.seed.setValue(3)
    assert state.result(FLOW) is None
    scene.serve()
    assert asked == sum(isinstance(command, ScoreImages) for command in scene.client.sent)


def test_refused_statistics_and_models_are_said(page: ScoresPage, scene: DensityScene) -> None:
    page.statistic.setCurrentIndex(page.statistic.findData("ratio"))
    page.statistic.activated.emit(page.statistic.currentIndex())
    assert not page.score.isEnabled() and "background" in page.score.toolTip()
    assert "background" in cell(page, 0, 2)
    scene.refusals = {(VAE, "log_prob"): "No likelihood; choose another model."}
    state_of(scene).offered.renew()
    scene.serve()
    state_of(scene).set_statistic("log_prob")
    page.score.trigger()
    assert {command.run for command in scene.serve() if isinstance(command, ScoreImages)} == {FLOW, CNN}
    assert cell(page, 2, 2) == "No likelihood; choose another model."


def test_a_failure_of_one_model_leaves_the_others(page: ScoresPage, scene: DensityScene) -> None:
    page.score.trigger()
    scene.fail(scene.client.last(ScoreImages), "The scores of all images are NaN; train the model anew.")
    scene.answered += 1
    scene.serve()
    assert cell(page, 0, 2).startswith("The scores of all images are NaN")
    assert state_of(scene).result(CNN) is not None


def test_the_end_of_the_engine_is_quiet(page: ScoresPage, scene: DensityScene) -> None:
    page.score.trigger()
    scene.fail(scene.client.last(ScoreImages), "gone", Reason.ENGINE_GONE)
    assert not state_of(scene).busy and not state_of(scene).problems
    scene.answered = len(scene.client.sent)
    scene.arrive()
    scene.serve()
    page.score.trigger()
    scene.serve()
    assert state_of(scene).result(VAE) is not None


def test_newer_weights_are_marked(page: ScoresPage, scene: DensityScene) -> None:
    page.score.trigger()
    scene.serve()
    assert not state_of(scene).stale(FLOW)
    scene.list_runs((run_info(FLOW, step=90), *RUNS[1:]))
    state_of(scene).changed.emit()
    assert state_of(scene).stale(FLOW) and cell(page, 0, 5) == "40*"


def test_a_deleted_model_is_left_out(page: ScoresPage, scene: DensityScene) -> None:
    page.score.trigger()
    scene.serve()
    scene.list_runs(RUNS[1:])
    assert page.table.rowCount() == 2 and [one.name for one in page.histograms.sets] == ["CNN", "VAE"]
    scene.list_runs(())
    assert page.table.rowCount() == 0 and not page.score.isEnabled()


def test_the_formula_is_that_of_the_chosen_statistic(page: ScoresPage, scene: DensityScene) -> None:
    assert page.formula.latex == LIKELIHOOD.latex and page.words.help.words.startswith(LIKELIHOOD.help)
    page.statistic.setCurrentIndex(page.statistic.findData("reconstruction"))
    page.statistic.activated.emit(page.statistic.currentIndex())
    assert page.formula.latex == ERROR.latex and page.words.help.words.startswith(ERROR.help)


def test_what_is_going_on_takes_the_place_of_the_help(page: ScoresPage, scene: DensityScene) -> None:
    assert page.words.currentWidget() is page.words.help
    page.score.trigger()
    command = scene.client.last(ScoreImages)
    scene.reply(command, scene.scores(command, done=50))
    assert page.words.currentWidget() is page.words.status
    page.stop.trigger()
    assert page.words.currentWidget() is page.words.help


def test_statistics_are_listed_once_for_each_model(page: ScoresPage, scene: DensityScene) -> None:
    listed = [command.run for command in scene.client.sent if isinstance(command, ListStatistics)]
    assert sorted(listed) == sorted([FLOW, CNN, VAE])
    scene.state.set_runs((FLOW, GAN))
    assert scene.client.last(ListStatistics).run == GAN


def test_scores_are_written_as_csv(qtbot: QtBot, page: ScoresPage, scene: DensityScene, tmp_path: Path) -> None:
    page.score.trigger()
    scene.serve()
    state = state_of(scene)
    results = page._export._results()
    rows = list(csv.reader(io.StringIO(scores_csv(results, scene.state.described.described))))
    assert rows[0][:4] == ["index", "label", "label name", "file"] and len(rows) == COUNT + 1
    assert rows[0][4:] == ["FLOW on digits", "CNN on digits", "VAE on digits", "VAE on digits, error"]
    values = state.result(FLOW)
    assert values is not None and float(rows[3][4]) == values.values.numpy()[2]
    assert rows[3][1:4] == ["2", "digit 2", ""] and float(rows[3][7]) == 0.25
    target = tmp_path / "scores.csv"
    with qtbot.waitSignal(page._export.changed):
        page._export.write(str(target), page._export._origin(results), results, None)
    assert target.read_text().startswith("# ") and "Log-likelihood" in target.read_text()


@pytest.mark.parametrize(
    ("value", "text"), [(float("nan"), "–"), (float("-inf"), "−∞"), (-1234.5, "−1,234.50"), (0.00012, "0.00012")]
)
def test_numbers_are_written(value: float, text: str) -> None:
    assert number_text(value) == text


def test_captions_are_short() -> None:
    assert [caption_text(value) for value in (-12345.6, -87.42, 0.5)] == ["−12,346", "−87.4", "0.50"]


def test_columns_have_room_in_larger_type(page: ScoresPage) -> None:
    table = page.table
    font = table.font()
    font.setPointSizeF(1.6 * font.pointSizeF())
    table.setFont(font)
    metrics = QFontMetrics(font)
    assert table.rowHeight(0) >= metrics.height()
    for column in range(1, table.columnCount()):
        title = table.horizontalHeaderItem(column).text()
        assert table.isColumnHidden(column) or table.columnWidth(column) > metrics.horizontalAdvance(title)
