"""What models say of a point."""

import math

import numpy as np
import pytest
import torch
from plane_models import SMALL, point_data, point_model, trained

from gmstudio.data.dataset import Dataset
from gmstudio.engine.plane.describing import describe_point
from gmstudio.engine.plane.grid import grid_of_data
from gmstudio.engine.plane.rules import surface_of
from gmstudio.engine.plane.surface import Surface, SurfaceSlot
from gmstudio.families.base import Bounded, Encoder, Family, Invertible, Latent, Posterior, TimestepBound
from gmstudio.protocol.plane import DescribePoint, PointDescribed
from gmstudio.protocol.plane_layers import Arrows, Paths, Profile

POINT = (0.9, -0.4)


def described(model: Family, data: Dataset, point: tuple[float, ...] = POINT, seed: int = 0) -> PointDescribed:
    command = DescribePoint(request=9, run="/run", point=point, seed=seed)
    *pieces, last = describe_point(model, 5, data, command)
    assert not any(pieces) and isinstance(last, PointDescribed) and last.request == 9 and last.weights_step == 5
    return last


def values(found: PointDescribed) -> dict[str, str]:
    return {number.name: number.value for number in found.numbers}


def first(text: str) -> float:
    return float(text.split()[0])


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("family", SMALL)
def test_every_family_says_something_and_repeats_it(family: str, dims: int) -> None:
    data, model = point_data(dims), point_model(family, dims)
    found = described(model, data, POINT[:dims], seed=4)
    assert len(found.numbers) > 1 and "log p*(x)" in values(found)
    assert described(model, data, POINT[:dims], seed=4) == found
    assert math.isclose(found.point[0], data.axes[0].centre(data.axes[0].level(0.9, 16), 16))


def test_log_p_and_conditionals_are_those_of_the_surface() -> None:
    data = point_data()
    model = trained(point_model("made"), data)
    surface = surface_of(model, grid_of_data(model, data))
    found = described(model, data)
    x1, x2 = (axis.level(value, 16) for axis, value in zip(data.axes, POINT, strict=True))
    assert surface is not None and data.truth is not None
    p = surface.values
    assert math.isclose(first(values(found)["log p(x)"]), math.log(p[x2, x1]), abs_tol=1e-4)
    assert math.isclose(first(values(found)["log p*(x)"]), math.log(data.truth[x2, x1]), abs_tol=1e-4)
    assert math.isclose(first(values(found)["p(x₂ | x₁)"]), p[x2, x1] / p[:, x1].sum(), abs_tol=1e-4)
    assert math.isclose(first(values(found)["p(x₁ | x₂)"]), p[x2, x1] / p[x2].sum(), abs_tol=1e-4)
    (profile,) = (layer for layer in found.layers if isinstance(layer, Profile))
    assert profile.axis == "y" and np.allclose(profile.heights.numpy(), p[:, x1] / p[:, x1].sum(), atol=1e-6)


def test_a_vae_has_a_bound_below_log_p_a_posterior_and_a_reconstruction() -> None:
    data = point_data()
    model = trained(point_model("vae"), data, 100)
    assert isinstance(model, Posterior) and isinstance(model, Encoder) and isinstance(model, Latent)
    found = values(described(model, data))
    assert first(found["ELBO"]) < first(found["log p(x), quadrature"]) + 0.02
    image = torch.from_numpy(grid_of_data(model, data).snapped(np.array([POINT])))
    mean, deviation = model.posterior(image)
    assert found["z₁"] == f"{float(mean[0, 0].detach()):.3f} ± {float(deviation[0, 0].detach()):.3f}"
    means = model.decode(model.encode(image)).flatten().detach().numpy()
    wanted = -2 + 4 * (means * 15 + 0.5) / 16
    assert found["x̂"] == f"({wanted[0]:.3f}, {wanted[1]:.3f})"


def test_a_diffusion_model_has_the_sum_of_its_bound_and_paths() -> None:
    data = point_data()
    model = point_model("ddpm")
    assert isinstance(model, TimestepBound) and isinstance(model, Bounded)
    found = described(model, data)
    image = torch.from_numpy(grid_of_data(model, data).snapped(np.array([POINT])))
    many = model.elbo(image.repeat(200, 1, 1, 1), 20, torch.Generator().manual_seed(1))
    spread = float(many.std())
    assert abs(first(values(found)["ELBO"]) - float(many.mean())) < 4 * spread
    assert any(isinstance(layer, Paths) and layer.points.shape == (6, 11, 2) for layer in found.layers)


def test_a_gan_has_the_output_of_its_discriminator_and_a_gradient() -> None:
    data = point_data()
    model = trained(point_model("gan"), data)
    found = described(model, data)
    means = torch.from_numpy(grid_of_data(model, data).snapped(np.array([POINT]))).float() / 15
    assert math.isclose(first(values(found)["D(x)"]), float(model.discriminate(means).detach()), abs_tol=1e-4)  # type: ignore[operator]
    assert "log p(x)" not in values(found)
    assert any(isinstance(layer, Arrows) for layer in found.layers)


def test_a_flow_has_the_code_of_the_cell() -> None:
    data = point_data()
    model = trained(point_model("realnvp"), data)
    grid = grid_of_data(model, data)
    assert isinstance(model, Invertible)
    place = grid.to_unit(grid.points(grid.snapped(np.array([POINT]))))
    z, _ = model.transform(torch.from_numpy(place).float().view(1, 1, 1, 2))
    assert values(described(model, data))["z = f(x)"] == f"({z[0, 0]:.3f}, {z[0, 1]:.3f})"


def test_labels_follow_from_bayes_rule() -> None:
    data = point_data()
    model = point_model("gated_pixelcnn", num_classes=2)
    found = values(described(model, data))
    assert math.isclose(first(found["p(left | x)"]) + first(found["p(right | x)"]), 1.0, abs_tol=2e-4)


def test_points_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="give 2 finite coordinates"):
        described(point_model("fvbn"), point_data(), (1.0,))
    with pytest.raises(ValueError, match="finite"):
        described(point_model("fvbn"), point_data(), (math.nan, 0.0))


def test_a_histogram_that_was_counted_gives_log_p() -> None:
    data, model = point_data(), point_model("gan")
    slot = SurfaceSlot()
    asked = DescribePoint(run="/run", point=POINT)
    values_LL = np.zeros((16, 16))
    x1, x2 = (axis.level(value, 16) for axis, value in zip(data.axes, POINT, strict=True))
    values_LL[x2, x1] = 0.25
    slot.surface = Surface(values_LL, "histogram", counted=1000)
    *_, found = describe_point(model, 5, data, asked, slot)
    assert isinstance(found, PointDescribed)
    assert found.numbers[0].name == "log p(x), histogram" and "250 of 1,000" in found.numbers[0].help
    assert math.isclose(first(found.numbers[0].value), math.log(0.25), abs_tol=1e-4)
