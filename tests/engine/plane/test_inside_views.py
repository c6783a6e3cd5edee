"""Views of what families have inside: each against what the family's own methods compute."""

import math

import numpy as np
import pytest
import torch
from plane_models import SMALL, point_data, point_model, trained
from plane_views import inside, layers, number

from gmstudio.engine.plane.grid import grid_of_data
from gmstudio.engine.plane.rules import surface_of
from gmstudio.engine.plane.views import views_of
from gmstudio.engine.plane.views.adversarial import generator_gradients
from gmstudio.families.base import Encoder, Invertible, Latent, Posterior
from gmstudio.families.insides import Scored
from gmstudio.protocol.plane_layers import Arrows, Dots, Ellipses, Handles, Heat, Mesh, Paths

OFFERED = {
    "made": ("chain_rule", "other_order"),
    "realnvp": ("warp", "warp_back", "slices_1", "slices_2"),
    "vae": ("posterior", "decoded_posterior", "decoded_grid", "reconstruction", "slices_1", "slices_2"),
    "gan": ("decoded_grid", "discriminator", "generator_gradients"),
    "ddpm": ("score", "paths", "chains"),
    "rbm": ("chains", "free_energy", "slices_1", "slices_2"),
    "gsn": ("chains",),
    "autoencoder": ("decoded_grid", "reconstruction"),
}


@pytest.mark.parametrize("family", OFFERED)
def test_views_follow_from_what_a_model_can_do(family: str) -> None:
    model = point_model(family)
    assert tuple(views_of(model, grid_of_data(model, point_data()))) == OFFERED[family]


@pytest.mark.parametrize("dims", [1, 2])
@pytest.mark.parametrize("family", SMALL)
def test_every_view_is_drawn_and_repeats_with_its_seed(family: str, dims: int) -> None:
    data, model = point_data(dims), point_model(family, dims)
    views = views_of(model, grid_of_data(model, data))
    assert views or dims == 1
    point = (0.4,) * dims
    for name, view in views.items():
        words = view.describe(model, grid_of_data(model, data))
        assert words.name == name and words.title and words.help.endswith(".")
        assert all(slider.low <= slider.value <= slider.high for slider in words.sliders)
        assert words.animated == any(slider.name == "frame" for slider in words.sliders)
        assert len(words.axes) in (0, 2)
        drawn = inside(model, data, name, point=point, seed=3)
        assert drawn.layers and drawn.weights_step == 12 and drawn.engine_ms > 0
        again = inside(model, data, name, point=point, seed=3)
        assert again.layers == drawn.layers and again.numbers == drawn.numbers
        for slider in words.sliders:
            low = inside(model, data, name, {slider.name: [slider.low]})
            assert low.done and low.layers


def test_the_last_frame_of_a_warp_is_the_transform() -> None:
    data = point_data()
    model = trained(point_model("realnvp"), data)
    grid = grid_of_data(model, data)
    assert isinstance(model, Invertible)
    drawn = inside(model, data, "warp", point=(0.3, -0.7))
    centre = grid.points(grid.snapped(np.array([[0.3, -0.7]])))
    z, log_det = model.transform(torch.from_numpy(grid.to_unit(centre)).float().view(1, 1, 1, 2))
    state = next(n.value for n in drawn.numbers if n.name == "state")
    assert state == f"({z[0, 0]:.3f}, {z[0, 1]:.3f})"
    assert math.isclose(number(drawn, "log |det J|"), float(log_det[0].detach()), abs_tol=1e-3)
    (mesh,) = layers(drawn, Mesh)
    assert mesh.shade is not None and mesh.shade.shape == (32, 32) and mesh.points.shape == (33, 33, 2)
    first = inside(model, data, "warp", {"frame": [0]})
    corners = layers(first, Mesh)[0].points.numpy()[[0, -1], [0, -1]]
    assert np.allclose(corners, [[-2, -2], [2, 2]], atol=1e-3)
    (dots,) = layers(first, Dots)
    assert np.allclose(dots.points.numpy(), grid.points(data.valid.images[:400]), atol=1e-5)


def test_noise_is_carried_to_where_the_inverse_takes_it() -> None:
    data = point_data()
    model = trained(point_model("realnvp"), data)
    assert isinstance(model, Invertible)
    drawn = inside(model, data, "warp_back", seed=2)
    z = torch.randn(400, 2, generator=torch.Generator().manual_seed(2))
    wanted = grid_of_data(model, data).from_unit(model.invert(z).flatten(1).detach().numpy())
    assert np.allclose(layers(drawn, Dots)[0].points.numpy(), wanted, atol=1e-4)


def test_ellipses_are_the_posteriors_of_the_points_that_codes_decode_to() -> None:
    data = point_data()
    model = trained(point_model("vae"), data)
    grid = grid_of_data(model, data)
    assert isinstance(model, Posterior) and isinstance(model, Latent)
    drawn = inside(model, data, "posterior", {"codes": [[0.5, -1.0]]}, point=(0.9, 0.9))
    (ellipses,) = layers(drawn, Ellipses)
    assert ellipses.labels == ("x", "q1")
    level = (model.decode(torch.tensor([[0.5, -1.0]])) * 15).round().long()
    mean, deviation = model.posterior(level)
    assert np.allclose(ellipses.means.numpy()[1], mean[0].detach(), atol=1e-5)
    assert np.allclose(ellipses.covariances.numpy()[1], np.diag(deviation[0].detach() ** 2), atol=1e-6)
    chosen = torch.from_numpy(grid.snapped(np.array([[0.9, 0.9]])))
    assert np.allclose(ellipses.means.numpy()[0], model.posterior(chosen)[0][0].detach(), atol=1e-5)
    assert math.isclose(number(drawn, "KL(q(z|x)"), float(model.kl_per_dim(chosen).sum().detach()), abs_tol=1e-3)
    assert layers(drawn, Handles)[0].name == "codes"


def test_codes_of_many_dimensions_show_the_two_that_carry_most() -> None:
    data = point_data()
    model = trained(point_model("vae", num_latent=4), data, 60)
    assert isinstance(model, Posterior)
    kl = model.kl_per_dim(torch.from_numpy(data.valid.images[:512])).mean(0)
    best = sorted(kl.argsort(descending=True)[:2].tolist())
    note = inside(model, data, "posterior").note
    assert note.startswith(f"Shown are z{best[0] + 1} and z{best[1] + 1}")


@pytest.mark.parametrize("family", ["vae", "gan", "autoencoder"])
def test_the_decoded_grid_is_what_codes_decode_to(family: str) -> None:
    data = point_data()
    model = trained(point_model(family, num_latent=2), data)
    assert isinstance(model, Latent)
    drawn = inside(model, data, "decoded_grid", {"reach": [2.0]})
    (mesh,) = layers(drawn, Mesh)
    means = model.decode(torch.tensor([[-2.0, -2.0], [2.0, -2.0], [0.0, 0.0]])).detach().flatten(1).numpy()
    wanted = -2.0 + 4.0 * (means * 15 + 0.5) / 16
    points = mesh.points.numpy()
    assert np.allclose(np.stack([points[0, 0], points[0, -1], points[20, 20]]), wanted, atol=1e-4)
    assert mesh.shade is not None and np.isfinite(mesh.shade.numpy()).all()


def test_arrows_of_reconstructions_end_at_them() -> None:
    data = point_data()
    model = trained(point_model("autoencoder"), data)
    assert isinstance(model, Latent) and isinstance(model, Encoder)
    (arrows,) = layers(inside(model, data, "reconstruction"), Arrows)
    grid = grid_of_data(model, data)
    images = torch.from_numpy(grid.snapped(arrows.starts.numpy()[:7]))
    means = model.decode(model.encode(images)).detach().flatten(1).numpy()
    assert np.allclose(arrows.ends.numpy()[:7], -2.0 + 4.0 * (means * 15 + 0.5) / 16, atol=1e-4)


def test_the_discriminator_is_drawn_over_the_plane() -> None:
    data = point_data()
    model = trained(point_model("gan"), data)
    (heat,) = layers(inside(model, data, "discriminator"), Heat)
    means = torch.tensor([3.0, 12.0]).view(1, 1, 1, 2) / 15
    assert math.isclose(heat.values.numpy()[12, 3], float(model.discriminate(means).detach()), abs_tol=1e-5)  # type: ignore[operator]


@pytest.mark.parametrize("objective", ["minimax", "non-saturating", "wasserstein"])
def test_the_gradients_of_the_generator_are_those_of_its_loss(objective: str) -> None:
    data = point_data()
    model = trained(point_model("gan", objective=objective), data, 5)
    places = torch.rand(6, 1, 1, 2, generator=torch.Generator().manual_seed(0)).double()
    model.double()
    gradient = generator_gradients(model, places)  # type: ignore[arg-type]
    assert all(parameter.requires_grad for parameter in model.parameters())

    def loss(means: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            return model.losses.generator(model.critic(2 * means - 1))  # type: ignore[operator, union-attr]

    step = torch.zeros_like(places[:1])
    step[0, 0, 0, 1] = 1e-5
    numeric = (loss(places[2:3] + step) - loss(places[2:3] - step)) / 2e-5
    assert math.isclose(float(numeric), float(gradient[2, 1]), rel_tol=1e-4)
    (arrows,) = layers(inside(model.float(), data, "generator_gradients"), Arrows)
    lengths = np.linalg.norm(arrows.ends.numpy() - arrows.starts.numpy(), axis=1)
    assert math.isclose(lengths.max(), 0.12 * 4.0, rel_tol=1e-3)


def test_arrows_of_the_score_are_the_models() -> None:
    data = point_data()
    model = trained(point_model("ddpm"), data)
    assert isinstance(model, Scored)
    drawn = inside(model, data, "score", {"t": [15]})
    (arrows,) = layers(drawn, Arrows)
    grid = grid_of_data(model, data)
    states = model.to_states(torch.from_numpy(grid.to_unit(arrows.starts.numpy()[200:203])).float())
    moved = states + model.noise_level(15)[1] ** 2 * model.score(states, 15)
    wanted = grid.from_unit(model.to_places(moved).detach().numpy()) - arrows.starts.numpy()[200:203]
    drawn_vectors = arrows.ends.numpy()[200:203] - arrows.starts.numpy()[200:203]
    for vector, full in zip(drawn_vectors, wanted, strict=True):
        cosine = vector @ full / np.linalg.norm(vector) / np.linalg.norm(full)
        assert cosine > 0.999 and np.linalg.norm(vector) <= np.linalg.norm(full) * 1.001
    assert math.isclose(number(drawn, "σ_t"), model.noise_level(15)[1], abs_tol=1e-3)


def test_a_denoising_path_without_noise_depends_on_its_start_alone() -> None:
    data = point_data()
    model = trained(point_model("ddpm"), data)
    first = inside(model, data, "paths", {"start": [[1.0, 0.5]], "eta": [0.0]}, seed=1)
    other = inside(model, data, "paths", {"start": [[1.0, 0.5]], "eta": [0.0]}, seed=2)
    assert layers(first, Paths)[1].points == layers(other, Paths)[1].points
    assert layers(first, Paths)[0].points != layers(other, Paths)[0].points
    assert np.allclose(layers(first, Paths)[1].points.numpy()[0, 0], [1.0, 0.5], atol=1e-4)
    assert layers(first, Paths)[1].points.shape == (1, 21, 2)
    assert layers(inside(model, data, "paths", {"frame": [4]}), Paths)[0].points.shape[1] == 5


@pytest.mark.parametrize("family", ["rbm", "gsn"])
def test_chains_start_at_the_handles(family: str) -> None:
    data, model = point_data(), point_model(family)
    drawn = inside(model, data, "chains", {"starts": [[-1.9, 1.9]], "steps": [30]})
    (path,) = layers(drawn, Paths)
    assert path.points.shape == (1, 31, 2)
    assert np.allclose(path.points.numpy()[0, 0], [-1.875, 1.875])
    assert np.abs(path.points.numpy()).max() <= 2.0


def test_the_free_energy_lies_log_z_below_the_surface() -> None:
    data = point_data()
    model = trained(point_model("rbm"), data)
    surface = surface_of(model, grid_of_data(model, data))
    drawn = inside(model, data, "free_energy")
    assert surface is not None
    log_p = np.log(surface.values)
    assert np.allclose(layers(drawn, Heat)[0].values.numpy(), log_p.max() - log_p, atol=1e-4)
    exact = model.machine.log_z_exact()  # type: ignore[union-attr, operator]
    assert math.isclose(number(drawn, "log Z"), exact, abs_tol=1e-3)


def test_log_z_is_known_where_most_probabilities_are_rounded_to_zero() -> None:
    data, model = point_data(), point_model("rbm")
    machine = model.machine
    with torch.no_grad():
        machine.visible_bias[..., -1].fill_(900.0)  # type: ignore[union-attr, index]
    drawn = inside(model, data, "free_energy")
    exact = machine.log_z_exact()  # type: ignore[union-attr, operator]
    assert 1800 < exact < 1900
    assert math.isclose(number(drawn, "log Z"), exact, rel_tol=1e-5)


def test_the_posteriors_of_a_code_of_one_dimension_are_densities() -> None:
    data = point_data()
    model = trained(point_model("vae", num_latent=1), data)
    drawn = inside(model, data, "posterior_line", point=(0.3, 0.3))
    curves = {path.name: path.points.numpy()[0] for path in layers(drawn, Paths)}
    assert list(curves) == ["p(z)", "mean of q(z|x) over points", "q(z|x)", "q(z|x1)", "q(z|x2)", "q(z|x3)"]
    for curve in curves.values():
        assert math.isclose(np.trapezoid(curve[:, 1], curve[:, 0]), 1.0, abs_tol=0.02)
