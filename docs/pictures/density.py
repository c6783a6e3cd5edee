"""Pictures of the Density panel: scores of several models, and the paradox of likelihood."""

from PySide6.QtGui import QImage

from benchmarks.window import wait_until
from docs.pictures.shots import Picture, Stage, grab
from gmstudio.protocol.image_sets import DataImages
from gmstudio.window.gui.panels.density.anomalies import AnomaliesPage
from gmstudio.window.gui.panels.density.panel import DensityPanel
from gmstudio.window.gui.panels.density.samples import SamplesPage
from gmstudio.window.gui.panels.density.scores import ScoresPage
from gmstudio.window.state.density.anomalies import AnomaliesState
from gmstudio.window.state.density.samples import SamplesState
from gmstudio.window.state.density.scores import ScoresState
from gmstudio.window.state.density.state import DensityState

SCORED, OPENED = 500, 3
"""Images that are scored; place of the one that is open, from the least likely one."""


def _ready(stage: Stage, page: str, *families: str) -> tuple[DensityPanel, DensityState]:
    """Open a page on ready models."""
    panel, state = stage.panel(DensityPanel), stage.studio.state(DensityState)
    library = stage.studio.library
    panel.tabs.show_page(page)
    state.set_runs(tuple(library.example(family) for family in families))
    state.set_images(DataImages(count=SCORED))
    return panel, state


def take_scores(stage: Stage) -> QImage:
    """Picture of three models' scores of one set, with the surprisal of an open image."""
    panel, state = _ready(stage, "scores", "pixelcnn", "made", "vae")
    page, scores = panel.tabs.page("scores"), state.page(ScoresState)
    assert isinstance(page, ScoresPage)
    wait_until(lambda: state.described.preview is not None and not scores.unavailable, "the images")
    page.score.trigger()
    wait_until(lambda: not scores.busy and len([r for r in state.runs if scores.result(r)]) == 3, "the scores")
    page.turn.setChecked(True)
    scores.open(int(scores.order()[OPENED]))
    wait_until(lambda: len(scores.inspected.maps) == 2, "the maps of surprisal")
    wait_until(lambda: page.sheet.pixels(page.sheet.index_of(0)) is not None, "the pictures")
    return grab(panel.window())


def take_anomalies(stage: Stage) -> QImage:
    """Picture of a model of digits that prefers shapes, and of what cures it."""
    panel, state = _ready(stage, "anomalies", "pixelcnn")
    page, anomalies = panel.tabs.page("anomalies"), state.page(AnomaliesState)
    assert isinstance(page, AnomaliesPage)
    state.set_against(DataImages(data="shapes", count=SCORED))
    wait_until(lambda: state.described_against.preview is not None and not anomalies.refusal, "the images")
    page.all.trigger()
    wait_until(lambda: not anomalies.busy and len(anomalies.tried()) > 1, "all statistics")
    anomalies.set_statistic("log_prob")
    wait_until(lambda: page.sheet.pixels(page.sheet.index_of(0)) is not None, "the pictures")
    return grab(panel.window())


def take_samples(stage: Stage) -> QImage:
    """Picture of the samples of two models, beside held-out images and the nearest training images."""
    panel, state = _ready(stage, "samples", "vae", "nade")
    page, samples = panel.tabs.page("samples"), state.page(SamplesState)
    assert isinstance(page, SamplesPage)
    page.count.setValue(SCORED)
    wait_until(lambda: len(samples.runs) == 2, "the models")
    page.measure.trigger()
    wait_until(lambda: not samples.working and len(samples.measured) == 2, "the numbers")
    wait_until(lambda: page.sheet.sheet.pixels(0) is not None, "the pictures")
    samples.choose(0)
    wait_until(lambda: samples.nearest is not None, "the nearest training images")
    return grab(panel.window())


PICTURES = (
    Picture("density-scores", (), take_scores, "dark", examples=True),
    Picture("density-anomalies", (), take_anomalies, "dark", examples=True),
    Picture("density-samples", (), take_samples, "dark", examples=True),
)
