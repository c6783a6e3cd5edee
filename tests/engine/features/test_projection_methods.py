"""Tests of the methods of projection."""

import importlib

import numpy as np
import pytest
from numpy.typing import NDArray

from gmstudio.engine.features.projection_methods import (
    MAX_COMPONENTS,
    METHODS,
    REDUCED_DIMS,
    nearest_neighbours,
    principal_components,
    project_tsne,
    project_umap,
    reduced,
)
from gmstudio.protocol.features_projection import ProjectionSettings

Rows = NDArray[np.float32]


class Reports(list[tuple[str, float, Rows | None]]):
    """Reports of a method, collected."""

    def __call__(self, stage: str, share: float, places: Rows | None) -> None:
        """Collect a report."""
        self.append((stage, share, places))


def clusters(count: int, num_dims: int, seed: int = 0) -> tuple[Rows, NDArray[np.int64]]:
    """Three clusters that are far apart, and the number of each image's cluster."""
    random = np.random.default_rng(seed)
    centres = 20 * random.normal(size=(3, num_dims))
    which = np.arange(count) % 3
    return (centres[which] + random.normal(size=(count, num_dims))).astype(np.float32), which


def neighbours_agree(places: Rows, which: NDArray[np.int64]) -> float:
    """Share of images whose nearest point is one of their own cluster."""
    squares = np.square(places[:, None] - places[None]).sum(2)
    np.fill_diagonal(squares, np.inf)
    return float((which[squares.argmin(1)] == which).mean())


@pytest.mark.parametrize(("count", "num_dims", "components"), [(80, 30, 5), (10, 40, 16), (50, 3, 16)])
def test_principal_components_are_those_of_scikit_learn(count: int, num_dims: int, components: int) -> None:
    rows = np.random.default_rng(1).normal(size=(count, num_dims)).astype(np.float32) * np.arange(1, num_dims + 1)
    rows = rows.astype(np.float32)
    found = principal_components(rows, components)
    kept = min(components, num_dims, count - 1)
    pca = importlib.import_module("sklearn.decomposition").PCA
    expected = pca(kept, svd_solver="full").fit(rows.astype(np.float64))
    scores = expected.transform(rows.astype(np.float64))
    signs = np.sign((scores * found.places).sum(0))
    assert found.places.shape == (count, kept)
    np.testing.assert_allclose(found.places * signs, scores, atol=1e-3)
    np.testing.assert_allclose(found.explained, expected.explained_variance_ratio_, atol=1e-6)


def test_the_sign_of_a_component_repeats_where_the_images_come_in_another_order() -> None:
    rows, _ = clusters(60, 12)
    order = np.random.default_rng(2).permutation(60)
    np.testing.assert_allclose(
        principal_components(rows[order], 3).places, principal_components(rows, 3).places[order], atol=1e-3
    )


def test_constant_features_explain_nothing() -> None:
    found = principal_components(np.ones((5, 4), np.float32), 2)
    assert found.explained == (0.0, 0.0)
    assert not found.places.any()


def test_features_of_few_dimensions_are_not_reduced() -> None:
    few, many = np.zeros((9, REDUCED_DIMS), np.float32), np.random.default_rng(0).normal(size=(70, REDUCED_DIMS + 1))
    assert reduced(few) is few
    assert reduced(many.astype(np.float32)).shape == (70, REDUCED_DIMS)


def test_nearest_neighbours_are_exact_and_leave_the_image_itself_out() -> None:
    rows = np.random.default_rng(3).normal(size=(50, 6)).astype(np.float32)
    rows[7] = rows[3]  # the same image twice: each is the other's neighbour
    indices, distances = nearest_neighbours(rows, 4, Reports())
    squares = np.square(rows[:, None].astype(np.float64) - rows[None]).sum(2)
    np.fill_diagonal(squares, np.inf)
    np.testing.assert_allclose(distances, np.sqrt(np.sort(squares, 1)[:, :4]), atol=1e-5)
    assert indices[7, 0] == 3 and indices[3, 0] == 7
    assert not (indices == np.arange(50)[:, None]).any()


def test_nearest_neighbours_of_equal_images_are_never_themselves() -> None:
    indices, distances = nearest_neighbours(np.ones((30, 2), np.float32), 3, Reports())
    assert not (indices == np.arange(30)[:, None]).any()
    assert not distances.any()


def test_pca_keeps_components_for_other_axes() -> None:
    rows, which = clusters(60, 40)
    reports = Reports()
    found = METHODS["pca"](rows, ProjectionSettings(), 1, reports)
    assert found.places.shape == (60, MAX_COMPONENTS)
    assert neighbours_agree(found.places[:, :2], which) == 1.0
    assert reports


def test_tsne_separates_clusters_repeats_and_reports_points() -> None:
    rows, which = clusters(90, 60)
    settings, reports = ProjectionSettings(perplexity=10, seed=4), Reports()
    found = project_tsne(rows, settings, 1, reports)
    assert neighbours_agree(found.places, which) == 1.0
    np.testing.assert_array_equal(project_tsne(rows, settings, 1, Reports()).places, found.places)
    shares = [share for _, share, _ in reports if share >= 0]
    assert shares == sorted(shares) and shares[-1] <= 1.0
    assert any(places is not None and places.shape == (90, 2) for _, _, places in reports)


@pytest.mark.slow  # UMAP compiles itself in a home without its cache
def test_umap_separates_clusters_repeats_and_reports_epochs() -> None:
    rows, which = clusters(90, 60)
    settings, reports = ProjectionSettings(neighbours=8, seed=4), Reports()
    found = project_umap(rows, settings, 1, reports)
    assert found.places.shape == (90, 2) and found.places.dtype == np.float32
    assert neighbours_agree(found.places, which) == 1.0
    np.testing.assert_array_equal(project_umap(rows, settings, 1, Reports()).places, found.places)
    assert any("epoch" in stage for stage, _, _ in reports)
    assert not np.array_equal(
        project_umap(rows, ProjectionSettings(neighbours=8, seed=5), 1, Reports()).places, found.places
    )
