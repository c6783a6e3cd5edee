"""Views of the chain rule: factors that multiply to the surface, in both orders, and by label."""

import math

import numpy as np
import pytest
import torch
from plane_models import point_data, point_model, trained
from plane_views import inside, layers, number

from gmstudio.engine.plane.grid import grid_of_data
from gmstudio.engine.plane.rules import surface_of
from gmstudio.engine.plane.views import views_of
from gmstudio.protocol.plane_layers import Guide, Heat, Paths, Profile


@pytest.mark.parametrize("view", ["chain_rule", "other_order"])
def test_the_factors_multiply_to_the_surface(view: str) -> None:
    data = point_data()
    model = trained(point_model("made"), data)
    surface = surface_of(model, grid_of_data(model, data))
    drawn = inside(model, data, view, {"x1": [0.3], "x2": [0.3]})
    (heat,) = layers(drawn, Heat)
    assert surface is not None and np.allclose(heat.values.numpy(), surface.values, rtol=1e-4)
    assert heat.extent == (-2.0, 2.0, -2.0, 2.0)
    first, second = layers(drawn, Profile)
    (guide,) = layers(drawn, Guide)
    level = data.axes[0].level(0.3, 16)
    column = surface.values[:, level] if view == "chain_rule" else surface.values[level]
    assert guide.name == ("x1" if view == "chain_rule" else "x2") and guide.value == 0.3
    assert first.axis == guide.axis and second.axis != guide.axis
    assert np.allclose(second.heights.numpy(), column / column.sum(), rtol=1e-4)
    assert np.allclose(first.heights.numpy()[level], column.sum(), rtol=1e-4)
    entropy = -(surface.values * np.log(surface.values)).sum()
    assert math.isclose(number(drawn, "H(x₁, x₂)" if view == "chain_rule" else "H(x₂, x₁)"), entropy, abs_tol=1e-3)


def test_a_model_trained_in_all_orders_computes_the_other_one() -> None:
    data = point_data()
    model = point_model("nade", order_agnostic=True)
    drawn = inside(model, data, "other_order")
    (heat,) = layers(drawn, Heat)
    images = grid_of_data(model, data).images()
    order = torch.tensor([[0, 0, 1], [0, 0, 0]])
    wanted = model.log_prob(images, order).exp().detach().numpy().reshape(16, 16)
    assert np.allclose(heat.values.numpy(), wanted, rtol=1e-3)
    assert "Computed by the model" in drawn.note


def test_a_guide_beyond_the_axis_stays_at_its_end() -> None:
    drawn = inside(point_model("fvbn"), point_data(), "chain_rule", {"x1": [99.0]})
    assert layers(drawn, Guide)[0].value == 2.0


def test_other_families_have_slices_that_are_derived() -> None:
    data = point_data()
    model = trained(point_model("vae"), data)
    surface = surface_of(model, grid_of_data(model, data))
    drawn = inside(model, data, "slices_2", {"x2": [-0.8]})
    level = data.axes[1].level(-0.8, 16)
    assert surface is not None
    row = surface.values[level]
    assert np.allclose(layers(drawn, Profile)[1].heights.numpy(), row / row.sum(), rtol=1e-4)
    assert "derived" in drawn.note.lower()
    assert "slices_1" not in views_of(point_model("gan"), grid_of_data(model, data))


@pytest.mark.parametrize("dims", [1, 2])
def test_a_class_conditional_model_has_a_density_for_each_label(dims: int) -> None:
    data = point_data(dims)
    model = point_model("gated_pixelcnn", dims, num_classes=2)
    drawn = inside(model, data, "labels")
    names = [layer.name for layer in layers(drawn, Paths) if layer.name]
    assert [name.split(",")[0] for name in names] == ["p(x | left)", "p(x | right)"]
    assert {layer.series for layer in layers(drawn, Paths)} == {0, 1}
    if dims == 1:
        heights = layers(drawn, Paths)[0].points.numpy()[0, :, 1]
        assert math.isclose(heights.sum(), 1.0, rel_tol=1e-5)


def test_inputs_and_views_that_cannot_be_used_are_refused() -> None:
    with pytest.raises(ValueError, match="no view 'warp'; it has chain_rule"):
        inside(point_model("fvbn"), point_data(), "warp")
    with pytest.raises(ValueError, match=r"x1 has the shape \(2,\)"):
        inside(point_model("fvbn"), point_data(), "chain_rule", {"x1": [1.0, 2.0]})
    with pytest.raises(ValueError, match="give 2 finite coordinates"):
        inside(point_model("fvbn"), point_data(), "chain_rule", point=(1.0,))
