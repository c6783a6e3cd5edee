"""Surfaces: their mass, and one way to compute them against another."""

import itertools
import math

import numpy as np
import pytest
import torch
from plane_models import SMALL, TRACTABLE, point_data, point_model, trained

from gmstudio.engine.plane.exact import chain_rule_factors, product
from gmstudio.engine.plane.grid import grid_of, grid_of_data
from gmstudio.engine.plane.rules import rule_for, surface_of, surface_pieces
from gmstudio.families.base import Estimated, Sampler
from gmstudio.protocol.images import ImageSpec

EXACT = tuple(name for name in TRACTABLE if name not in ("realnvp", "vae"))


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("family", TRACTABLE)
def test_the_mass_of_the_grid_is_one(family: str, dims: int) -> None:
    data = point_data(dims)
    grid = grid_of(data.image, data.axes)
    model = point_model(family, dims)
    for _ in range(2):
        surface = surface_of(model, grid)
        assert surface is not None and surface.values.shape == grid.shape
        assert abs(surface.values.sum() - 1.0) < 1e-5
        trained(model, data)


@pytest.mark.parametrize("family", EXACT)
def test_an_exact_surface_is_the_likelihood_of_every_cell(family: str) -> None:
    data = point_data()
    model, grid = trained(point_model(family), data), grid_of(data.image, data.axes)
    surface = surface_of(model, grid)
    assert surface is not None and surface.method == "exact"
    images = grid.images()
    if hasattr(model, "log_prob"):
        wanted = model.log_prob(images)
    else:  # annealed importance sampling, whose log Z has an error
        assert isinstance(model, Estimated)
        wanted = model.log_prob_estimate(images, 200, torch.Generator().manual_seed(0))
    apart = (torch.from_numpy(surface.values).log().flatten() - wanted).abs().max()
    assert apart < (1e-4 if hasattr(model, "log_prob") else 0.05)


def test_the_quadrature_of_a_vae_is_its_importance_weighted_estimate_within_its_error() -> None:
    data = point_data()
    model, grid = trained(point_model("vae"), data, 100), grid_of(data.image, data.axes)
    surface = surface_of(model, grid)
    assert surface is not None and surface.method == "quadrature" and isinstance(model, Estimated)
    images = torch.from_numpy(data.valid.images[:20])
    draws = [model.log_prob_estimate(images, 2000, torch.Generator().manual_seed(seed)) for seed in range(8)]
    estimate = torch.stack(draws)
    wanted = torch.from_numpy(np.log(surface.values.ravel()[grid.cells(images.numpy())]))
    error = estimate.std(0) / math.sqrt(len(draws))
    assert ((estimate.mean(0) - wanted).abs() < 4 * error + 2e-3).all()


def test_codes_of_many_dimensions_are_drawn_from_the_prior() -> None:
    data = point_data()
    model, grid = trained(point_model("vae", num_latent=5), data), grid_of(data.image, data.axes)
    surface = surface_of(model, grid)
    assert surface is not None and surface.method == "importance weighting"
    assert rule_for(model).method == "importance weighting"
    assert abs(surface.values.sum() - 1.0) < 1e-5
    samples = model.sample(50_000, torch.Generator().manual_seed(0)).numpy()
    counted = np.bincount(grid.cells(samples), minlength=grid.num_cells) / len(samples)
    assert np.abs(counted - surface.values.ravel()).sum() < 0.1


def test_the_quadrature_of_a_flow_is_where_its_samples_fall() -> None:
    data = point_data()
    model, grid = trained(point_model("realnvp"), data, 100), grid_of(data.image, data.axes)
    surface = surface_of(model, grid)
    assert surface is not None and surface.method == "quadrature" and isinstance(model, Sampler)
    samples = model.sample(50_000, torch.Generator().manual_seed(0)).numpy()
    counted = np.bincount(grid.cells(samples), minlength=grid.num_cells) / len(samples)
    assert np.abs(counted - surface.values.ravel()).sum() < 0.1


def test_samples_are_counted_in_growing_numbers() -> None:
    data = point_data()
    grid = grid_of(data.image, data.axes)
    surfaces = [s for s in surface_pieces(point_model("gan"), grid, num_counted=5000) if s is not None]
    assert surfaces[-1].done and surfaces[-1].counted == 5000 and surfaces[-1].samples is not None
    assert "5,000 samples" in surfaces[-1].note
    assert [s.counted for s in surfaces] == sorted({s.counted for s in surfaces})
    counts = np.bincount(grid.cells(surfaces[-1].samples), minlength=grid.num_cells)
    assert len(surfaces[-1].samples) == 5000
    assert np.allclose(counts / 5000, surfaces[-1].values.ravel())


def test_an_autoencoder_has_neither_density_nor_samples() -> None:
    data = point_data()
    model = point_model("autoencoder")
    assert surface_of(model, grid_of(data.image, data.axes)) is None
    assert rule_for(model).method is None and rule_for(model).help


@pytest.mark.parametrize("family", ["made", "ddpm", "gan", "vae", "rbm"])
def test_the_same_seed_gives_the_same_surface(family: str) -> None:
    data = point_data()
    grid = grid_of(data.image, data.axes)
    first, again = (surface_of(point_model(family), grid, seed=3, num_counted=3000) for _ in range(2))
    assert first is not None and again is not None and np.array_equal(first.values, again.values)


def test_a_class_conditional_model_is_mixed_over_its_labels() -> None:
    data = point_data()
    assert data.train.labels is not None
    model, grid = point_model("gated_pixelcnn", num_classes=2), grid_of(data.image, data.axes)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)))
    surface = surface_of(model, grid, train_labels=data.train.labels)
    by_label = [product(*chain_rule_factors(model, grid, label=label)) for label in (0, 1)]
    shares = np.bincount(data.train.labels) / len(data.train.labels)
    assert surface is not None and np.allclose(surface.values, shares[0] * by_label[0] + shares[1] * by_label[1])
    assert np.abs(by_label[0] - by_label[1]).sum() > 0.01


def test_the_factors_of_the_chain_rule_multiply_to_the_surface() -> None:
    data = point_data()
    model, grid = trained(point_model("made"), data), grid_of(data.image, data.axes)
    axes, first, second = chain_rule_factors(model, grid)
    surface = surface_of(model, grid)
    assert axes == (0, 1) and surface is not None and second is not None
    for x1, x2 in itertools.product((0, 5, 15), repeat=2):
        assert math.isclose(surface.values[x2, x1], first[x1] * second[x1, x2], rel_tol=1e-12)


def test_images_that_are_no_points_are_refused() -> None:
    with pytest.raises(ValueError, match="points"):
        grid_of(ImageSpec(1, 28, 28, 2))


def test_cells_and_places_agree() -> None:
    data = point_data()
    grid = grid_of_data(point_model("fvbn"), data)
    images = grid.images().numpy()
    assert np.array_equal(grid.cells(images), np.arange(grid.num_cells))
    assert np.array_equal(grid.snapped(grid.points(images)), images)
    assert np.array_equal(grid.snapped(grid.within_cells(images, 1)), images)
    assert np.array_equal(grid.snapped(np.array([[-9.0, 9.0]])), np.array([[[[0, 15]]]]))
    assert set(SMALL) >= set(TRACTABLE)


@pytest.mark.parametrize("family", ["realnvp", "vae"])
@pytest.mark.parametrize("dims", [1, 2])
def test_a_quick_surface_is_close_to_the_other_one(family: str, dims: int) -> None:
    data = point_data(dims, levels=64)
    model, grid = trained(point_model(family, dims, levels=64), data, 60), grid_of(data.image, data.axes)
    assert rule_for(model).has_quick
    (quick,) = (s for s in surface_pieces(model, grid, quick=True) if s is not None)
    other = surface_of(model, grid)
    assert other is not None and quick.method == other.method
    inner = (slice(None), slice(1, -1)) if dims == 1 else (slice(1, -1), slice(1, -1))  # tails belong to the border
    assert 0.5 * np.abs(quick.values - other.values)[inner].sum() < 0.01
    assert abs(quick.values.sum() - 1.0) < 0.2


def test_a_quick_histogram_counts_what_fits_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    data = point_data()
    model, grid = point_model("ddpm"), grid_of(data.image, data.axes)
    monkeypatch.setattr("gmstudio.engine.plane.counting.QUICK_S", 0.0)
    monkeypatch.setattr("gmstudio.engine.plane.counting.PIECE_S", 0.0)
    quick = [s for s in surface_pieces(model, grid, num_counted=20_000, quick=True) if s is not None][-1]
    whole = [s for s in surface_pieces(model, grid, num_counted=3_000) if s is not None][-1]
    assert quick.done and 0 < quick.counted < 20_000 and f"{quick.counted:,} samples counted" in quick.note
    assert np.isclose(quick.values.sum(), 1.0) and whole.counted == 3_000


def test_a_quick_surface_of_many_levels_is_interpolated(monkeypatch: pytest.MonkeyPatch) -> None:
    data = point_data(levels=64)
    model, grid = trained(point_model("realnvp", levels=64), data, 60), grid_of(data.image, data.axes)
    (whole,) = (s for s in surface_pieces(model, grid, quick=True) if s is not None)
    monkeypatch.setattr("gmstudio.engine.plane.continuous.MOST_NODES", 32)
    (half,) = (s for s in surface_pieces(model, grid, quick=True) if s is not None)
    assert not np.array_equal(half.values, whole.values)
    assert 0.5 * np.abs(half.values - whole.values).sum() < 0.01


def test_an_autoregressive_model_without_conditionals_of_its_own_is_stepped() -> None:
    data = point_data()
    model, grid = trained(point_model("made"), data), grid_of(data.image, data.axes)

    class OnlySessions(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def log_prob(self, x: torch.Tensor) -> torch.Tensor:
            return model.log_prob(x)  # type: ignore[operator, no-any-return]

        def pixel_session(self, *given: object, **options: object) -> object:
            return model.pixel_session(*given, **options)  # type: ignore[operator]

    stepped = chain_rule_factors(OnlySessions(), grid)  # type: ignore[arg-type]
    computed = chain_rule_factors(model, grid)
    assert stepped.axes == computed.axes and stepped.second is not None and computed.second is not None
    assert np.allclose(stepped.first, computed.first, atol=1e-6)
    assert np.allclose(stepped.second, computed.second, atol=1e-6)
