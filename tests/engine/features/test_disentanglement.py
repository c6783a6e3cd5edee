"""Scores of disentanglement of codes whose scores are known, and against plain sums over all pairs of values."""

import importlib
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from gmstudio.engine.features.disentanglement import (
    association_matrix,
    dci,
    discretize,
    entropy,
    gaps,
    importance_column,
    information_matrix,
    is_ordered,
    mutual_information,
    numbered,
    prediction_column,
)

spearmanr = importlib.import_module("scipy.stats").spearmanr
COUNTS = (3, 5, 4)


def made_factors(count: int = 3000, seed: int = 0) -> NDArray[np.float32]:
    """Independent factors: kinds 0 … 2, places 0.1 … 0.5, angles 0 … 270."""
    random = np.random.default_rng(seed)
    kind, place, angle = (random.integers(0, values, count) for values in COUNTS)
    return np.stack([kind, 0.1 * (place + 1), 90.0 * angle], axis=1).astype(np.float32)


def perfect(factors: NDArray[np.float32]) -> NDArray[np.float32]:
    """A code of one dimension for each factor, scaled, in another order, and of pure noise."""
    noise = np.random.default_rng(1).normal(size=(len(factors), 1))
    return np.concatenate([3 * factors[:, [1]] - 1, -factors[:, [0]], noise, factors[:, [2]]], axis=1).astype("f4")


def rotated(codes: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same code of four dimensions, standardized and turned so that each dimension has as much of all."""
    standard = (codes - codes.mean(0)) / codes.std(0)
    turn = np.array([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]]) / 2
    return np.asarray(standard @ turn, dtype=np.float32)


def all_scores(codes: NDArray[np.float32], factors: NDArray[np.float32]) -> dict[str, float]:
    half = len(codes) // 2
    numbers = numbered(factors)
    information = information_matrix(codes, numbers)
    importances, accuracies, predictions = [], [], []
    for k in range(factors.shape[1]):
        pairs = codes[:half], factors[:half, k], codes[half:], factors[half:, k]
        ordered = is_ordered(factors[:, k])
        importance, accuracy = importance_column(*pairs, 0, ordered=ordered, num_trees=10)
        importances.append(importance)
        accuracies.append(accuracy)
        predictions.append(prediction_column(*pairs, ordered=ordered))
    found = dci(np.stack(importances, axis=1))
    return {
        "mig": float(gaps(information).mean()),
        "disentanglement": found.disentanglement,
        "completeness": found.completeness,
        "informativeness": float(np.mean(accuracies)),
        "sap": float(gaps(np.stack(predictions, axis=1)).mean()),
    }


def test_a_perfect_code_has_the_best_scores() -> None:
    factors = made_factors()
    scores = all_scores(perfect(factors), factors)
    assert scores["mig"] == pytest.approx(1.0, abs=0.03)  # noise has some information by chance
    for name in ("disentanglement", "completeness", "informativeness"):
        assert scores[name] == pytest.approx(1.0, abs=0.01)
    # The second best predicts the kind by chance, 1/3 of three, and the others not at all.
    assert scores["sap"] == pytest.approx((1 - 1 / 3 + 1 + 1) / 3, abs=0.03)


def test_a_rotated_code_scores_less_in_all_but_what_it_holds() -> None:
    factors = made_factors()
    best, turned = all_scores(perfect(factors), factors), all_scores(rotated(perfect(factors)), factors)
    for name in ("mig", "disentanglement", "completeness", "sap"):
        assert turned[name] < best[name] - 0.3, name
    assert turned["informativeness"] > 0.7


def test_a_code_of_noise_scores_nothing() -> None:
    factors = made_factors()
    noise = np.random.default_rng(3).normal(size=(len(factors), 6)).astype(np.float32)
    scores = all_scores(noise, factors)
    assert scores["mig"] < 0.02 and scores["sap"] < 0.05 and scores["disentanglement"] < 0.1
    assert scores["informativeness"] == pytest.approx(1 / COUNTS[0] / 3, abs=0.05)  # kinds by chance, R² of 0


def test_two_dimensions_of_one_factor_leave_no_gap() -> None:
    factors = made_factors()
    doubled = np.repeat(perfect(factors)[:, :1], 2, axis=1)
    assert gaps(information_matrix(doubled, numbered(factors))) == pytest.approx(0.0, abs=1e-12)


def test_mutual_information_is_the_sum_over_all_pairs_of_values() -> None:
    random = np.random.default_rng(4)
    first, second = random.integers(0, 4, 500), random.integers(0, 3, 500)
    second[first == 2] = 1
    expected = 0.0
    for a in range(4):
        for b in range(3):
            both = np.mean((first == a) & (second == b))
            if both:
                expected += both * math.log(both / (np.mean(first == a) * np.mean(second == b)))
    assert mutual_information(first, second) == pytest.approx(expected, abs=1e-12)
    assert mutual_information(first, first) == pytest.approx(entropy(first), abs=1e-12)
    assert mutual_information(first, np.zeros(500, np.int64)) == 0.0
    assert entropy(np.array([0, 0, 1, 1])) == pytest.approx(math.log(2))


def test_bins_have_equal_widths_between_the_extremes() -> None:
    column = np.array([0.0, 0.99, 1.0, 5.0, 19.99, 20.0], np.float32)
    assert discretize(np.stack([column, np.full(6, 7, np.float32)], axis=1)).T.tolist() == [
        [0, 0, 1, 5, 19, 19],
        [0, 0, 0, 0, 0, 0],
    ]


def test_correlations_are_spearmans_and_of_kinds_the_correlation_ratio() -> None:
    random = np.random.default_rng(5)
    factors = made_factors(400)
    codes = random.normal(size=(400, 3)).astype(np.float32)
    codes[:, 0] += factors[:, 1] * 5
    codes[:, 1] += factors[:, 0]
    codes[:, 2] = 4
    found = association_matrix(codes, factors, (False, True, True))
    for dim in range(2):
        for k in (1, 2):
            assert found[dim, k] == pytest.approx(spearmanr(codes[:, dim], factors[:, k]).statistic, abs=1e-12)
        ranks = codes[:, dim].argsort().argsort() + 1.0  # no ties among normal numbers
        between = sum(
            (factors[:, 0] == kind).sum() * (ranks[factors[:, 0] == kind].mean() - ranks.mean()) ** 2
            for kind in range(3)
        )
        assert found[dim, 0] == pytest.approx(math.sqrt(between / ((ranks - ranks.mean()) ** 2).sum()), abs=1e-12)
    assert np.isnan(found[2]).all()


def test_disentanglement_and_completeness_by_hand() -> None:
    importance = np.array([[0.5, 0.0], [0.5, 0.0], [0.0, 1.0]])
    found = dci(importance)
    assert found.disentanglement == pytest.approx(1.0)
    assert found.by_factor == pytest.approx([1 - math.log(2) / math.log(3), 1.0])
    assert found.weights == pytest.approx([0.25, 0.25, 0.5])
    mixed = dci(np.array([[0.5, 0.5], [0.5, 0.5]]))
    assert (mixed.disentanglement, mixed.completeness) == pytest.approx((0.0, 0.0))
    weighted = dci(np.array([[0.9, 0.9], [0.1, 0.1]]))
    assert weighted.by_factor == pytest.approx([1 + (0.9 * math.log(0.9) + 0.1 * math.log(0.1)) / math.log(2)] * 2)
    nothing = dci(np.zeros((2, 2)))
    assert (nothing.disentanglement, nothing.completeness) == (0.0, 0.0)


def test_squared_correlations_predict_ordered_factors() -> None:
    factors = made_factors(500)
    codes = np.random.default_rng(6).normal(size=(500, 2)).astype(np.float32)
    codes[:, 0] += 4 * factors[:, 1]
    found = prediction_column(codes, factors[:, 1], codes, factors[:, 1], ordered=True)
    for dim in range(2):
        assert found[dim] == pytest.approx(np.corrcoef(codes[:, dim], factors[:, 1])[0, 1] ** 2, abs=1e-6)


def test_numbered_kinds_have_no_order() -> None:
    assert not is_ordered(np.array([0.0, 2.0, 1.0, 1.0]))
    assert is_ordered(np.array([0.0, 15.0, 30.0])) and is_ordered(np.array([0.1, 0.2]))
