"""Measurements by the engine's own feature: reports, kept samples, copies that are found, sentences for bad input."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from density_engine import DensityEngine, write_run
from torch import Tensor

from gmstudio import data
from gmstudio.engine.density.quality import classifier as settings
from gmstudio.engine.density.quality import drawing
from gmstudio.engine.density.quality.drawing import KeptSamples, estimate_seconds
from gmstudio.engine.density.quality.measuring import Measurement
from gmstudio.engine.density.samples_handlers import SampleQualityFeature
from gmstudio.families import FAMILIES
from gmstudio.families.variational.vae import VAE
from gmstudio.protocol.array import Array
from gmstudio.protocol.density_samples import (
    DrawnSamplesFetched,
    EstimateSampling,
    FetchDrawnSamples,
    MeasureSamples,
    SampleReport,
    SamplesMeasured,
    SampleSpace,
    SamplingEstimated,
)

PIXELS = SampleSpace(kind="pixels")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> DensityEngine:
    monkeypatch.setattr(settings, "STEPS", 100)
    return DensityEngine(SampleQualityFeature)


def report_of(engine: DensityEngine, command: MeasureSamples) -> SampleReport:
    report = engine.ask(command, SamplesMeasured).report
    assert report is not None
    return report


def test_a_report_has_all_numbers_with_their_space(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "vae", "vae", num_hidden=8).run
    report = report_of(engine, MeasureSamples(run=run, count=60))
    assert [number.name for number in report.numbers] == [
        *("frechet", "frechet_limit", "kernel", "precision", "recall", "density", "coverage")
    ]
    assert report.space.startswith("classifier of Digits 8×8, 128 features, ")
    assert all(report.space in number.title for number in report.numbers)
    by_name = {number.name: number for number in report.numbers}
    assert by_name["frechet"].value > by_name["frechet"].reference > 0, "random weights draw no digits"
    assert by_name["kernel"].value > by_name["kernel"].reference
    assert by_name["precision"].value < by_name["precision"].reference
    assert report.classes is not None and report.classes.samples.numpy().sum() == pytest.approx(1.0)
    assert len(report.classes.names) == 10 and 0 < report.classes.confidence <= 1
    pixels, features = report.memorization
    assert pixels.space == "pixels, 64 features" and features.space == report.space
    assert pixels.indices.numpy().shape == (60, 5) and (np.diff(pixels.distances.numpy(), axis=1) >= 0).all()
    assert pixels.held_out.numpy().shape == (60,) and not np.isnan(pixels.p_value)
    assert any("60 images do not determine the covariance of 128 features" in text for text in report.warnings)
    stages = [event.stage for event in engine.replies if isinstance(event, SamplesMeasured)]
    assert "training the classifier" in stages and "drawing samples" in stages


def test_samples_are_kept_continued_and_repeat(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "nade", "nade", num_hidden=6).run
    few = report_of(engine, MeasureSamples(run=run, count=40, space=PIXELS))
    estimate = engine.ask(EstimateSampling(run=run, count=40), SamplingEstimated)
    assert estimate.kept == 40 and estimate.seconds == 0.0
    more = report_of(engine, MeasureSamples(run=run, count=70, space=PIXELS))
    assert more.key == few.key, "the same weights and seed"
    wanted = Array.of(np.array([0, 39, 69]))
    first = engine.ask(FetchDrawnSamples(key=few.key, indices=wanted), DrawnSamplesFetched).images.numpy()
    again = DensityEngine(SampleQualityFeature)
    report = report_of(again, MeasureSamples(run=run, count=70, space=PIXELS))
    second = again.ask(FetchDrawnSamples(key=report.key, indices=wanted), DrawnSamplesFetched).images.numpy()
    assert np.array_equal(first, second)
    assert [number.value for number in report.numbers] == [number.value for number in more.numbers]
    other = report_of(again, MeasureSamples(run=run, count=70, space=PIXELS, seed=1))
    assert other.key != report.key


def test_other_weights_have_other_samples(engine: DensityEngine, tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", "nade", num_hidden=6, seed=0).run
    second = write_run(tmp_path / "b", "nade", num_hidden=6, seed=1).run
    keys = {report_of(engine, MeasureSamples(run=run, count=20, space=PIXELS)).key for run in (first, second)}
    assert len(keys) == 2
    with pytest.raises(ValueError, match="not in memory any more"):
        engine.ask(FetchDrawnSamples(key="gone", indices=Array.of(np.array([0]))), DrawnSamplesFetched)
    with pytest.raises(ValueError, match="no sample 5000; they go from 0 to 49"):
        key = next(iter(keys))
        engine.ask(FetchDrawnSamples(key=key, indices=Array.of(np.array([5000]))), DrawnSamplesFetched)


class Repeating(VAE):
    """A VAE that draws given images in their order."""

    images: Tensor
    drawn = 0

    def sample(self, n: int, generator: torch.Generator | None = None, **_: Any) -> Tensor:
        rows = torch.arange(self.drawn, self.drawn + n) % len(self.images)
        self.drawn += n
        return self.images[rows]


def measured(images: np.ndarray[Any, Any], count: int = 100) -> SampleReport:
    """Report of a model that draws these images."""
    dataset = data.load("digits", {"levels": 16})
    model = Repeating(VAE.Config(), dataset.image)
    model.images = torch.from_numpy(np.ascontiguousarray(images))
    command = MeasureSamples(run="", count=count, space=PIXELS)
    pieces = Measurement(model, 3, dataset, command, KeptSamples("key", dataset.image, 0)).run()
    while True:
        try:
            next(pieces)
        except StopIteration as end:
            report: SampleReport = end.value
            return report


def test_copies_of_training_images_are_found(engine: DensityEngine) -> None:
    digits = data.load("digits", {"levels": 16})
    copied, fresh = measured(digits.train.images), measured(digits.valid.images)
    memorized, honest = copied.memorization[0], fresh.memorization[0]
    assert (memorized.distances.numpy()[:, 0] == 0).all() and memorized.percentiles.numpy().max() == 0.0
    assert memorized.p_value < 1e-10 and honest.p_value > 1e-3
    assert memorized.indices.numpy()[:5, 0].tolist() == [0, 1, 2, 3, 4]


def test_a_collapsed_model_is_named(engine: DensityEngine) -> None:
    digits = data.load("digits", {"levels": 16})
    report = measured(digits.train.images[:1])
    assert any("All samples are the same image" in text for text in report.warnings)
    assert {number.name: number.value for number in report.numbers}["recall"] == 0.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"count": 5}, "5 samples: choose 20 to 10,000"),
        ({"count": 20_000}, "20,000 samples"),
        ({"neighbour": 0}, "k of precision and recall is 0"),
        ({"coverage_neighbour": 40}, "k of density and coverage is 40; with 30 samples"),
        ({"space": SampleSpace(kind="inception")}, "No file of Inception weights is chosen"),
    ],
)
def test_bad_settings_are_refused_in_a_sentence(
    engine: DensityEngine, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    run = write_run(tmp_path / "nade", "nade", num_hidden=6).run
    command = msgspec.structs.replace(MeasureSamples(run=run, count=30, space=PIXELS), **change)
    with pytest.raises(ValueError, match=sentence):
        report_of(engine, command)


def test_a_model_without_samples_is_refused(engine: DensityEngine, tmp_path: Path) -> None:
    run = write_run(tmp_path / "autoencoder", "autoencoder").run
    with pytest.raises(ValueError, match="no generative model: it has no samples"):
        report_of(engine, MeasureSamples(run=run, count=30))


def test_an_estimate_covers_the_batches_that_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    image = data.load("digits", {"levels": 4}).image
    model = FAMILIES["nade"](FAMILIES["nade"].Config(num_hidden=4), image)
    *_, seconds = estimate_seconds(model, 0, 1000)
    assert seconds is not None and seconds > 0
    *_, nothing = estimate_seconds(model, 1000, 1000)
    assert nothing == 0.0
    ticks = iter(range(10**6))
    monkeypatch.setattr(drawing, "perf_counter", lambda: float(next(ticks)))  # each piece seems to take 1 s
    *_, slow = estimate_seconds(model, 0, 1000)
    batches = 3 + (1000 - 200) // 200
    assert slow == pytest.approx(64 * batches), "64 sub-pixels, a second each, for each batch"
