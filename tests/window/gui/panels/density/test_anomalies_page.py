"""The page of anomalies: two sets told apart, a threshold in all plots, and the statistics tried so far."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from density_scene import CNN, FLOW, NO_BACKGROUND, DensityScene, curves_of, run_info, scores_of
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.density import AnomaliesDetected, DetectAnomalies, ScoreProgress
from gmstudio.protocol.density_background import BackgroundProposed, ProposeBackground
from gmstudio.protocol.engine import Cancel, Reason
from gmstudio.protocol.image_sets import DataImages, FetchImages
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.training import StartTraining
from gmstudio.window.gui.panels.density.anomalies import AnomaliesPage
from gmstudio.window.gui.panels.density.anomaly_numbers import PARADOX
from gmstudio.window.gui.panels.density.panel import DensityPanel
from gmstudio.window.state.density.anomalies import AnomaliesState
from gmstudio.window.state.density.detection import Detection

OTHERS = DataImages(labels=(5, 6))
BACKGROUND = RunSpec(family="flow", data="digits")


@pytest.fixture
def scene() -> DensityScene:
    return DensityScene()


@pytest.fixture
def panel(qtbot: QtBot, scene: DensityScene) -> Iterator[DensityPanel]:
    panel = DensityPanel(scene.state, scene.library)
    qtbot.addWidget(panel)
    panel.resize(1270, 640)
    panel.show()
    panel.tabs.show_page("anomalies")
    scene.start()
    scene.state.set_against(OTHERS)
    scene.serve()
    yield panel
    panel.hide()


@pytest.fixture
def page(panel: DensityPanel) -> AnomaliesPage:
    page = panel.tabs.page("anomalies")
    assert isinstance(page, AnomaliesPage)
    return page


@pytest.fixture
def detected(page: AnomaliesPage, scene: DensityScene) -> Detection:
    page.detect.trigger()
    scene.serve()
    detection = state_of(scene).detection
    assert detection is not None
    return detection


def state_of(scene: DensityScene) -> AnomaliesState:
    return scene.state.page(AnomaliesState)


def test_both_sets_are_sent_with_the_first_models_data(page: AnomaliesPage, scene: DensityScene) -> None:
    page.detect.trigger()
    command = scene.client.last(DetectAnomalies)
    assert (command.run, command.typical) == (FLOW, DataImages(run=FLOW))
    assert command.anomalous == DataImages(run=FLOW, labels=(5, 6)) and command.settings.ensemble == ()
    assert page.stop.isEnabled() and not page.detect.isEnabled()
    page.stop.trigger()
    assert isinstance(scene.client.sent[-1], Cancel) and page.detect.isEnabled()


def test_the_paradox_is_said_and_another_statistic_cures_it(
    page: AnomaliesPage, scene: DensityScene, detected: Detection
) -> None:
    assert detected.event.curves is not None and detected.event.curves.auroc < 0.1
    assert page.numbers.remark.text() == PARADOX
    scene.refusals = {}
    state_of(scene).offered.renew()
    scene.serve()
    state_of(scene).set_statistic("ratio")
    assert state_of(scene).detection is None and page.roc.rates is None
    page.detect.trigger()
    scene.serve()
    cured = state_of(scene).detection
    assert cured is not None and cured.event.curves is not None and cured.event.curves.auroc > 0.9
    assert page.numbers.remark.text() == "" and page.numbers.tried.rowCount() == 2
    page.numbers.tried.setCurrentCell(0, 0)
    assert state_of(scene).detection is detected and page.statistic.currentData() == "log_prob"


def test_the_threshold_moves_everything_without_the_engine(
    page: AnomaliesPage, scene: DensityScene, detected: Detection
) -> None:
    state = state_of(scene)
    assert detected.rates(state.threshold).found >= 0.95
    sent = len(scene.client.sent)
    threshold = float(np.median(detected.typical))
    page.histograms.threshold_moved.emit(threshold)
    rates = detected.rates(threshold)
    assert page.numbers.threshold.value() == pytest.approx(threshold, abs=0.01)
    assert page.numbers.rates.text() == (
        f"TPR {rates.found:.3f} · FPR {rates.false:.3f} · precision {rates.precision:.3f}"
    )
    assert rates.false == pytest.approx(0.5, abs=0.01)
    roc = page.roc.rates
    assert roc is not None and roc.x[page.roc.point] == pytest.approx(rates.false)
    assert roc.y[page.precision.point] == pytest.approx(rates.found)
    page.roc.moved.emit(40)
    assert detected.point(state.threshold) == 40 and page.histograms.threshold == state.threshold
    page.numbers.threshold.setValue(97.0)
    assert state.threshold == 97.0
    assert len(scene.client.sent) == sent


def test_the_four_outcomes_are_listed(page: AnomaliesPage, scene: DensityScene, detected: Detection) -> None:
    state = state_of(scene)
    state.set_threshold(85.0)
    scores = {"out": -scores_of(FLOW, OTHERS), "in": -scores_of(FLOW, DataImages())}
    wanted = {
        "found": np.flatnonzero(scores["out"] >= 85),
        "missed": np.flatnonzero(scores["out"] < 85),
        "false": np.flatnonzero(scores["in"] >= 85),
        "passed": np.flatnonzero(scores["in"] < 85),
    }
    for index, (outcome, images) in enumerate(wanted.items()):
        page.outcome.setCurrentIndex(index)
        page.outcome.activated.emit(index)
        listed = [page.sheet.index_of(place) for place in range(page.sheet.count)]
        assert sorted(listed) == images.tolist(), outcome
        kept = scores["out" if outcome in ("found", "missed") else "in"][listed]
        assert np.all(np.diff(kept) <= 0) if outcome in ("found", "false") else np.all(np.diff(kept) >= 0)


def test_pictures_are_of_the_set_that_is_listed(
    qtbot: QtBot, page: AnomaliesPage, scene: DensityScene, detected: Detection
) -> None:
    def arrived() -> bool:
        scene.serve()
        return page.sheet.count > 0 and page.sheet.pixels(page.sheet.index_of(0)) is not None

    qtbot.waitUntil(arrived)
    assert scene.client.last(FetchImages).images == DataImages(run=FLOW, labels=(5, 6))
    state_of(scene).pictures.fetch((0,))
    late = scene.client.last(FetchImages)
    page.outcome.setCurrentIndex(3)
    page.outcome.activated.emit(3)
    scene.answer(late)
    assert page.sheet.pixels(0) is None  # of the other set
    scene.answered = len(scene.client.sent)
    state_of(scene).set_threshold(1000.0)
    qtbot.waitUntil(arrived)
    assert scene.client.last(FetchImages).images == DataImages(run=FLOW)
    page.sheet.opened.emit(2)
    assert state_of(scene).inspected.index == 2


def test_every_statistic_is_tried(page: AnomaliesPage, scene: DensityScene) -> None:
    page.all.trigger()
    tried = [command.statistic for command in scene.serve() if isinstance(command, DetectAnomalies)]
    assert tried == ["log_prob", "reconstruction"]  # the ratio has no background model yet
    assert page.numbers.tried.rowCount() == 2 and state_of(scene).statistic == "log_prob"


def test_what_is_missing_is_said(page: AnomaliesPage, scene: DensityScene) -> None:
    scene.state.set_against(None)
    assert "anomalous images" in page.detect.toolTip() and not page.detect.isEnabled()
    assert page.words.currentWidget() is page.words.status
    assert "anomalous images" in page.words.status.words and page.words.help.words in page.words.status.words
    scene.state.set_against(DataImages())
    assert "same images" in page.detect.toolTip()
    scene.state.set_against(OTHERS)
    state_of(scene).set_statistic("ratio")
    assert NO_BACKGROUND in page.detect.toolTip() and page.statistic.currentData() == "ratio"
    state_of(scene).set_statistic("log_prob")
    page.detect.trigger()
    scene.fail(scene.client.last(DetectAnomalies), "There are 3 images; 10 are needed.")
    assert page.words.status.words == "There are 3 images; 10 are needed."


def test_the_end_of_the_engine_is_quiet(page: AnomaliesPage, scene: DensityScene) -> None:
    page.detect.trigger()
    scene.fail(scene.client.last(DetectAnomalies), "gone", Reason.ENGINE_GONE)
    assert not state_of(scene).busy and not state_of(scene).problems


def test_results_of_other_sets_come_back(page: AnomaliesPage, scene: DensityScene, detected: Detection) -> None:
    state_of(scene).set_threshold(90.0)
    scene.state.set_against(DataImages(labels=(7,)))
    assert state_of(scene).detection is None and page.numbers.tried.rowCount() == 0
    assert page.sheet.count == 0 and not page.histograms.sets
    scene.state.set_against(OTHERS)
    assert state_of(scene).detection is detected and state_of(scene).threshold == 90.0
    scene.state.choose_run(CNN)
    assert state_of(scene).detection is None


def test_a_background_model_is_trained_and_used(page: AnomaliesPage, scene: DensityScene) -> None:
    state = state_of(scene)
    proposal = scene.client.last(ProposeBackground)
    scene.reply(proposal, BackgroundProposed(run=FLOW, spec=BACKGROUND, existing=(), mutations=()))
    assert page.background.models.currentText() == "none yet" and page.background.train.isEnabled()
    page.background.mutation.setValue(0.2)
    page.background.train.trigger()
    proposal = scene.client.last(ProposeBackground)
    assert proposal.mutation == pytest.approx(0.2) and not page.background.train.isEnabled()
    scene.reply(proposal, BackgroundProposed(run=FLOW, spec=BACKGROUND, existing=(), mutations=()))
    started = scene.client.last(StartTraining)
    assert started.spec == BACKGROUND
    scene.fail(started, "Another program trains this run.")
    assert state.background.problem == "Another program trains this run." and page.background.train.isEnabled()
    state.background.renew()
    existing = BackgroundProposed(run=FLOW, spec=BACKGROUND, existing=("/b2", "/b1"), mutations=(0.2, 0.1))
    scene.reply(scene.client.last(ProposeBackground), existing)
    scene.refusals = {}
    scene.serve()
    assert page.background.models.currentText() == "μ = 0.2"
    state.set_statistic("ratio")
    page.detect.trigger()
    assert scene.client.last(DetectAnomalies).settings.background == "/b2"
    page.stop.trigger()
    page.background.models.activated.emit(1)
    page.detect.trigger()
    assert scene.client.last(DetectAnomalies).settings.background == "/b1"
    scene.serve()
    tried = page.numbers.tried.item(0, 0)
    assert tried is not None and tried.text() == "Likelihood ratio, μ = 0.1"


def test_a_started_background_is_found_at_its_first_checkpoint(page: AnomaliesPage, scene: DensityScene) -> None:
    state = state_of(scene).background
    state.started = CNN
    asked = sum(isinstance(command, ProposeBackground) for command in scene.client.sent)
    for _ in range(3):  # once, however often the library changes
        scene.list_runs((run_info(FLOW), run_info(CNN)))
    assert sum(isinstance(command, ProposeBackground) for command in scene.client.sent) == asked + 1
    found = BackgroundProposed(run=FLOW, spec=BACKGROUND, existing=(CNN,), mutations=(0.3,))
    scene.reply(scene.client.last(ProposeBackground), found)
    scene.list_runs((run_info(FLOW), run_info(CNN, step=80)))
    assert sum(isinstance(command, ProposeBackground) for command in scene.client.sent) == asked + 1
    assert state.chosen(FLOW) == CNN


def test_nothing_is_trained_beside_a_training(page: AnomaliesPage, scene: DensityScene) -> None:
    scene.library.live = FLOW
    scene.library.live_changed.emit(FLOW)
    state_of(scene).background.changed.emit()
    assert "in training" in page.background.train.toolTip()
    scene.library.live = ""
    scene.library.live_changed.emit("")


def test_a_deleted_model_is_survived(page: AnomaliesPage, scene: DensityScene, detected: Detection) -> None:
    scene.list_runs((run_info(CNN),))
    assert scene.state.run == CNN and state_of(scene).detection is None
    scene.list_runs(())
    assert not page.detect.isEnabled()


def detection_of(typical: list[float], anomalous: list[float], **fields: object) -> Detection:
    event = AnomaliesDetected(
        run=FLOW,
        statistic=DensityScene().offered(FLOW).statistics[0].card,
        kind_text="",
        typical=Array.of(np.array(typical)),
        anomalous=Array.of(np.array(anomalous)),
        sign=1,
        curves=None,
        typical_title="",
        anomalous_title="",
        weights_step=0,
        progress=ScoreProgress(),
        done=True,
    )
    return Detection.of(msgspec.structs.replace(event, **fields))


def test_rates_with_ties_and_nan() -> None:
    detection = detection_of([0.0, 1.0, 1.0, float("nan")], [1.0, 2.0, float("inf"), float("nan")])
    assert detection.rates(1.0) == (1.0, 2 / 3, 3 / 5)
    assert detection.rates(5.0) == (1 / 3, 0.0, 1.0)
    assert detection.rates(float("inf")) == (1 / 3, 0.0, 1.0)
    assert detection.outcome("found", 1.0).tolist() == [2, 1, 0] and detection.outcome("missed", 2.0).tolist() == [0]
    assert detection.outcome("false", 1.0).tolist() == [1, 2] and detection.outcome("passed", 1.0).tolist() == [0]
    assert detection.default_threshold() == 1.0 and detection.point(1.0) == -1


def test_a_set_without_scores_has_no_threshold() -> None:
    detection = detection_of([1.0], [float("nan")])
    assert np.isnan(detection.default_threshold()) and detection.rates(0.0) == (0.0, 1.0, 0.0)


def test_points_of_the_curves_are_thresholds() -> None:
    typical, anomalous = np.array([0.0, 1.0, 2.0]), np.array([1.5, 2.0, 3.0])
    curves = curves_of(typical, anomalous)
    detection = detection_of(typical.tolist(), anomalous.tolist(), curves=curves)
    for point in range(len(curves.thresholds.numpy())):
        threshold = detection.threshold_at(point)
        assert np.isfinite(threshold) and detection.point(threshold) == point
        assert detection.rates(threshold).found == curves.true_positive_rates.numpy()[point]
        assert detection.rates(threshold).false == curves.false_positive_rates.numpy()[point]


def test_groups_list_their_images() -> None:
    groups = Array.of(np.array([[4, 1], [2, 0]]))
    detection = detection_of([0.0], [1.0, 5.0], anomalous_groups=groups)
    assert detection.images("found", 2.0).tolist() == [2, 0] and detection.images("found", 0.0).tolist() == [2, 0, 4, 1]
    assert detection.score_of("found", 4) == 1.0 and np.isnan(detection.score_of("found", 3))
