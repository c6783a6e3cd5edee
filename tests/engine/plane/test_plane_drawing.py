"""Answers about the density of models of points."""

import math

import numpy as np
import pytest
from plane_models import point_data, point_model
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.drawing import draw_samples, draw_surface, open_plane
from gmstudio.engine.plane.grid import grid_of_data
from gmstudio.engine.plane.metrics import Reference
from gmstudio.engine.plane.surface import Surface, SurfaceSlot
from gmstudio.engine.plane.timing import time_surface
from gmstudio.families.base import Family, Sampler
from gmstudio.protocol.plane import DrawSurface, OpenPlane, SurfaceDrawn


def drawn(model: Family, data: Dataset, **settings: int) -> list[SurfaceDrawn]:
    command = DrawSurface(request=7, run="/run", **settings)
    events = [event for event in draw_surface(model, 30, data, command) if event is not None]
    assert all(isinstance(event, SurfaceDrawn) for event in events)
    return events  # type: ignore[return-value]


def test_a_run_of_points_is_described() -> None:
    data = point_data()
    opened = open_plane(point_model("made"), data, OpenPlane(request=2, run="/run", num_points=100))
    assert opened.axes == data.axes and opened.levels == 16 and opened.method == "exact" and opened.request == 2
    assert opened.points["train"].shape == (100, 2) and opened.labels["train"].shape == (100,)
    assert opened.truth is not None and np.array_equal(opened.truth.numpy(), data.truth)
    first = grid_of_data(point_model("made"), data).snapped(opened.points["train"].numpy())
    assert np.array_equal(first, data.train.images[:100])
    with pytest.raises(ValueError, match="ask for 0 to"):
        open_plane(point_model("made"), data, OpenPlane(run="/run", num_points=-1))


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("family", ["made", "realnvp", "vae", "rbm", "gan", "gsn", "ddpm"])
def test_a_surface_has_samples_and_distances_beside_it(family: str, dims: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmstudio.engine.plane.drawing.NUM_COUNTED", 600)
    data = point_data(dims)
    last = drawn(point_model(family, dims), data, num_samples=50)[-1]
    assert last.done and last.request == 7 and last.weights_step == 30 and last.engine_ms > 0
    assert last.values.shape == ((16, 16) if dims == 2 else (1, 16)) and last.values.dtype == "float32"
    assert last.samples is not None and last.samples.shape == (50, dims)
    assert math.isclose(last.metrics.cross_entropy, last.metrics.entropy + last.metrics.forward_kl, rel_tol=1e-6)
    assert last.metrics.forward_kl > 0 and last.metrics.reverse_kl > 0 and last.metrics.valid_nll > 0
    without = drawn(point_model(family, dims), data, num_samples=0)[-1]
    assert without.samples is None and without.done


def test_a_family_without_density_says_so() -> None:
    (only,) = drawn(point_model("autoencoder"), point_data())
    assert only.method is None and only.note and only.done
    assert np.isnan(only.values.numpy()).all() and math.isnan(only.metrics.mass)


def test_a_surface_that_was_counted_is_not_counted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gmstudio.engine.plane.drawing.NUM_COUNTED", 2000)
    slot, data, command = SurfaceSlot(), point_data(), DrawSurface(run="/run", num_samples=5)
    drawn = [event for event in draw_surface(point_model("gan"), 3, data, command, slot) if event is not None]
    again = [event for event in draw_surface(point_model("gan"), 3, data, command, slot) if event is not None]
    assert len(again) == 1 and isinstance(again[0], SurfaceDrawn) and isinstance(drawn[-1], SurfaceDrawn)
    assert np.array_equal(again[0].values.numpy(), drawn[-1].values.numpy()) and again[0].done
    assert again[0].samples is not None and len(again[0].samples.numpy()) == 5 and again[0].note == drawn[-1].note


def test_the_true_distribution_has_no_distance_from_itself() -> None:
    data = point_data()
    grid = grid_of_data(point_model("made"), data)
    assert data.truth is not None
    metrics = Reference.of(grid, data).measure(Surface(data.truth, "exact"))
    assert abs(metrics.forward_kl) < 1e-12 and abs(metrics.reverse_kl) < 1e-12
    assert math.isclose(metrics.entropy, metrics.cross_entropy)
    assert abs(metrics.train_nll - metrics.entropy) < 0.2 and abs(metrics.valid_nll - metrics.entropy) < 0.2
    uniform = np.full(grid.shape, 1.0 / grid.num_cells)
    of_uniform = Reference.of(grid, data).measure(Surface(uniform, "exact"))
    assert math.isclose(of_uniform.train_nll, math.log(grid.num_cells))
    assert math.isclose(of_uniform.forward_kl, math.log(grid.num_cells) - metrics.entropy)


def test_mass_where_the_truth_has_none_costs_as_if_it_were_tiny() -> None:
    data = point_data()
    grid = grid_of_data(point_model("made"), data)
    truth = np.zeros(grid.shape)
    truth[3, 4] = 1.0
    half = truth.copy()
    half[0, 0], half[3, 4] = 0.5, 0.5
    reference = Reference(truth, None, None)
    metrics = reference.measure(Surface(half, "exact"))
    assert math.isclose(metrics.forward_kl, math.log(2.0))
    assert math.isclose(metrics.reverse_kl, 0.5 * math.log(0.5) + 0.5 * math.log(0.5 / 1e-12))
    assert math.isnan(metrics.train_nll)
    counted = reference.measure(Surface(truth, "histogram"))
    assert 0 < counted.forward_kl < 0.02


def test_without_a_known_truth_only_points_are_scored() -> None:
    data = point_data()
    reference = Reference(None, Reference.of(grid_of_data(point_model("made"), data), data).train_share, None)
    metrics = reference.measure(Surface(np.full((16, 16), 1 / 256), "exact"))
    assert math.isnan(metrics.forward_kl) and math.isclose(metrics.train_nll, math.log(256))


def test_the_time_of_a_surface_is_measured() -> None:
    data = point_data()
    timing = time_surface(point_model("made"), data)
    assert timing.method == "exact" and timing.milliseconds >= timing.longest_piece_ms > 0
    assert timing.metrics.forward_kl > 0
    none = time_surface(point_model("autoencoder"), data)
    assert none.method is None and math.isnan(none.metrics.mass)


def test_labels_of_samples_have_the_frequencies_of_the_training_points() -> None:
    data = point_data()
    model = point_model("gated_pixelcnn", num_layers=1, num_channels=4, num_head_channels=4, num_classes=2)
    assert isinstance(model, Sampler)
    asked: list[Tensor] = []
    pixel_session = model.pixel_session  # type: ignore[attr-defined]
    model.pixel_session = lambda *args, **named: asked.append(named["labels"]) or pixel_session(*args, **named)  # type: ignore[attr-defined]
    *_, images = draw_samples(model, 400, 0, data.train.labels)
    assert images is not None and images.shape == (400, 1, 1, 2)
    assert data.train.labels is not None
    assert abs(float(asked[0].double().mean()) - data.train.labels.mean()) < 0.1
