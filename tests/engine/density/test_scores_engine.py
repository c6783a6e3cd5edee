"""Sets of images and their scores, asked of a real engine."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_process import EngineProcess
from picture_folders import make_pictures
from scoring_subjects import write_run

from gmstudio import data
from gmstudio.protocol.array import Array
from gmstudio.protocol.density import (
    ListStatistics,
    MapSurprisal,
    ScoreImages,
    ScoresComputed,
    StatisticSettings,
    StatisticsListed,
    SurprisalMapped,
)
from gmstudio.protocol.engine import Cancel, CommandFailed, Reason
from gmstudio.protocol.image_sets import (
    DataImages,
    DescribeImages,
    FetchImages,
    FolderImages,
    ImagesDescribed,
    ImagesFetched,
)

CONDITIONAL = {"num_layers": 1, "num_channels": 4, "num_head_channels": 5, "num_classes": 10}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("runs")
    made = {
        "made": write_run(folder / "made", "made", {}),
        "vae": write_run(folder / "vae", "vae", {"num_hidden": 16}),
        "gan": write_run(folder / "gan", "gan", {}),
        "conditional": write_run(folder / "conditional", "gated_pixelcnn", CONDITIONAL),
    }
    return {name: str(path) for name, path in made.items()}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    """One engine for all tests; a start takes longer than they do."""
    with EngineProcess(tmp_path_factory.mktemp("home")) as process:
        yield process


def last(engine: EngineProcess, command: ScoreImages) -> ScoresComputed:
    request = engine.send(command)
    return engine.wait(ScoresComputed, lambda event: event.request == request and event.done)


def test_images_are_described_and_fetched(engine: EngineProcess, tmp_path: Path, runs: dict[str, str]) -> None:
    digits = data.load("digits", {})
    own = engine.ask(DescribeImages(run=runs["made"], images=DataImages(run=runs["made"])), ImagesDescribed)
    assert own.title == "Digits 8×8, test" and own.count == len(digits.test) and own.conversion == ""
    assert own.labels is not None and digits.test.labels is not None
    assert np.array_equal(own.labels.numpy(), digits.test.labels)
    indices = Array.of(np.array([5, 0, 7]))
    fetch = FetchImages(run=runs["made"], images=DataImages(run=runs["made"]), indices=indices)
    fetched = engine.ask(fetch, ImagesFetched)
    assert np.array_equal(fetched.images.numpy(), digits.test.images[[5, 0, 7]])
    assert fetched.labels is not None and np.array_equal(fetched.labels.numpy(), digits.test.labels[[5, 0, 7]])
    folder = make_pictures(tmp_path / "pictures", {"a": 2, "b": 1})
    (folder / "a" / "0000.png").write_bytes(b"broken")
    described = engine.ask(DescribeImages(run=runs["vae"], images=FolderImages(path=str(folder))), ImagesDescribed)
    assert described.count == 2 and described.names == ("a/0001.png", "b/0000.png")
    assert "1 of 3 pictures" in described.warnings[0] and described.conversion.startswith("Converted from 12×10")
    outside = FetchImages(run="", images=DataImages(data="digits"), indices=Array.of(np.array([180])))
    assert "they go from 0 to 179" in engine.ask(outside, CommandFailed).message
    many = FetchImages(run="", images=DataImages(data="digits"), indices=Array.of(np.zeros(5000, np.int64)))
    assert "ask for at most 4,096" in engine.ask(many, CommandFailed).message


def test_statistics_are_listed_with_their_refusals(engine: EngineProcess, runs: dict[str, str]) -> None:
    found = engine.ask(ListStatistics(run=runs["gan"]), StatisticsListed)
    offered = {item.card.name: item for item in found.statistics}
    assert next(iter(offered)) == "log_prob" and "only generates" in offered["log_prob"].refusal
    assert offered["discriminator"].refusal == "" and offered["discriminator"].kind == "value"
    vae = engine.ask(ListStatistics(run=runs["vae"]), StatisticsListed)
    assert {i.card.name: i.kind for i in vae.statistics if not i.refusal}["log_prob"] == "estimate"


def test_scores_come_and_are_kept_for_the_next_engine(
    engine: EngineProcess, tmp_path: Path, runs: dict[str, str]
) -> None:
    command = ScoreImages(run=runs["made"], images=DataImages(run=runs["made"]))
    first = last(engine, command)
    with EngineProcess(tmp_path / "home") as another:
        second = last(another, command)
    refused = engine.ask(ScoreImages(run=runs["gan"], images=DataImages(run=runs["gan"])), CommandFailed)
    unknown = engine.ask(ScoreImages(run=runs["made"], images=DataImages(), statistic="luck"), CommandFailed)
    assert (first.progress.kept, second.progress.kept) == (0, 180) and first.progress.total == 180
    assert np.array_equal(first.values.numpy(), second.values.numpy()) and np.isfinite(first.values.numpy()).all()
    assert first.kind == "exact" and first.kind_text == second.kind_text == "exact log-likelihood"
    assert first.errors is None and first.weights_step == 1 and first.title == "Digits 8×8, test"
    assert "only generates" in refused.message and "no statistic 'luck'" in unknown.message


def test_what_was_scored_before_cancelling_is_kept(engine: EngineProcess, runs: dict[str, str]) -> None:
    settings = StatisticSettings(num_samples=2000)
    images = DataImages(run=runs["vae"], split="train")
    command = ScoreImages(run=runs["vae"], images=images, settings=settings)
    request = engine.send(command)
    some = engine.wait(ScoresComputed, lambda event: event.request == request and event.progress.done >= 128)
    values = some.values.numpy()
    assert not some.done and np.isnan(values).sum() == some.progress.total - some.progress.done
    engine.send(Cancel(target=request))
    ended = engine.wait(CommandFailed, lambda event: event.request == request)
    assert ended.reason == Reason.CANCELLED
    few = ScoreImages(run=runs["vae"], images=DataImages(run=runs["vae"], split="train", count=128), settings=settings)
    found = last(engine, few)
    assert found.progress.kept == 128 and found.errors is not None
    assert np.array_equal(found.values.numpy(), values[:128])


@pytest.mark.parametrize("name", ["made", "conditional"])
def test_surprisal_maps_sum_to_the_score(engine: EngineProcess, runs: dict[str, str], name: str) -> None:
    images = DataImages(run=runs[name], count=20)
    scores = last(engine, ScoreImages(run=runs[name], images=images))
    indices = Array.of(np.array([3, 19, 0]))
    maps = engine.ask(MapSurprisal(run=runs[name], images=images, indices=indices), SurprisalMapped)
    refused = engine.ask(MapSurprisal(run=runs["vae"], images=images, indices=indices), CommandFailed)
    bits = maps.bits.numpy()
    assert bits.shape == (3, 8, 8)
    np.testing.assert_allclose(bits.sum((1, 2)) * np.log(2), -scores.values.numpy()[[3, 19, 0]], rtol=1e-4)
    assert "choose a run of an autoregressive family" in refused.message
    assert ("over 10 labels" in scores.kind_text) == (name == "conditional")
