"""Distributions of points: probabilities that sum to one, samples that follow them, texts and drawings."""

import numpy as np
import pytest
from scipy.stats import chi2, norm

from gmstudio.data import load
from gmstudio.data.points import PointsConfig, axes_of, class_truths, density_of, entropy, known_density
from gmstudio.data.points.settings import CURVES, SHAPES
from gmstudio.protocol.config import ConfigError

STROKES = "40 200,500 800,500; -20 500,500; 10 100,100 300,100 300,300"
KNOWN = [shape for shape in SHAPES if shape not in ("csv", "picture")]
NUM_DRAWN = 200_000


def config_of(shape: str, **values: object) -> PointsConfig:
    return PointsConfig(**{"shape": shape, "strokes": STROKES, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize("levels", [64, 256])
@pytest.mark.parametrize("shape", KNOWN)
def test_probabilities_sum_to_one_over_the_grid(shape: str, levels: int) -> None:
    truth = density_of(config_of(shape, levels=levels))
    assert truth.shape == ((1 if shape == "mixture_1d" else levels), levels) and truth.dtype == np.float64
    assert truth.min() >= 0 and abs(truth.sum() - 1) < 1e-12


@pytest.mark.parametrize("shape", KNOWN)
def test_points_follow_the_probabilities_of_their_cells(shape: str) -> None:
    """Pearson's statistic over cells that expect five points or more, at a level of one in ten thousand."""
    dataset = load(
        "points", {"shape": shape, "strokes": STROKES, "num_points": NUM_DRAWN, "num_valid": 1, "num_test": 1}
    )
    places = dataset.train.images.reshape(NUM_DRAWN, -1).astype(int)
    row = places[:, 1] if places.shape[1] == 2 else 0
    assert dataset.truth is not None
    counts = np.zeros(dataset.truth.shape)
    np.add.at(counts, (row, places[:, 0]), 1)
    expected = NUM_DRAWN * dataset.truth
    often = expected >= 5
    seen = np.append(counts[often], counts[~often].sum())
    wanted = np.append(expected[often], max(expected[~often].sum(), 1e-9))
    statistic = float((np.square(seen - wanted) / wanted)[wanted >= 5].sum())
    assert statistic < chi2.ppf(1 - 1e-4, df=int(often.sum()))
    assert counts[dataset.truth == 0].sum() == 0


@pytest.mark.parametrize("shape", ["moons", "pinwheel", "grid", "spirals", "mixture_1d", "mixture_2d"])
def test_classes_are_drawn_with_their_points(shape: str) -> None:
    config = config_of(shape)
    truths, density = class_truths(config), known_density(config)
    assert len(truths) == len(density.label_names)
    np.testing.assert_allclose(truths.sum(axis=(1, 2)), 1, atol=1e-12)
    dataset = load("points", {"shape": shape})
    labels = dataset.train.labels
    assert labels is not None and dataset.label_names == density.label_names
    shares = density.classes.sum(axis=(1, 2))
    np.testing.assert_allclose(np.bincount(labels, minlength=len(shares)) / len(labels), shares, atol=0.02)
    places = dataset.train.images.reshape(len(labels), -1).astype(int)
    row = places[:, 1] if places.shape[1] == 2 else np.zeros(len(labels), int)
    assert (truths[labels, row, places[:, 0]] > 0).all()


def test_a_shape_without_classes_says_so() -> None:
    with pytest.raises(ConfigError, match="no classes"):
        class_truths(PointsConfig(shape="ring"))


def test_a_gaussian_has_the_differences_of_the_normal_distribution_function() -> None:
    config = PointsConfig(shape="mixture_1d", components_1d="1 0.5 2")
    (axis,) = axes_of(config)
    edges = np.linspace(axis.low, axis.high, config.levels + 1)
    exact = np.diff(norm.cdf(edges, 0.5, 2))
    np.testing.assert_allclose(density_of(config)[0], exact / exact.sum(), atol=1e-15)


def test_the_checkerboard_is_uniform_on_half_of_the_cells() -> None:
    truth = density_of(PointsConfig(shape="checkerboard"))
    assert entropy(truth) == pytest.approx(np.log(64 * 64 / 2))
    blurred = density_of(PointsConfig(shape="checkerboard", noise=0.3))
    assert blurred[8, 8] > 100 * blurred[8, 24] > 0


@pytest.mark.parametrize("shape", CURVES)
def test_more_noise_is_more_entropy(shape: str) -> None:
    some, more = (entropy(density_of(PointsConfig(shape=shape, noise=noise))) for noise in (0.1, 0.4))  # type: ignore[arg-type]
    assert more > some


def test_the_finer_grid_adds_up_to_the_coarse_one() -> None:
    for shape in ("moons", "drawn", "mixture_2d"):
        coarse, fine = (density_of(config_of(shape, levels=levels)) for levels in (64, 256))
        np.testing.assert_allclose(fine.reshape(64, 4, 64, 4).sum(axis=(1, 3)), coarse, atol=1e-12)


def test_a_seed_repeats_and_another_one_does_not() -> None:
    first, again, other = (load("points", {"seed": seed}).train.images for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
