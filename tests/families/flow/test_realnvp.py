"""Flows: they invert, their log-determinant is the Jacobian's, their density integrates to one, their bounds bound."""

import itertools
import math
from typing import Any

import pytest
import torch
from tiny_families import fit
from torch import Tensor

from gmstudio.families.base import Encoder, Latent, Sampler
from gmstudio.families.flow import realnvp as realnvp_module
from gmstudio.families.flow.realnvp import RealNVP
from gmstudio.families.flow.trajectory import INVERSION_ERROR, LOG_DENSITY, LOG_DET
from gmstudio.protocol.config import ConfigError, parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import random_images, seeded

SPECS = (
    ImageSpec(1, 1, 1, 2),
    ImageSpec(1, 1, 2, 4),
    ImageSpec(3, 1, 1, 4),
    ImageSpec(1, 3, 3, 2),
    ImageSpec(1, 2, 9, 5),
    ImageSpec(3, 5, 7, 4),
    ImageSpec(1, 8, 8, 16),
    ImageSpec(3, 12, 6, 256),
)
KINDS = [
    {"architecture": architecture, "coupling": coupling, "dequantization": dequantization}
    for architecture, coupling, dequantization in itertools.product(
        ("mlp", "conv"), ("affine", "additive"), ("uniform", "variational")
    )
] + [{"architecture": name, "coupling": "mixture", "dequantization": "uniform"} for name in ("mlp", "conv")]


def build(image: ImageSpec, seed: int = 0, **config: Any) -> RealNVP:
    """A small model whose weights are larger than at their start, and nowhere zero."""
    torch.manual_seed(seed)
    small = {"num_hidden": 24, "num_channels": 4, "num_components": 4, **config}
    model = RealNVP(parse_config(RealNVP.Config, small), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5).add_(0.03 * torch.randn_like(parameter))
    return model


@pytest.fixture(params=KINDS, ids=lambda kind: "-".join(kind.values()))
def kind(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dict(request.param)


@pytest.fixture(
    params=[kind for kind in KINDS if kind["dequantization"] == "uniform"], ids=lambda k: "-".join(k.values())
)
def flow(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Kinds of flows alone: how noise is made has no part in a density."""
    return dict(request.param)


@pytest.mark.parametrize("image", SPECS, ids=str)
def test_it_inverts_and_every_parameter_gets_a_gradient(kind: dict[str, Any], image: ImageSpec) -> None:
    model = build(image, **kind)
    laws.flows_invert(model)
    laws.every_parameter_gets_a_gradient(model)


@pytest.mark.parametrize("image", SPECS[:6], ids=str)
def test_the_log_determinant_is_that_of_the_jacobian(flow: dict[str, Any], image: ImageSpec) -> None:
    laws.log_determinants_are_the_jacobians(build(image, **flow, num_scales=3))


@pytest.mark.parametrize("image", SPECS[:6], ids=str)
def test_the_layers_one_by_one_add_up_to_the_whole(image: ImageSpec) -> None:
    model = build(image, num_couplings=2, num_scales=3)
    h = torch.randn(3, *image.shape, generator=seeded())
    z, log_det = model.flow(h)
    *_, (last, total) = model.flow.trail(h, inverse=False)
    torch.testing.assert_close((last, total), (z, log_det))
    *_, (back, total_back) = model.flow.trail(z, inverse=True)
    torch.testing.assert_close(back, h, atol=1e-5, rtol=0)
    torch.testing.assert_close(total_back, -total, atol=1e-4, rtol=1e-4)


def density_on_grid(model: RealNVP, points: int, low: float, high: float) -> Tensor:
    """exp(log_density) at the middles of a grid of cells over [low, high]^D, times a cell's volume in levels."""
    dims = model.image.num_dims
    axis = low + (high - low) * (torch.arange(points) + 0.5) / points
    y = torch.cartesian_prod(*[axis] * dims).view(-1, *model.image.shape)
    with torch.no_grad():
        log_density = model.log_density(y).double()
    return (log_density + dims * math.log((high - low) / points * model.image.levels)).exp()


@pytest.mark.parametrize(("image", "points"), [(ImageSpec(1, 1, 1, 4), 4000), (ImageSpec(1, 1, 2, 2), 200)], ids=str)
def test_the_density_integrates_to_one(flow: dict[str, Any], image: ImageSpec, points: int) -> None:
    model = build(image, **flow)
    fit(model, random_images(image, 32), 20, max_norm=50)
    beyond = model.config.alpha / (1 - 2 * model.config.alpha) * (1 - 1e-6)
    total = density_on_grid(model, points, -beyond, 1.0 + beyond).sum().item()
    assert total == pytest.approx(1.0, abs=0.01)
    inside = density_on_grid(model, points, 0.0, 1.0).sum().item()
    assert 0.5 < inside <= 1.001, "what lies beyond the unit interval is lost to the bound"


@pytest.mark.parametrize("dequantization", ["uniform", "variational"])
def test_bounds_bound(dequantization: str) -> None:
    image = ImageSpec(1, 1, 2, 3)
    model = build(image, dequantization=dequantization, architecture="mlp")
    fit(model, torch.tensor([0, 0, 2, 2, 1, 0]).view(3, 1, 1, 2).repeat(8, 1, 1, 1), 200, max_norm=50)
    x = torch.tensor([[0, 0], [2, 2], [1, 0]]).view(3, 1, 1, 2)
    mass = density_on_grid(model, 600, 0.0, 1.0).view(3, 200, 3, 200).sum((1, 3))
    exact = mass[x[:, 0, 0, 0], x[:, 0, 0, 1]].log().float()
    laws.bounds_bound(model, x, lambda _images: exact, noise=0.03)
    laws.bounds_sum_to_at_most_one(model)
    elbo, few = model.elbo(x, 4000, seeded(1)), model.log_prob_estimate(x.repeat(200, 1, 1, 1), 5, seeded(2))
    assert elbo.sum() < few.view(200, 3).mean(0).sum() < exact.sum() + 0.02
    torch.testing.assert_close(model.log_prob_estimate(x, 20_000, seeded()), exact, atol=0.05, rtol=0)
    assert mass.sum().item() <= 1.001


def test_the_loss_is_minus_the_bound_and_the_card_explains_its_terms(kind: dict[str, Any]) -> None:
    model = build(ImageSpec(1, 4, 4, 4), **kind)
    x = random_images(model.image, 8)
    terms = model.loss(x, seeded(3))
    assert terms["loss"].item() == pytest.approx(-model.elbo(x, 1, seeded(3)).mean().item(), rel=1e-5)
    laws.losses_are_explained(model)
    parts = terms["noise"] - terms["log_det"] + terms.get("dequantization", torch.zeros(()))
    torch.testing.assert_close(terms["loss"], parts)


def test_variational_noise_stays_in_its_bin_and_its_density_is_its_own() -> None:
    image = ImageSpec(1, 1, 1, 4)
    model = build(image, dequantization="variational")
    x = torch.full((20_000, 1, 1, 1), 2)
    with torch.no_grad():
        u, log_q = model.dequantization.draw(x, torch.zeros(()), seeded())
    assert u.min() >= 0.0 and u.max() <= 1.0
    counts = torch.histc(u, 20, 0.0, 1.0) / len(x) * 20
    cell = (u.flatten() * 20).long().clamp(max=19)
    density = torch.zeros(20).index_add(0, cell, log_q.exp()) / torch.bincount(cell, minlength=20).clamp(min=1)
    often = counts > 0.2
    torch.testing.assert_close(density[often], counts[often], rtol=0.15, atol=0.05)


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_one_batch_can_be_overfitted(architecture: str) -> None:
    image = ImageSpec(1, 4, 4, 4)
    model = build(image, architecture=architecture, num_channels=8, num_hidden=64, num_scales=1, num_couplings=2)
    x = random_images(image, 4)
    losses = fit(model, x, 150, learning_rate=5e-3, max_norm=50)
    assert sum(losses[-30:]) / 30 < 0.65 * image.num_dims * math.log(4)
    others = random_images(image, 4, seed=1)
    assert (model.elbo(x, 20, seeded()) > model.elbo(others, 20, seeded()).max() + 5.0).all()


def test_a_code_is_an_image_and_an_image_is_a_code(kind: dict[str, Any]) -> None:
    image = ImageSpec(3, 6, 4, 16)
    model = build(image, **kind)
    x = random_images(image, 5)
    means = model.decode(model.encode(x))
    assert isinstance(model, Latent) and isinstance(model, Encoder) and isinstance(model, Sampler)
    assert model.latent.num_dims == image.num_dims
    torch.testing.assert_close(means, x / (image.levels - 1), atol=1e-4, rtol=0)
    laws.codes_have_the_latent_shape(model)
    laws.decoded_means_are_in_range(model)
    laws.decoding_has_a_gradient(model)


def test_samples_follow_the_generator_and_leave_the_global_noise_alone(kind: dict[str, Any]) -> None:
    model = build(ImageSpec(1, 6, 5, 16), **kind)
    laws.samples_are_images(model)
    laws.samples_follow_the_generator(model)
    laws.noise_comes_from_the_generator(model, noisy=True)
    assert model.sample(0).shape == (0, 1, 6, 5)


def test_saving_loading_and_a_seed_change_nothing(kind: dict[str, Any]) -> None:
    model = build(ImageSpec(1, 4, 4, 16), **kind)
    laws.a_seed_repeats(model)
    laws.saving_and_loading_change_nothing(model)


def test_an_image_does_not_depend_on_its_batch_mates() -> None:
    laws.decoding_depends_on_its_code_alone(build(ImageSpec(1, 8, 8, 16)))


@pytest.mark.parametrize("start", ["noise", "image"])
def test_the_trajectory_goes_from_one_end_to_the_other(start: str) -> None:
    image = ImageSpec(1, 4, 4, 4)
    model = build(image)
    laws.trajectories_show_images(model)
    x = random_images(image, 3) if start == "image" else None
    states = list(model.trajectory(x, 3, 1000, seeded(5)))
    ends = (states[0], states[len(states) // 2]) if start == "image" else (states[-1], states[0])
    assert (ends[0].label, ends[1].label) == ("the image", "the code z")
    assert {state.images.shape for state in states} == {(3, 1, 4, 4)}
    metrics = (LOG_DENSITY, LOG_DET, INVERSION_ERROR) if start == "image" else (LOG_DENSITY, LOG_DET)
    assert {tuple(m.metrics) for m in states} == {metrics}
    assert len({state.label for state in states}) == len(states) > 10
    if x is not None:
        torch.testing.assert_close(ends[0].images, x / 3.0, atol=1e-4, rtol=0)
        z = model.encode(x)
    else:
        z = torch.randn(3, 1, 4, 4, generator=seeded(5)).flatten(1)
        torch.testing.assert_close(ends[0].images, model.decode(z))
    expected = -0.5 * (z.square().sum(1) + 16 * math.log(2 * math.pi))
    torch.testing.assert_close(ends[1].metrics[LOG_DENSITY], expected, atol=1e-3, rtol=1e-4)
    few = list(model.trajectory(x, 3, 4, seeded(5)))
    assert len(few) == 5
    assert torch.equal(few[-1].images, states[-1].images)
    ran: list[str] = []
    for name, module in model.flow.named_modules():
        if isinstance(module, torch.nn.Linear | torch.nn.Conv2d):
            module.register_forward_hook(lambda *_, name=name: ran.append(name))
    next(model.trajectory(x, 3, 100, seeded(5)))
    assert len(ran) == len(set(ran)) if start == "image" else not ran, "no layer runs before its state is requested"


def test_images_come_back_from_their_codes_and_the_error_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    image = ImageSpec(1, 4, 4, 4)
    model, x = build(image), random_images(image, 3)
    there_and_back = list(model.trajectory(x, 3, 1000))
    positions = [state.position for state in there_and_back]
    last = max(positions)
    assert positions == [*range(last), *range(last, -1, -1)]
    for steps in (1, 3, 4, 7, 1000):
        few = [state.position for state in model.trajectory(x, 3, steps)]
        assert len(few) == model.trajectory_steps(steps, from_images=True) + 1 and few == few[::-1] and last in few
        few = [state.position for state in model.trajectory(None, 3, steps)]
        assert len(few) == model.trajectory_steps(steps, from_images=False) + 1 <= steps + 1
    assert there_and_back[last].label == "the code z"
    back = there_and_back[-1]
    torch.testing.assert_close(back.images, x / 3.0, atol=1e-4, rtol=0)
    assert back.label.startswith("the image x′ that comes back, max |x − x′| = ")
    assert 0 <= back.metrics[INVERSION_ERROR].max() < 1e-4
    torch.testing.assert_close(back.metrics[LOG_DET], torch.zeros(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(back.metrics[LOG_DENSITY], there_and_back[0].metrics[LOG_DENSITY], atol=1e-3, rtol=1e-4)
    inner = model.flow.trail

    def inexact(h: torch.Tensor, *, inverse: bool) -> Any:
        return ((state + 0.1 * inverse, log_det) for state, log_det in inner(h, inverse=inverse))

    monkeypatch.setattr(model.flow, "trail", inexact)
    wrong = list(model.trajectory(x, 3, 1000))[-1]
    assert wrong.metrics[INVERSION_ERROR].min() > 1e-3 and f"{wrong.metrics[INVERSION_ERROR].max():.2g}" in wrong.label


def test_the_histogram_counts_every_entry_and_so_does_its_reference() -> None:
    model = build(ImageSpec(1, 8, 8, 16))
    laws.figures_are_complete(model)
    (figure,) = model.figures(random_images(model.image, 10), seeded())
    assert figure.kind == "histogram" and figure.values is not None and figure.edges is not None
    assert figure.values.shape == (1, len(figure.edges) - 1)
    assert figure.values.sum().item() == 640
    assert figure.reference is not None and figure.reference.sum().item() == pytest.approx(640, rel=1e-4)


def test_chunks_change_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(ImageSpec(1, 4, 4, 4))
    x = random_images(model.image, 7)
    estimate, samples = model.log_prob_estimate(x, 500, seeded(2)), model.sample(33, seeded())
    rows: list[int] = []
    model.flow.register_forward_hook(lambda _m, inputs, _out: rows.append(len(inputs[0])))
    monkeypatch.setattr(realnvp_module, "MAX_FLOATS", 4 * 16 * 20)
    torch.testing.assert_close(model.log_prob_estimate(x, 500, seeded(2)), estimate, atol=1.0, rtol=0)
    torch.testing.assert_close(model.sample(33, seeded()), samples)
    assert max(rows) == 20 and sum(rows) == 7 * 500
    assert model.elbo(x[:0]).shape == (0,)


def test_training_in_bfloat16_keeps_losses_in_float32(kind: dict[str, Any]) -> None:
    laws.losses_stay_in_float32(build(ImageSpec(1, 8, 8, 16), **kind), relative=0.05)


def test_the_sizes_of_the_papers_nice_can_be_chosen() -> None:
    sizes = {"architecture": "mlp", "coupling": "additive", "num_couplings": 4, "num_hidden": 1000, "num_layers": 5}
    model = RealNVP(parse_config(RealNVP.Config, sizes), ImageSpec(1, 28, 28, 256))
    network = 392 * 1000 + 1000 + 4 * (1000 * 1000 + 1000) + 1000 * 392 + 392
    assert model.num_parameters() == 4 * network + 4 * 784


def test_bad_settings_are_refused_in_words() -> None:
    with pytest.raises(ConfigError, match=r"α of the logit is 0\.6; it must be a number from 1e-06 to 0\.49"):
        RealNVP(RealNVP.Config(alpha=0.6), SPECS[0])
    with pytest.raises(ConfigError, match="Couplings is 0; it must be a whole number from 1 to 64"):
        RealNVP(RealNVP.Config(num_couplings=0), SPECS[0])
    with pytest.raises(ConfigError, match="Coupling is 'spline'; it must be one of"):
        parse_config(RealNVP.Config, {"coupling": "spline"})
    for score in (build(SPECS[1]).elbo, build(SPECS[1]).log_prob_estimate):
        with pytest.raises(ValueError, match="num_samples is 0; a bound needs at least 1 draw per image"):
            score(random_images(SPECS[1], 2), 0)


def test_every_field_and_term_is_explained_and_formulas_render() -> None:
    model = build(SPECS[1])
    laws.settings_are_explained(model)
    laws.formulas_render(model)
