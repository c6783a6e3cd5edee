"""Detection of anomalies by the engine: both sets scored and kept, their curves, groups, sets that do not fit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch

from gmstudio.engine.density import background
from gmstudio.engine.density.anomalies_handlers import SAME_SETS, AnomaliesFeature
from gmstudio.engine.density.detection import detect, group_numbers
from gmstudio.engine.density.image_sets import open_now
from gmstudio.engine.density.statistics import typicality
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.engine.training.job import start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.density import AnomaliesDetected, DetectAnomalies, StatisticSettings
from gmstudio.protocol.image_sets import DataImages, GivenImages
from gmstudio.protocol.run_spec import RunSpec

CPU = torch.device("cpu")
CACHE = DatasetCache()
KNOWN, HELD_OUT = (1, 7), (0, 8)


def trained(path: Path, **training: Any) -> str:
    """Train a model of the digits 1 and 7."""
    spec = RunSpec(
        family="nade",
        config={"num_hidden": 16},
        data="mnist",
        data_config={"levels": 2, "size": 10, "classes": "1,7"},
        training={"steps": 150, "batch_size": 64, "num_samples": 1, "validation_images": 4, **training},
    )
    job = start_training(plan_run(CACHE, spec, CPU), str(path), CPU, lambda _: None)
    while job.running:
        job.advance()
    return job.name


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    home = tmp_path_factory.mktemp("runs")
    return {
        "model": trained(home / "model"),
        "other": trained(home / "other", seed=1),
        "background": trained(home / "background", mutation=0.3),
    }


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def context(events: list[Event]) -> EngineContext:
    return EngineContext(events.append)


ALL_DIGITS = DataImages(data="mnist", data_config={"size": 10}, split="valid")
TYPICAL = msgspec.structs.replace(ALL_DIGITS, labels=KNOWN)
ANOMALOUS = msgspec.structs.replace(ALL_DIGITS, labels=HELD_OUT)


def replies(context: EngineContext, run: str, **fields: Any) -> list[AnomaliesDetected]:
    """Carry out a command; all replies."""
    given = {"typical": TYPICAL, "anomalous": ANOMALOUS, "resamples": 50, **fields}
    command = DetectAnomalies(request=3, run=run, **given)
    job = AnomaliesFeature(context).handlers()[DetectAnomalies](command)
    assert isinstance(job, Iterator)
    return [event for event in job if isinstance(event, AnomaliesDetected)]


def last(context: EngineContext, run: str, **fields: Any) -> AnomaliesDetected:
    found = replies(context, run, **fields)[-1]
    assert found.done and found.request == 3 and found.curves is not None
    return found


def log_probs(context: EngineContext, run: str, images: DataImages) -> np.ndarray[Any, Any]:
    model: Any = ModelCache().load(run, CPU).model
    with torch.no_grad():
        found: np.ndarray[Any, Any] = (
            model.log_prob(torch.from_numpy(open_now(context, images, model.image).images)).double().numpy()
        )
    return found


class TestHeldOutClasses:
    def test_scores_and_curves_are_those_of_the_log_probabilities(
        self, context: EngineContext, runs: dict[str, str]
    ) -> None:
        found = last(context, runs["model"])
        typical, anomalous = (log_probs(context, runs["model"], images) for images in (TYPICAL, ANOMALOUS))
        np.testing.assert_allclose(found.typical.numpy(), typical, atol=1e-4)
        np.testing.assert_allclose(found.anomalous.numpy(), anomalous, atol=1e-4)
        expected = detect(found.typical.numpy(), found.anomalous.numpy(), -1, 0, 50)
        assert found.curves == expected and found.sign == -1
        assert expected.auroc > 0.9, "digits that were never seen are less likely"
        assert found.typical_title.endswith("labels 1, 7")
        assert found.conversions == () and found.warnings == ()
        assert found.progress.done == found.progress.total == len(typical) + len(anomalous)

    def test_scores_are_kept(self, context: EngineContext, runs: dict[str, str]) -> None:
        first = last(context, runs["other"])
        again = last(context, runs["other"])
        assert first.progress.kept == 0 and again.progress.kept == again.progress.total
        np.testing.assert_array_equal(again.typical.numpy(), first.typical.numpy())

    def test_replies_before_the_last_have_the_progress_over_both_sets(
        self, context: EngineContext, runs: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gmstudio.engine.density.anomalies_handlers.REPORT_S", -1.0)
        found = replies(context, runs["model"], statistic="complexity")
        done = [reply.progress.done for reply in found]
        assert len(found) > 4 and done == sorted(done) and len(set(done)) > 2
        assert {reply.progress.total for reply in found} == {done[-1]}
        assert all(not reply.done and reply.curves is None and not reply.typical.numpy().size for reply in found[:-1])


class TestStatistics:
    def test_the_background_is_found_by_itself(
        self, context: EngineContext, runs: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GMSTUDIO_HOME", str(Path(runs["model"]).parent / "nowhere"))
        found = last(context, runs["model"], statistic="ratio")
        expected = log_probs(context, runs["model"], ANOMALOUS) - log_probs(context, runs["background"], ANOMALOUS)
        np.testing.assert_allclose(found.anomalous.numpy(), expected, atol=1e-4)
        assert "background μ = 0.3" in found.kind_text

    def test_without_a_background_the_ratio_is_refused(
        self, context: EngineContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(background, "run_folders", lambda _: [])
        with pytest.raises(ValueError, match="This run has no background model"):
            replies(context, trained(tmp_path / "alone", steps=2), statistic="ratio")

    def test_an_ensemble_of_several_runs(self, context: EngineContext, runs: dict[str, str]) -> None:
        settings = StatisticSettings(ensemble=(runs["model"], runs["other"]))
        found = last(context, runs["model"], statistic="waic", settings=settings)
        both = np.stack([log_probs(context, runs[name], TYPICAL) for name in ("model", "other")])
        np.testing.assert_allclose(found.typical.numpy(), both.mean(0) - both.var(0, ddof=1), atol=1e-3)
        assert found.kind_text.startswith("WAIC of 2 runs")

    def test_anomalous_statistics_have_the_other_sign(self, context: EngineContext, runs: dict[str, str]) -> None:
        found = last(context, runs["model"], statistic="typicality")
        assert found.sign == 1
        assert found.typical_groups is None

    def test_groups_are_more_easily_told_apart(
        self, context: EngineContext, runs: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(typicality, "MAX_TRAINING", 200)
        settings = StatisticSettings(group=10)
        found = last(context, runs["model"], statistic="typicality", settings=settings)
        single = last(context, runs["model"], statistic="typicality")
        assert (
            found.typical_groups is not None and found.anomalous_groups is not None and found.curves and single.curves
        )
        typical = log_probs(context, runs["model"], TYPICAL)
        groups = group_numbers(len(typical), 10, 0, "typical")
        np.testing.assert_array_equal(found.typical_groups.numpy(), groups)
        statistic = np.abs(-typical[groups].mean(1) - _entropy(found.kind_text))
        np.testing.assert_allclose(found.typical.numpy(), statistic, atol=0.06)
        assert found.curves.auroc > single.curves.auroc > 0.6
        assert found.kind_text.endswith("groups of 10")

    def test_groups_larger_than_a_set_are_refused(self, context: EngineContext, runs: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="anomalous images make no group of 1,000; choose more images"):
            replies(
                context,
                runs["model"],
                typical=DataImages(data="mnist", data_config={"size": 10}, split="train"),
                statistic="typicality",
                settings=StatisticSettings(group=1000),
            )


class TestOddSets:
    def test_images_of_another_size_are_converted_and_said(self, context: EngineContext, runs: dict[str, str]) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (40, 3, 20, 20)).astype(np.uint8)
        found = last(context, runs["model"], anomalous=GivenImages(images=Array.of(noise), title="noise"))
        assert len(found.conversions) == 1 and found.conversions[0].startswith("noise: ")
        assert found.curves is not None and found.curves.auroc > 0.95

    def test_three_images_are_said(self, context: EngineContext, runs: dict[str, str]) -> None:
        found = last(context, runs["model"], anomalous=msgspec.structs.replace(ANOMALOUS, count=3))
        assert found.warnings[0].startswith("Only 3 anomalous images")

    def test_the_same_set_twice_is_said(self, context: EngineContext, runs: dict[str, str]) -> None:
        found = last(context, runs["model"], anomalous=TYPICAL)
        assert found.curves is not None and found.curves.auroc == 0.5
        assert SAME_SETS in found.warnings

    def test_labels_that_no_image_has_are_refused(self, context: EngineContext, runs: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="label"):
            replies(context, runs["model"], anomalous=msgspec.structs.replace(ANOMALOUS, labels=(42,)))

    def test_an_unknown_statistic_is_refused(self, context: EngineContext, runs: dict[str, str]) -> None:
        with pytest.raises(ValueError, match="There is no statistic 'luck'"):
            replies(context, runs["model"], statistic="luck")


def _entropy(text: str) -> float:
    """Mean that a kind of scores names, with one decimal."""
    return float(text.split("training images, ")[1].split(" ± ")[0])
