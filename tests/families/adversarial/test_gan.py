"""The GAN's two losses, its two players and what one of them must not see of the other."""

import math
from typing import get_args

import pytest
import torch
from torch import Tensor

from gmstudio.families.adversarial.gan import GAN
from gmstudio.families.adversarial.losses import ADVERSARIAL_LOSSES, AdversarialName, gradient_penalty
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import random_images, seeded

IMAGE = ImageSpec(1, 8, 8, 4)


def build(image: ImageSpec = IMAGE, **config: object) -> GAN:
    torch.manual_seed(0)
    return GAN(parse_config(GAN.Config, {"num_hidden": 32, "num_channels": 4, **config}), image)


def shift_logits(model: GAN, by: float) -> None:
    """Make D surer that everything is real."""
    *_, last = [m for m in model.critic.modules() if isinstance(m, torch.nn.Linear)]
    with torch.no_grad():
        last.bias += by


def test_losses_are_those_of_the_paper() -> None:
    plain, minimax = build(instance_noise=0.0), build(instance_noise=0.0, objective="minimax")
    x = random_images(IMAGE, 32)
    terms = plain.discriminator_loss(x, seeded(7))
    codes = torch.randn(32, plain.latent.num_dims, generator=seeded(7))
    d_real, d_fake = plain.discriminate(x.float() / 3.0), plain.discriminate(plain.decode(codes))
    torch.testing.assert_close(terms["loss"], -(d_real.log().mean() + (1 - d_fake).log().mean()))
    torch.testing.assert_close(terms["d_real"], d_real.mean())
    torch.testing.assert_close(terms["d_fake"], d_fake.mean())
    torch.testing.assert_close(plain.generator_loss(x, seeded(7))["loss"], -d_fake.log().mean())
    torch.testing.assert_close(minimax.generator_loss(x, seeded(7))["loss"], (1 - d_fake).log().mean())


@pytest.mark.parametrize("sure", [-200.0, 200.0])
@pytest.mark.parametrize("objective", ["non-saturating", "minimax"])
def test_losses_stay_finite_when_one_side_has_won(objective: str, sure: float) -> None:
    model = build(objective=objective)
    shift_logits(model, sure)
    x = random_images(IMAGE, 4)
    assert model.discriminator_loss(x, seeded())["loss"].item() == pytest.approx(200.0, rel=0.02)
    loss = model.generator_loss(x, seeded())["loss"]
    loss.backward()
    assert torch.isfinite(loss)
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.generator.parameters())


def test_only_the_non_saturating_loss_keeps_its_gradient_while_the_discriminator_wins() -> None:
    norms = {}
    for objective in ("non-saturating", "minimax"):
        model = build(objective=objective)
        shift_logits(model, -20.0)
        model.generator_loss(random_images(IMAGE, 16), seeded())["loss"].backward()
        norms[objective] = sum(float(p.grad.square().sum()) for p in model.generator.parameters() if p.grad is not None)
    assert norms["non-saturating"] > 1e10 * norms["minimax"] > 0


@pytest.mark.parametrize("architecture", ["mlp", "dcgan"])
@pytest.mark.parametrize("player", [0, 1])
def test_a_phase_moves_its_own_player_only(architecture: str, player: int) -> None:
    model = build(architecture=architecture)
    phase = model.phases()[player]
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    optimizer = torch.optim.Adam(phase.parameters, 1e-2, betas=phase.betas)
    phase.loss(random_images(IMAGE, 8), seeded())["loss"].backward()
    optimizer.step()
    own = ("critic.", "generator.")[player]
    for name, p in model.named_parameters():
        assert torch.equal(p, before[name]) != name.startswith(own), name
    assert phase.betas == (0.5, 0.999)
    assert phase.name == ("discriminator", "generator")[player]


@pytest.mark.parametrize("image", [IMAGE, ImageSpec(1, 1, 1, 2), ImageSpec(3, 9, 10, 256)], ids=str)
@pytest.mark.parametrize("architecture", ["mlp", "dcgan"])
def test_discriminate_gives_a_probability_of_each_image_alone(architecture: str, image: ImageSpec) -> None:
    model = build(image, architecture=architecture)
    means = torch.rand(5, *image.shape, generator=seeded())
    probs = model.discriminate(means)
    assert probs.shape == (5,) and bool(((probs > 0) & (probs < 1)).all())
    assert probs.unique().numel() == 5
    laws.a_discriminator_gives_probabilities(model)


def test_samples_are_decoded_codes_at_the_nearest_level() -> None:
    model = build()
    codes = torch.randn(6, model.latent.num_dims, generator=seeded(2))
    samples = model.sample(6, seeded(2))
    assert (samples / 3.0 - model.decode(codes)).abs().max() <= 0.5 / 3.0 + 1e-6


def test_instance_noise_is_for_training_only() -> None:
    quiet, noisy = build(instance_noise=0.0), build(instance_noise=1.0)
    x = random_images(IMAGE, 8)
    assert not torch.equal(quiet.discriminator_loss(x, seeded())["loss"], noisy.discriminator_loss(x, seeded())["loss"])
    means = x.float() / 3.0
    assert torch.equal(quiet.discriminate(means), noisy.discriminate(means))
    assert torch.equal(quiet.sample(3, seeded()), noisy.sample(3, seeded()))


@pytest.mark.parametrize("architecture", ["mlp", "dcgan"])
def test_the_game_carries_the_generator_to_the_data(architecture: str) -> None:
    """Two images that the untrained generator never makes are most of what it makes afterwards."""
    model = build(ImageSpec(1, 4, 4, 2), architecture=architecture, num_latent=2, instance_noise=0.4)
    left = torch.tensor([1, 1, 0, 0], dtype=torch.uint8).expand(1, 4, 4)
    data = torch.stack([left, 1 - left])

    def share(model: GAN) -> float:
        samples = model.sample(200, seeded(9))
        return float((samples[:, None] == data).flatten(2).all(2).any(1).float().mean())

    assert share(model) < 0.05
    phases = model.phases()
    optimizers = [torch.optim.Adam(p.parameters, 2e-3, betas=p.betas, fused=True) for p in phases]
    noise = seeded()
    for _ in range(300):
        batch = data[torch.randint(2, (32,), generator=noise)]
        for phase, optimizer in zip(phases, optimizers, strict=True):
            optimizer.zero_grad()
            phase.loss(batch, noise)["loss"].backward()
            optimizer.step()
    assert share(model) > 0.6


def test_the_card_has_one_objective_per_choice() -> None:
    minimax = GAN.card.objective({"objective": "minimax"})
    plain = GAN.card.objective({"objective": "non-saturating"})
    assert minimax.latex != plain.latex
    assert [t.name for t in plain.terms] == ["discriminator_loss", "generator_loss", "d_real", "d_fake"]
    assert not any(t.per_image_nats for t in plain.terms)


def test_at_a_guess_the_losses_are_what_the_card_says() -> None:
    model = build(objective="minimax")
    with torch.no_grad():
        for p in model.critic.parameters():
            p.zero_()
    x = random_images(IMAGE, 4)
    assert model.discriminator_loss(x, seeded())["loss"].item() == pytest.approx(2 * math.log(2))
    assert model.generator_loss(x, seeded())["loss"].item() == pytest.approx(-math.log(2))


def test_bad_settings_are_refused_in_words() -> None:
    with pytest.raises(ValueError, match="Objective is 'poker'; it must be one of hinge, least squares, minimax"):
        parse_config(GAN.Config, {"objective": "poker"})
    with pytest.raises(ValueError, match="Instance noise is 3"):
        GAN(GAN.Config(instance_noise=3.0), IMAGE)


OBJECTIVES = get_args(AdversarialName)


@pytest.mark.parametrize(
    ("name", "discriminator", "generator"),
    [
        ("least squares", 0.5 * ((2.0 - 1) ** 2 + 0.5**2), 0.5 * (0.5 - 1) ** 2),
        ("hinge", 0.0 + 1.5, -0.5),
        ("wasserstein", 0.5 - 2.0, -0.5),
        ("non-saturating", math.log1p(math.exp(-2.0)) + math.log1p(math.exp(0.5)), math.log1p(math.exp(-0.5))),
        ("minimax", math.log1p(math.exp(-2.0)) + math.log1p(math.exp(0.5)), -math.log1p(math.exp(0.5))),
    ],
)
def test_every_objective_is_that_of_its_paper(name: AdversarialName, discriminator: float, generator: float) -> None:
    losses = ADVERSARIAL_LOSSES[name]
    real, fake = torch.full((3,), 2.0), torch.full((3,), 0.5)
    assert float(losses.discriminator(real, fake)) == pytest.approx(discriminator, rel=1e-5)
    assert float(losses.generator(fake)) == pytest.approx(generator, rel=1e-5)


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("spectral_norm", [False, True])
def test_every_objective_moves_each_player_by_its_own_loss(objective: str, spectral_norm: bool) -> None:
    model = build(objective=objective, spectral_norm=spectral_norm, discriminator_steps=2)
    x = random_images(IMAGE, 8)
    for phase in model.phases():
        model.zero_grad()
        phase.loss(x, seeded())["loss"].backward()
        for player in (model.critic, model.generator):
            own = {id(p) for p in phase.parameters}
            for parameter in player.parameters():
                assert (parameter.grad is not None) == (id(parameter) in own)
    assert [phase.updates_per_step for phase in model.phases()] == [2, 1]
    names = {term.name for term in model.card.objective({"objective": objective}).terms}
    with torch.no_grad():
        terms = model.discriminator_loss(x, seeded())
    assert set(terms) - {"loss"} <= names


def test_the_penalty_measures_the_gradient_norm() -> None:
    slope = torch.tensor([3.0, 4.0]).view(1, 1, 1, 2)

    def critic(x: Tensor) -> Tensor:
        return (x * slope).flatten(1).sum(1)

    real, fake = torch.randn(5, 1, 1, 2), torch.randn(5, 1, 1, 2)
    assert float(gradient_penalty(critic, real, fake, seeded())) == pytest.approx(16.0, rel=1e-5)
    with torch.no_grad():
        assert not gradient_penalty(critic, real, fake, seeded()).requires_grad


def test_the_penalty_is_taken_evenly_between_real_and_generated_and_moves_the_critic() -> None:
    strength = torch.tensor(1.5, requires_grad=True)

    def critic(x: Tensor) -> Tensor:  # whose slope at x is strength · x
        return 0.5 * strength * x.square().flatten(1).sum(1)

    real, fake = torch.full((20_000, 1, 1, 1), 1.0), torch.full((20_000, 1, 1, 1), 3.0)
    penalty = gradient_penalty(critic, real, fake, seeded())
    between = torch.linspace(1.0, 3.0, 10_001, dtype=torch.float64)  # integrated by the rectangles
    assert float(penalty.detach()) == pytest.approx(float((1.5 * between - 1.0).square().mean()), rel=0.02)
    penalty.backward()
    assert strength.grad is not None
    assert float(strength.grad) == pytest.approx(float((2 * (1.5 * between - 1.0) * between).mean()), rel=0.02)


def test_spectral_norm_bounds_every_matrix_of_the_discriminator() -> None:
    model = build(spectral_norm=True)
    for _ in range(30):
        model.discriminator_loss(random_images(IMAGE, 4), seeded())
    model.eval()
    layers = [m for m in model.critic.modules() if isinstance(m, torch.nn.Linear)]
    assert layers
    for layer in layers:
        assert float(torch.linalg.matrix_norm(layer.weight.detach(), 2)) == pytest.approx(1.0, abs=0.05)


def test_samples_come_from_the_average_of_the_generator() -> None:
    model = build(ema=0.9)
    codes = torch.randn(4, model.latent.num_dims, generator=seeded(1))
    before = model.decode(codes)
    with torch.no_grad():
        for parameter in model.generator.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=seeded(2)))
    assert torch.equal(model.decode(codes), before)
    after_update = model.phases()[1].after_update
    assert after_update is not None
    for _ in range(200):
        after_update()
    target = (0.5 * (model.generator(codes) + 1.0)).clamp(0.0, 1.0)
    torch.testing.assert_close(model.decode(codes), target, atol=1e-4, rtol=1e-4)
    assert model.num_parameters() == build().num_parameters()
    copied = build(ema=0.9)
    copied.load_state_dict(model.state_dict())
    assert torch.equal(copied.decode(codes), model.decode(codes))


@pytest.mark.parametrize("architecture", ["mlp", "dcgan"])
def test_first_features_are_what_the_image_is_made_of(architecture: str) -> None:
    model = build(architecture=architecture)
    codes = torch.randn(3, model.latent.num_dims, generator=seeded())
    features = model.first_features(codes)
    assert features.dim() == 2 and len(features) == 3
    rest = model.generator.layers[0][2:] if architecture == "mlp" else torch.nn.Identity()
    image = torch.nn.Sequential(rest, *model.generator.layers[1:])(features)
    torch.testing.assert_close(image, model.generator(codes))


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_the_figure_counts_every_image(objective: str) -> None:
    (figure,) = build(objective=objective).figures(random_images(IMAGE, 20), seeded())
    assert figure.values is not None and figure.values.sum(1).tolist() == [20.0, 20.0]
    assert figure.edges is not None and len(figure.edges) == figure.values.shape[1] + 1
