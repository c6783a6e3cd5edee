"""Measurement of disentanglement: its stages, refusals, and a model on coloured shapes."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gmstudio import data
from gmstudio.data.dataset import Dataset, Factors, Split
from gmstudio.engine.features import disentanglement, factors
from gmstudio.engine.features.factors import Extract, measure_factors
from gmstudio.engine.features.factors_handlers import FactorsFeature
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.protocol.base import Event
from gmstudio.protocol.features import PCA, FeatureSpace
from gmstudio.protocol.features_factors import FactorsMeasured, MeasureFactors
from gmstudio.system.resources import resource_path

COUNT = 400


@dataclass(frozen=True)
class Measured:
    values: NDArray[np.float32]
    title: str = "Made code"
    weights_step: int = 7
    warnings: tuple[str, ...] = ("A remark.",)


@pytest.fixture(autouse=True)
def small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = disentanglement.importance_column
    monkeypatch.setattr(factors, "importance_column", lambda *args, ordered: fit(*args, ordered=ordered, num_trees=5))


@pytest.fixture(scope="module")
def shapes() -> Dataset:
    return data.load("shapes", {})


def command(**values: object) -> MeasureFactors:
    return MeasureFactors(**{"request": 3, "space": FeatureSpace(), "run": "r", "count": COUNT, **values})  # type: ignore[arg-type]


def code_of_factors(dataset: Dataset, seed: int = 0) -> Extract:
    """The factors themselves as a code, which a model with perfect disentanglement would compute."""

    def extract(images: NDArray[np.uint8]) -> Iterator[Measured | None]:
        assert dataset.train.factors is not None and dataset.test.factors is not None
        rows = np.sort(np.random.default_rng(seed).permutation(len(dataset.train))[: len(images) - len(dataset.test)])
        assert np.array_equal(images[: len(rows)], dataset.view("train", rows))
        yield None
        yield Measured(np.concatenate([dataset.train.factors.values[rows], dataset.test.factors.values]))

    return extract


def replies(found: Iterator[Event | None]) -> list[FactorsMeasured]:
    return [event for event in found if isinstance(event, FactorsMeasured)]


def test_stages_follow_one_another_and_the_last_has_all(shapes: Dataset) -> None:
    found = replies(measure_factors(code_of_factors(shapes), shapes, command()))
    last = found[-1]
    assert [reply.done for reply in found] == [False] * (len(found) - 1) + [True]
    shares = [reply.progress.share for reply in found]
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert {score.name for score in found[1].scores} <= {score.name for score in last.scores}
    assert any([score.name for score in reply.scores] == ["mig"] for reply in found)
    assert last.factors == ("kind", "scale", "rotation", "colour", "x", "y")
    assert last.ordered == (False, True, True, False, True, True)
    assert (last.num_images, last.num_held_out, last.num_dims, last.weights_step) == (COUNT, 1000, 6, 7)
    scores = {score.name: score.value for score in last.scores}
    assert scores["mig"] > 0.7 and scores["disentanglement"] > 0.95 and scores["completeness"] > 0.95
    assert scores["informativeness"] > 0.95 and scores["sap"] > 0.7
    matrices = {matrix.name: matrix.values.numpy() for matrix in last.matrices}
    assert set(matrices) == {"correlation", "information", "importance", "prediction"}
    assert all(matrix.shape == (6, 6) and np.diag(matrix).min() > 0.9 for matrix in matrices.values())
    assert np.array_equal(last.points.numpy(), last.point_factors.numpy())
    assert last.warnings == ("A remark.",)


def test_a_seed_repeats_and_another_one_takes_other_images(shapes: Dataset) -> None:
    def correlations(seed: int) -> NDArray[np.float64]:
        last = replies(measure_factors(code_of_factors(shapes, seed), shapes, command(seed=seed)))[-1]
        values: NDArray[np.float64] = last.matrices[0].values.numpy()
        return values

    assert np.array_equal(correlations(1), correlations(1))
    assert not np.array_equal(correlations(1), correlations(2))


def test_data_without_factors_are_refused() -> None:
    digits = data.load("digits", {"levels": 2})
    with pytest.raises(ValueError, match=r"digits has no known factors.*shapes"):
        measure_factors(code_of_factors(digits), digits, command())


@pytest.mark.parametrize("count", [3, 60_000])
def test_numbers_of_images_are_limited(shapes: Dataset, count: int) -> None:
    with pytest.raises(ValueError, match=f"{count:,} images were asked for; choose 100 to 50,000"):
        measure_factors(code_of_factors(shapes), shapes, command(count=count))


def test_data_of_few_images_are_refused(shapes: Dataset) -> None:
    few = replace(shapes, train=part(shapes.train, 3))
    with pytest.raises(ValueError, match="3 training images; the scores need 100"):
        measure_factors(code_of_factors(few), few, command())


def part(split: Split, count: int, kinds: tuple[int, ...] = (0, 1, 2)) -> Split:
    assert split.labels is not None and split.factors is not None
    rows = np.flatnonzero(np.isin(split.labels, kinds))[:count]
    return Split(split.images[rows], split.labels[rows], Factors(split.factors.names, split.factors.values[rows]))


def test_a_factor_of_one_value_is_left_out_with_a_sentence(shapes: Dataset) -> None:
    squares = replace(shapes, train=part(shapes.train, 500, (0,)), test=part(shapes.test, 200, (0,)))
    last = replies(measure_factors(code_of_factors(squares), squares, command()))[-1]
    assert last.factors == ("scale", "rotation", "colour", "x", "y")
    assert "The factor kind has one value in these images and is left out." in last.warnings
    assert "1 of 6 dimensions have one value for all images." in last.warnings
    assert np.isnan(last.matrices[0].values.numpy()[0]).all()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [(np.full((1400, 2), np.nan, np.float32), "not finite"), (np.zeros((1400, 300), np.float32), "300 dimensions")],
)
def test_codes_that_cannot_be_scored_are_refused(shapes: Dataset, values: NDArray[np.float32], sentence: str) -> None:
    def extract(_images: NDArray[np.uint8]) -> Iterator[Measured | None]:
        yield Measured(values)

    with pytest.raises(ValueError, match=sentence):
        replies(measure_factors(extract, shapes, command()))


def test_a_ready_model_and_a_baseline_are_measured_by_the_engine() -> None:
    run = str(resource_path("examples") / "vae-shapes")
    sent: list[Event] = []
    handler = FactorsFeature(EngineContext(sent.append)).handlers()[MeasureFactors]

    def measured(space: FeatureSpace) -> FactorsMeasured:
        sent.clear()
        job = handler(command(space=space, run=run))
        assert job is not None
        return replies(event for event in (*sent, *job))[-1]

    code = measured(FeatureSpace(run=run, layer="code"))
    components = measured(FeatureSpace(layer=PCA, num_dims=10))
    assert code.num_dims == components.num_dims == 10
    assert code.weights_step > 0 and components.weights_step == -1
    informativeness = [{s.name: s.value for s in found.scores}["informativeness"] for found in (code, components)]
    assert min(informativeness) > 0.3
