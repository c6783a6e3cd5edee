"""Page Samples, answered by the engine: numbers, figures, nearest training images, CSV, and what goes wrong."""

from pathlib import Path

import numpy as np
import pytest
from density_engine import DensityEngine, write_run
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from gmstudio import data
from gmstudio.engine.density.quality import classifier as settings
from gmstudio.engine.density.samples_handlers import SampleQualityFeature
from gmstudio.engine.density.scores_handlers import ScoresFeature
from gmstudio.protocol.density_samples import EstimateSampling, MeasureSamples, SampleSpace
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.runs import RunsListed
from gmstudio.window.gui.panels.density.panel import DensityPanel
from gmstudio.window.gui.panels.density.samples import SamplesPage
from gmstudio.window.gui.panels.density.samples_table import NAMES, csv_of, p_text, text_of
from gmstudio.window.state.density.samples import SamplesState
from gmstudio.window.state.density.state import DensityState
from gmstudio.window.state.runs.library import RunLibrary

COUNT = 30


class Stage:
    """A panel on the page Samples, with a VAE and a NADE of digits, and an autoencoder, measured in pixels."""

    def __init__(self, qtbot: QtBot, folder: Path) -> None:
        self.engine = DensityEngine(SampleQualityFeature, ScoresFeature)
        self.vae = write_run(folder / "vae", "vae", num_hidden=8)
        self.nade = write_run(folder / "nade", "nade", num_hidden=6)
        self.coarse = write_run(folder / "coarse", "nade", levels=2, num_hidden=6)
        self.encoder = write_run(folder / "encoder", "autoencoder")
        self.library = RunLibrary(self.engine)
        self.state = DensityState(self.engine, self.library)
        self.engine.arrive(self.vae, self.nade, self.coarse, self.encoder)
        self.state.set_runs((self.vae.run, self.encoder.run, self.nade.run))
        self.panel = DensityPanel(self.state, self.library)
        qtbot.addWidget(self.panel)
        self.panel.resize(1270, 640)
        self.panel.show()
        self.panel.tabs.show_page("samples")
        page = self.panel.tabs.page("samples")
        assert isinstance(page, SamplesPage)
        self.page = page
        self.samples = self.state.page(SamplesState)
        page.count.setValue(COUNT)
        page.space.setCurrentIndex(page.space.findData("pixels"))

    def button(self, name: str) -> QToolButton:
        button = self.panel.findChild(QToolButton, f"density.{name}")
        assert isinstance(button, QToolButton)
        return button

    def measure(self) -> None:
        assert self.button("samples_measure").isEnabled()
        self.button("samples_measure").click()
        self.engine.serve()

    def cell(self, name: str, column: int) -> str:
        item = self.page.table.grid.item(list(NAMES).index(name), column)
        assert item is not None
        return item.text()

    def headings(self) -> list[str]:
        grid = self.page.table.grid
        items = (grid.horizontalHeaderItem(column) for column in range(grid.columnCount()))
        return [item.text() for item in items if item is not None]


@pytest.fixture
def stage(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(settings, "STEPS", 20)
    return Stage(qtbot, tmp_path / "runs")


def test_models_that_generate_are_measured_one_after_the_other(stage: Stage) -> None:
    stage.measure()
    commands = [command for command in stage.engine.sent if isinstance(command, MeasureSamples)]
    assert [command.run for command in commands] == [stage.vae.run, stage.nade.run], "an autoencoder has no samples"
    assert commands[0].count == COUNT and commands[0].space == SampleSpace(kind="pixels")
    assert stage.headings() == ["Held-out images", "vae", "nade"]
    assert stage.page.table.title.words == "Feature space: pixels, 64 features"
    report = dict(stage.samples.measured)[stage.nade.run]
    precision = next(number for number in report.numbers if number.name == "precision")
    assert stage.cell("precision", 2) == text_of(precision.value, precision.error)
    assert stage.cell("precision", 0) == text_of(precision.reference, precision.reference_error)
    item = stage.page.table.grid.item(0, 1)
    assert item is not None and "pixels, 64 features" in item.toolTip(), "the space is part of the number's name"
    assert "30 images do not determine" in stage.page.words.words
    assert not stage.samples.working and stage.page.progress.value() == 0


def test_numbers_that_do_not_compare_have_held_out_images_of_their_own(stage: Stage) -> None:
    stage.state.set_runs((stage.nade.run, stage.coarse.run))
    stage.measure()
    assert stage.headings() == ["Held-out, 1", "nade", "Held-out, 2", "coarse"]
    assert stage.cell("frechet", 0) != stage.cell("frechet", 2)


def test_a_sample_is_shown_beside_its_nearest_training_images(stage: Stage) -> None:
    stage.measure()
    sheet = stage.page.sheet
    assert sheet.sheet.count == COUNT and stage.samples.shown == stage.vae.run
    sheet.sheet.wanted.emit(tuple(range(COUNT)))
    sheet.sheet.opened.emit(7)
    stage.engine.serve()
    report = stage.samples.report
    assert report is not None
    found = report.memorization[0]
    nearest = data.load("digits", {"levels": 4}).train.images[found.indices.numpy()[7]]
    shown = sheet.nearest.images
    assert shown.shape[0] == 6, "the sample and five images"
    assert np.array_equal(shown[1:, 0], nearest[:, 0] * 85)
    distance = np.sqrt(np.square((shown[0].astype(float) - shown[1].astype(float))[0] / 255).sum())
    assert distance == pytest.approx(found.distances.numpy()[7, 0], abs=1e-5)
    assert f"percentile {found.percentiles.numpy()[7]:.1f} of held-out images" in sheet.reading.words
    sheet.run.setCurrentIndex(sheet.run.findData(stage.nade.run))
    sheet.run.activated.emit(sheet.run.currentIndex())
    assert stage.samples.shown == stage.nade.run and stage.samples.chosen == -1


def test_samples_nearest_to_training_images_come_first(stage: Stage) -> None:
    stage.measure()
    sheet = stage.page.sheet
    sheet.order.setCurrentIndex(sheet.order.findData("nearest"))
    report = stage.samples.report
    assert report is not None
    distances = report.memorization[0].distances.numpy()[:, 0]
    shown = [sheet.sheet.index_of(place) for place in range(COUNT)]
    assert (np.diff(distances[shown]) >= 0).all() and sorted(shown) == list(range(COUNT))


def test_each_figure_shows_what_its_name_says(stage: Stage) -> None:
    stage.measure()
    figures = stage.page.figures
    names = {line.name for line in figures.frechet.lines if line.name}
    assert figures.frechet.isVisible() and names == {"vae", "nade", "held-out images"}
    figures.choice.setCurrentIndex(figures.choice.findData("classes"))
    assert figures.classes.isVisible() and figures.classes.values.shape == (3, 10)
    assert figures.classes.values.sum(1) == pytest.approx(np.ones(3))
    figures.choice.setCurrentIndex(figures.choice.findData("pixels"))
    assert figures.histogram.isVisible() and "z = " in figures.words.words
    figures.choice.setCurrentIndex(figures.choice.findData("space"))
    assert figures.words.words == "Measured in pixels only."


def test_the_time_is_estimated_before_the_start(qtbot: QtBot, stage: Stage) -> None:
    qtbot.waitUntil(lambda: any(isinstance(command, EstimateSampling) for command in stage.engine.sent))
    stage.engine.serve()
    assert set(stage.samples.estimates) == {stage.vae.run, stage.nade.run}
    assert stage.page.words.words.startswith("Drawing 30 samples takes ")


def test_a_measurement_stops_and_what_was_measured_stays(stage: Stage) -> None:
    stage.button("samples_measure").click()
    stage.engine.serve(pieces=3)
    assert stage.samples.working == stage.vae.run and stage.button("samples_stop").isEnabled()
    stage.button("samples_stop").click()
    stage.engine.serve()
    assert not stage.samples.working and not stage.samples.measured
    assert not stage.button("samples_stop").isEnabled()
    stage.measure()
    assert len(stage.samples.measured) == 2


def test_a_refusal_is_shown_and_the_other_models_are_measured(stage: Stage) -> None:
    stage.page.neighbour.setValue(50)
    stage.measure()
    assert stage.page.words.property("role") == "error"
    assert "vae: k of precision and recall is 50; with 30 samples" in stage.page.words.words
    stage.page.neighbour.setValue(3)
    stage.measure()
    assert stage.page.words.property("role") == "muted" and len(stage.samples.measured) == 2


def test_the_end_of_the_engine_is_quiet(stage: Stage) -> None:
    stage.button("samples_measure").click()
    number = next(command for command in stage.engine.sent if isinstance(command, MeasureSamples)).request
    stage.engine.deliver(
        CommandFailed(request=number, command="MeasureSamples", message="gone", reason=Reason.ENGINE_GONE)
    )
    assert not stage.samples.working and not stage.samples.problems


def test_a_deleted_run_leaves_with_its_numbers(stage: Stage) -> None:
    stage.measure()
    stage.engine.deliver(RunsListed(home="/runs", runs=(stage.nade,), problems=()))
    stage.state.set_runs((stage.nade.run,))
    assert stage.headings() == ["Held-out images", "nade"] and stage.samples.shown == stage.nade.run


def test_without_a_generative_model_the_reason_is_given(stage: Stage) -> None:
    stage.state.set_runs((stage.encoder.run,))
    assert not stage.page.measure.isEnabled()
    assert "Choose one that does" in stage.panel.reason(stage.page.measure)


def test_weights_are_asked_for_inception_only(stage: Stage) -> None:
    page = stage.page
    assert not page.weights.isEnabled() and not page.pickled.isEnabled()
    page.space.setCurrentIndex(page.space.findData("inception"))
    page.weights.setText("/weights/inception.safetensors")
    page.pickled.setChecked(True)
    assert page.weights.isEnabled()
    assert stage.samples.space == SampleSpace(kind="inception", weights="/weights/inception.safetensors", pickled=True)
    page.space.setCurrentIndex(page.space.findData("random"))
    assert stage.samples.space == SampleSpace(kind="random")


def test_all_numbers_are_written_as_csv(stage: Stage, tmp_path: Path) -> None:
    stage.measure()
    text = csv_of(stage.samples, stage.page._name_of, {})
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert lines[0] == "model,table,name,index,value,error,reference,reference error"
    report = dict(stage.samples.measured)[stage.vae.run]
    coverage = next(number for number in report.numbers if number.name == "coverage")
    row = next(line for line in lines if line.startswith("vae,numbers,") and "Coverage" in line)
    assert "pixels, 64 features" in row and repr(coverage.value) in row
    assert sum(line.startswith("nade,percentile,") for line in lines) == COUNT
    assert any(line.startswith("vae,Fréchet distance over n,held-out images,") for line in lines)
    stage.page._write(text, str(tmp_path / "numbers.csv"))
    assert (tmp_path / "numbers.csv").read_text(encoding="utf-8") == text
    stage.page._write(text, str(tmp_path / "gone" / "numbers.csv"))
    assert "numbers.csv cannot be written" in stage.page.words.words


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.27512, 0.0613, "0.28 ± 0.06"),
        (0.7694, 0.0133, "0.769 ± 0.013"),
        (0.96904, 0.0057, "0.969 ± 0.006"),
        (1234.5, 12.3, "1,234 ± 12"),
        (0.5, 0.0, "0.5"),
        (float("nan"), 1.0, "–"),
        (0.123456, float("nan"), "0.1235"),
    ],
)
def test_values_have_as_many_decimals_as_their_errors(value: float, error: float, text: str) -> None:
    assert text_of(value, error) == text


def test_probabilities_are_written_briefly() -> None:
    assert (p_text(0.034), p_text(1e-9), p_text(float("nan"))) == ("0.034", "< 0.0001", "–")
