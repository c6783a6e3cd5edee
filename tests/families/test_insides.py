"""What families have inside, on points: tables of probabilities, a flow layer by layer, scores and denoising paths."""

import copy
import functools
import math
from typing import Any

import pytest
import torch
from tiny_families import fit
from torch import Tensor

from gmstudio.data import load
from gmstudio.families import FAMILIES
from gmstudio.families.adversarial.gan import GAN
from gmstudio.families.base import Family
from gmstudio.families.diffusion.ddpm import DDPM
from gmstudio.families.energy.rbm import RBM
from gmstudio.families.flow.realnvp import RealNVP
from gmstudio.families.insides import GridDensity, LayeredFlow, Scored
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.inputs import every_image, random_images, seeded

LINE, PLANE = ImageSpec(1, 1, 1, 16), ImageSpec(1, 1, 2, 16)
SMALL: dict[str, dict[str, Any]] = {
    "realnvp": {"architecture": "mlp", "num_hidden": 16, "num_couplings": 4},
    "ddpm": {"num_channels": 4, "num_timesteps": 20},
    "rbm": {"num_hidden": 12, "num_chains": 16},
}


@functools.cache
def trained(name: str, image: ImageSpec) -> Any:
    """A small model after a few steps on points of two clusters, to be left as it is."""
    torch.manual_seed(0)
    model: Family = FAMILIES[name](parse_config(FAMILIES[name].Config, SMALL[name]), image)
    fit(model, clusters(image), 60, max_norm=50)
    return model.eval()


def clusters(image: ImageSpec) -> Tensor:
    """(64, 1, 1, D) levels around a quarter and three quarters of each axis; x₂ is the lower one of both."""
    noise = torch.randint(-2, 3, (64, 1, 1, image.num_dims), generator=seeded())
    side = torch.tensor([0.25, 0.75])[torch.arange(64) % 2].view(-1, 1, 1, 1)
    centre = side.expand(-1, 1, 1, image.num_dims).clone()
    centre[..., 1:] = 0.25
    return (centre * image.levels).long() + noise


def test_which_family_has_what() -> None:
    models = {name: trained(name, PLANE) for name in SMALL}
    has = {
        name: tuple(isinstance(model, kind) for kind in (GridDensity, LayeredFlow, Scored))
        for name, model in models.items()
    }
    assert has == {"realnvp": (True, True, False), "ddpm": (False, False, True), "rbm": (True, False, False)}


@pytest.mark.parametrize("image", [LINE, PLANE], ids=str)
@pytest.mark.parametrize("name", ["realnvp", "rbm"])
def test_the_table_of_all_probabilities_sums_to_one_and_agrees_with_the_scores(name: str, image: ImageSpec) -> None:
    model = trained(name, image)
    table = model.log_prob_grid()
    assert table.shape == (image.levels if image.num_dims == 2 else 1, image.levels) and table.dtype == torch.float64
    assert table.exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    x = every_image(image)[:: 7 if image.num_dims == 2 else 1]
    scores = model.log_prob_estimate(x, 4000, seeded()).double()
    row = x[:, 0, 0, 1].long() if image.num_dims == 2 else torch.zeros(len(x), dtype=torch.int64)
    likely = table[row, x[:, 0, 0, 0].long()] > -8.0
    inner = ((x > 0) & (x < image.levels - 1)).flatten(1).all(1) if name == "realnvp" else likely
    kept = likely & inner
    assert kept.sum() > 5
    torch.testing.assert_close(scores[kept], table[row, x[:, 0, 0, 0].long()][kept], atol=0.05, rtol=0)


@pytest.mark.parametrize("image", [LINE, PLANE], ids=str)
@pytest.mark.parametrize("name", ["realnvp", "rbm"])
def test_samples_follow_the_table(name: str, image: ImageSpec) -> None:
    model = trained(name, image)
    x = model.sample(20_000, seeded()).flatten(1).long()
    cell = x[:, 0] + image.levels * (x[:, 1] if image.num_dims == 2 else 0)
    expected = model.log_prob_grid().exp().flatten()
    share = torch.bincount(cell, minlength=len(expected)).double() / len(x)
    assert 0.5 * (share - expected).abs().sum() < 0.03, "total variation"


def test_a_table_is_for_points() -> None:
    model = RealNVP(RealNVP.Config(), ImageSpec(1, 2, 2, 4))
    with pytest.raises(ValueError, match="The images have 4 sub-pixels; a table of all probabilities is for points"):
        model.log_prob_grid()


@pytest.mark.parametrize("levels", [2, 64, 256])
@pytest.mark.parametrize("alpha", [0.05, 1e-5])
def test_a_flow_without_structure_has_the_mass_of_the_normal_distribution(levels: int, alpha: float) -> None:
    model = RealNVP(RealNVP.Config(architecture="mlp", alpha=alpha), ImageSpec(1, 1, 1, levels))
    edges = alpha + (1 - 2 * alpha) * torch.linspace(0, 1, levels + 1, dtype=torch.float64)
    below = torch.special.ndtr(torch.logit(edges))
    below[0], below[-1] = 0.0, 1.0
    torch.testing.assert_close(model.log_prob_grid()[0].exp(), below.diff(), atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("image", [LINE, PLANE], ids=str)
def test_a_warped_grid_comes_back_and_its_volume_is_the_densitys(image: ImageSpec) -> None:
    model: RealNVP = trained("realnvp", image)
    places = 0.02 + 0.96 * torch.rand(50, image.num_dims, generator=seeded())
    there = list(model.warp(places, inverse=False))
    back = list(model.warp(there[-1].states, inverse=True))
    assert len(there) == len(back) and [step.label for step in there] == [step.label for step in back][::-1]
    assert (there[0].label, there[-1].label) == ("the image", "the code z")
    z, log_det = model.transform(places.view(-1, *image.shape))
    torch.testing.assert_close(there[-1].states, z)
    torch.testing.assert_close(there[-1].log_det, log_det)
    for on_the_way, returning in zip(there, back[::-1], strict=True):
        assert on_the_way.states.shape == on_the_way.places.shape == places.shape
        torch.testing.assert_close(on_the_way.states, returning.states, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(on_the_way.places, returning.places, atol=1e-4, rtol=0)
    torch.testing.assert_close(back[-1].places, places, atol=1e-5, rtol=0)
    torch.testing.assert_close(back[-1].log_det, -log_det, atol=1e-3, rtol=1e-4)


def test_the_score_of_noise_is_that_of_the_normal_distribution() -> None:
    """At t = T hardly anything of the data is left, so that p_T is standard normal and its score is -x."""
    model: DDPM = copy.deepcopy(trained("ddpm", PLANE))
    fit(model, clusters(PLANE), 300, learning_rate=1e-2)
    x = torch.randn(500, 2, generator=seeded())
    with torch.no_grad():
        score = model.score(x, model.num_timesteps)
    assert (score + x).square().mean() < 0.1 * x.square().mean()


def test_places_states_and_levels_agree() -> None:
    model: DDPM = trained("ddpm", PLANE)
    centres = (torch.arange(16) + 0.5) / 16
    torch.testing.assert_close(model.to_states(centres), torch.linspace(-1, 1, 16))
    torch.testing.assert_close(model.to_places(model.to_states(centres)), centres)
    signal, noise = model.noise_level(7)
    assert signal**2 + noise**2 == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("image", [LINE, PLANE], ids=str)
def test_denoising_paths_end_where_samples_do(image: ImageSpec) -> None:
    model: DDPM = trained("ddpm", image)
    noise = torch.randn(9, image.num_dims, generator=seeded())
    path = list(model.denoising_paths(noise, model.num_timesteps, 5, 0.0))
    assert [step.t for step in path] == [20, 16, 12, 8, 4, 0]
    torch.testing.assert_close(path[0].states, noise)
    torch.testing.assert_close(path[-1].states, path[-1].predicted, atol=1e-5, rtol=0)
    samples = model.sample(9, seeded(), sampler=DDPM.SamplerConfig(sampler="ddim", steps=5))
    levels = (model.to_places(path[-1].states) * image.levels).floor().clamp(0, image.levels - 1)
    assert ((levels - samples.flatten(1)).abs() <= 1).all()
    one = list(model.denoising_paths(noise, 7, 100, 1.0, seeded()))
    assert [step.t for step in one] == list(range(7, -1, -1))
    for t in (0, 21):
        with pytest.raises(ValueError, match=f"Timestep {t}; noise is predicted from 1 to 20"):
            model.score(noise, t)
    with pytest.raises(ValueError, match="0 denoising steps; there must be at least 1"):
        next(model.denoising_paths(noise, 7, 0, 0.0))


def test_the_discriminator_has_a_gradient_at_every_point() -> None:
    torch.manual_seed(0)
    model = GAN(GAN.Config(), PLANE)
    fit_x = random_images(PLANE, 5) / 15
    means = fit_x.requires_grad_()
    model.discriminate(means).log().sum().backward()
    assert means.grad is not None and means.grad.isfinite().all() and (means.grad != 0).any()
    step = 1e-3
    moved = means.detach().clone()
    moved[:, 0, 0, 0] += step
    with torch.no_grad():
        slope = (model.discriminate(moved).log() - model.discriminate(means.detach()).log()) / step
    torch.testing.assert_close(means.grad[:, 0, 0, 0], slope, atol=1e-2 * math.sqrt(float(slope.abs().max())), rtol=0.1)


def test_the_rbm_gives_the_same_table_as_its_normalizer() -> None:
    model: RBM = trained("rbm", PLANE)
    every = every_image(PLANE)
    with torch.no_grad():
        expected = (-model.free_energy(every).double() - model.machine.log_z_exact()).view(16, 16).T
    torch.testing.assert_close(model.log_prob_grid(), expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("shape", "most_kl"), [("moons", 0.3), ("mixture_1d", 0.1)])
def test_the_flows_proposal_learns_points_and_its_masses_sum_to_one(shape: str, most_kl: float) -> None:
    dataset = load("points", {"shape": shape, "num_points": 4000})
    torch.manual_seed(0)
    start = RealNVP.start_on_points
    model = RealNVP(parse_config(RealNVP.Config, start.config), dataset.image)
    x, generator = torch.from_numpy(dataset.train.images).long(), seeded()
    adam = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(150):
        batch = x[torch.randint(len(x), (256,), generator=generator)]
        adam.zero_grad()
        model.loss(batch, generator)["loss"].backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 50)
        adam.step()
    table = model.log_prob_grid()
    assert table.exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    assert dataset.truth is not None
    truth = torch.from_numpy(dataset.truth)
    there = truth > 0
    assert 0 < (truth[there] * (truth[there].log() - table[there])).sum() < most_kl
