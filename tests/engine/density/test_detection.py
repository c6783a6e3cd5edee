"""Detection of anomalies: curves and areas against scikit-learn's, the bootstrap, and sets that are odd."""

import importlib
import math
import time
from typing import Any

import numpy as np
import pytest

from gmstudio.engine.density.detection import (
    Scores,
    detect,
    detect_pieces,
    detection_warnings,
    group_numbers,
)

TOLERANCE = 1e-9


def scores_of(kind: str) -> tuple[Scores, Scores]:
    """Scores of typical and anomalous images, with the anomalous ones higher."""
    random = np.random.default_rng(3)
    if kind == "continuous":
        return random.normal(size=300), random.normal(0.7, 1.4, 211)
    if kind == "tied":
        return random.integers(0, 6, 400).astype(float), random.integers(2, 9, 150).astype(float)
    if kind == "all equal":
        return np.full(7, 2.0), np.full(4, 2.0)
    if kind == "apart":
        return np.arange(5.0), np.arange(10.0, 13.0)
    if kind == "infinite":
        return np.array([-np.inf, 0.0, 1.0, 2.0]), np.array([1.0, np.inf, np.inf])
    assert kind == "three"
    return np.array([0.1, 0.5]), np.array([0.3])


KINDS = ["continuous", "tied", "all equal", "apart", "infinite", "three"]


@pytest.fixture(params=KINDS)
def scored(request: pytest.FixtureRequest) -> tuple[Scores, Scores]:
    """Scores of both sets."""
    return scores_of(request.param)


def metrics() -> Any:
    """Return scikit-learn's reference implementation."""
    return importlib.import_module("sklearn.metrics")


def joined(typical: Scores, anomalous: Scores) -> tuple[Scores, Scores]:
    """Return labels (1: anomalous) and scores that scikit-learn takes, which refuses infinite ones: their ranks."""
    both = np.concatenate([typical, anomalous])
    return np.repeat([0.0, 1.0], [len(typical), len(anomalous)]), np.unique(both, return_inverse=True)[1].astype(float)


class TestAgainstScikitLearn:
    def test_roc_curve_and_area(self, scored: tuple[Scores, Scores]) -> None:
        typical, anomalous = scored
        found = detect(typical, anomalous, 1, resamples=0)
        false, true, ranks = metrics().roc_curve(*joined(typical, anomalous), drop_intermediate=False)
        np.testing.assert_allclose(found.false_positive_rates.numpy(), false, atol=TOLERANCE)
        np.testing.assert_allclose(found.true_positive_rates.numpy(), true, atol=TOLERANCE)
        values = np.unique(np.concatenate([typical, anomalous]))
        np.testing.assert_array_equal(found.thresholds.numpy()[1:], values[ranks[1:].astype(int)])
        assert found.thresholds.numpy()[0] == np.inf
        assert found.auroc == pytest.approx(metrics().roc_auc_score(*joined(typical, anomalous)), abs=TOLERANCE)

    def test_precision_recall_curve_and_its_mean(self, scored: tuple[Scores, Scores]) -> None:
        typical, anomalous = scored
        found = detect(typical, anomalous, 1, resamples=0)
        precision, recall, _ = metrics().precision_recall_curve(*joined(typical, anomalous))
        np.testing.assert_allclose(found.precisions.numpy(), precision[::-1], atol=TOLERANCE)
        np.testing.assert_allclose(found.true_positive_rates.numpy(), recall[::-1], atol=TOLERANCE)
        expected = metrics().average_precision_score(*joined(typical, anomalous))
        assert found.average_precision == pytest.approx(expected, abs=TOLERANCE)

    def test_false_positives_at_95_percent(self, scored: tuple[Scores, Scores]) -> None:
        typical, anomalous = scored
        found = detect(typical, anomalous, 1, resamples=0)
        false, true, _ = metrics().roc_curve(*joined(typical, anomalous), drop_intermediate=False)
        assert found.fpr_at_95 == pytest.approx(false[true >= 0.95 - 1e-12].min(), abs=TOLERANCE)

    def test_the_sign_turns_scores_of_typical_images_around(self) -> None:
        typical, anomalous = scores_of("tied")
        turned, plain = detect(-typical, -anomalous, -1), detect(typical, anomalous, 1)
        assert turned.auroc == plain.auroc
        np.testing.assert_array_equal(turned.thresholds.numpy(), plain.thresholds.numpy())
        assert detect(typical, anomalous, -1, resamples=0).auroc == pytest.approx(1 - plain.auroc)


class TestBootstrap:
    def test_interval_agrees_with_resampled_areas_of_scikit_learn(self) -> None:
        typical, anomalous = scores_of("tied")
        typical, anomalous = typical[:60], anomalous[:40]
        random = np.random.default_rng(8)
        areas = [
            metrics().roc_auc_score(*joined(random.choice(typical, 60), random.choice(anomalous, 40)))
            for _ in range(1000)
        ]
        found = detect(typical, anomalous, 1, seed=5, resamples=4000)
        assert found.auroc_low == pytest.approx(np.quantile(areas, 0.025), abs=0.012)
        assert found.auroc_high == pytest.approx(np.quantile(areas, 0.975), abs=0.012)
        assert found.auroc_low < found.auroc < found.auroc_high

    def test_a_seed_repeats(self) -> None:
        first, again, other = (detect(*scores_of("continuous"), 1, seed=seed, resamples=50) for seed in (1, 1, 2))
        assert (first.auroc_low, first.auroc_high) == (again.auroc_low, again.auroc_high)
        assert first.auroc_low != other.auroc_low

    def test_ten_thousand_images_in_short_pieces(self) -> None:
        random = np.random.default_rng(0)
        typical, anomalous = random.normal(size=10_000), random.normal(1, 1, 10_000)
        began = time.thread_time()
        pieces = sum(1 for _ in detect_pieces(typical, anomalous, 1, resamples=1000))
        assert time.thread_time() - began < 2.0
        assert pieces > 20

    def test_without_resamples_there_is_no_interval(self) -> None:
        found = detect(*scores_of("three"), 1, resamples=0)
        assert math.isnan(found.auroc_low) and math.isnan(found.auroc_high)

    @pytest.mark.parametrize("resamples", [-1, 100_001])
    def test_refuses_other_numbers_of_resamples(self, resamples: int) -> None:
        with pytest.raises(ValueError, match="choose 0 to 100,000"):
            detect(*scores_of("three"), 1, resamples=resamples)


class TestOddSets:
    @pytest.mark.parametrize(
        ("typical", "anomalous", "text"),
        [
            ([], [1.0], "no typical images to compare: the set is empty"),
            ([1.0], [], "no anomalous images to compare: the set is empty"),
            ([1.0], [np.nan, np.nan], "no anomalous images to compare: all of their scores are NaN"),
        ],
    )
    def test_a_class_without_scores_is_refused(self, typical: list[float], anomalous: list[float], text: str) -> None:
        with pytest.raises(ValueError, match=text):
            detect(np.array(typical), np.array(anomalous), 1)

    def test_nan_is_left_out_and_said(self) -> None:
        typical, anomalous = scores_of("continuous")
        broken = np.concatenate([typical, [np.nan, np.nan]])
        assert detect(broken, anomalous, 1, resamples=9) == detect(typical, anomalous, 1, resamples=9)
        (said,) = detection_warnings(broken, anomalous)
        assert said.startswith("2 of 302 typical images have no score (NaN) and are left out")

    def test_infinite_scores_are_said(self) -> None:
        typical, anomalous = scores_of("continuous")
        anomalous[:3] = np.inf
        (said,) = detection_warnings(typical, anomalous)
        assert said.startswith("3 of 211 anomalous images have an infinite score")

    def test_few_images_are_said(self) -> None:
        said = detection_warnings(*scores_of("three"))
        assert [text.split(":")[0] for text in said] == ["Only 2 typical images", "Only 1 anomalous image"]

    def test_nothing_is_said_of_sound_scores(self) -> None:
        assert detection_warnings(*scores_of("continuous")) == ()


class TestGroups:
    def test_every_image_is_in_one_group_but_those_left_over(self) -> None:
        groups = group_numbers(23, 5, 4, "typical")
        assert groups.shape == (4, 5)
        assert len(np.unique(groups)) == 20 and groups.max() < 23
        assert not np.array_equal(groups, np.arange(20).reshape(4, 5))
        np.testing.assert_array_equal(groups, group_numbers(23, 5, 4, "typical"))

    def test_groups_of_one_keep_the_order(self) -> None:
        np.testing.assert_array_equal(group_numbers(4, 1, 9, "typical")[:, 0], np.arange(4))

    def test_too_few_images_are_refused(self) -> None:
        with pytest.raises(ValueError, match="3 anomalous images make no group of 4; choose more images"):
            group_numbers(3, 4, 0, "anomalous")
        with pytest.raises(ValueError, match="Groups of 0 images; choose 1 or more"):
            group_numbers(3, 0, 0, "typical")
