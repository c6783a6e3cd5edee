"""The VAE's bounds, its closed-form KL and its decoders, against integrals and against torch.distributions."""

import itertools
import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Categorical, Normal, kl_divergence

from gmstudio.cards import ImageSpec, parse_config
from gmstudio.families import vae as vae_module
from gmstudio.families.vae import VAE
from gmstudio.nn.likelihoods import CategoricalLikelihood

TINY = ImageSpec(1, 2, 3, 2)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_images(image: ImageSpec, n: int, seed: int = 0) -> Tensor:
    return torch.randint(image.levels, (n, *image.shape), generator=seeded(seed), dtype=torch.uint8)


def all_images(image: ImageSpec) -> Tensor:
    every = list(itertools.product(range(image.levels), repeat=image.num_dims))
    return torch.tensor(every, dtype=torch.uint8).view(-1, *image.shape)


def build(image: ImageSpec, scale: float = 1.0, **config: object) -> VAE:
    torch.manual_seed(0)
    model = VAE(parse_config(VAE.Config, {"num_hidden": 32, "num_channels": 4, **config}), image)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(scale)
    return model


def fit(model: VAE, batch: Tensor, steps: int, learning_rate: float = 3e-3) -> list[float]:
    (phase,) = model.phases()
    noise = seeded(1)
    optimizer = torch.optim.Adam(phase.parameters, learning_rate, fused=True)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = phase.loss(batch, noise)["loss"]
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def exact_log_prob(model: VAE, x: Tensor, side: float = 8.0, points: int = 161) -> Tensor:
    """log ∫ p(x|z) p(z) dz over a two-dimensional latent, by the trapezoidal rule."""
    axis = torch.linspace(-side, side, points, dtype=torch.float64)
    z = torch.cartesian_prod(axis, axis)
    log_prior = Normal(0.0, 1.0).log_prob(z).sum(1) + 2 * math.log(2 * side / (points - 1))
    with torch.no_grad():
        if model.image.levels == 2:
            ones = model.decode(z.float()).double().flatten(1).clamp(1e-12, 1 - 1e-12)
            probs = torch.stack([1 - ones, ones], dim=-1)
        else:
            probs = torch.softmax(model.decoder(z.float()).double(), dim=-1).flatten(1, 3)
    index = x.flatten(1).long().T  # (D, B)
    log_lik = sum(probs[:, d].log()[:, index[d]] for d in range(model.image.num_dims))  # (points², B)
    assert isinstance(log_lik, Tensor)
    return torch.logsumexp(log_lik + log_prior[:, None], dim=0)


@pytest.fixture(scope="module", params=[("mlp", TINY), ("conv", TINY), ("mlp", ImageSpec(1, 2, 2, 4))], ids=str)
def fitted(request: pytest.FixtureRequest) -> VAE:
    """A model with a two-dimensional latent that has learned some structure: a few images, seen often."""
    architecture, image = request.param
    model = build(image, scale=1.5, num_latent=2, architecture=architecture)
    data = all_images(image)[torch.tensor([0, 5, 11, 22, 41, 63, 63, 5])]
    fit(model, data.repeat(8, 1, 1, 1), 300)
    return model


def test_probabilities_sum_to_one_and_the_latent_matters(fitted: VAE) -> None:
    log_prob = exact_log_prob(fitted, all_images(fitted.image))
    assert log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    assert log_prob.max() - log_prob.min() > 3.0


def test_bounds_bound(fitted: VAE) -> None:
    x = all_images(fitted.image)[torch.tensor([0, 5, 22, 63])]
    exact = exact_log_prob(fitted, x).float()
    elbo = fitted.elbo(x, 4000, seeded(1))
    one, few, many = (
        torch.stack([fitted.log_prob_estimate(x, k, seeded(s)) for s in range(400)]).mean(0) for k in (1, 5, 50)
    )
    noise = 0.1
    assert (exact - elbo > 0.005).all(), "the posterior is never exact, so the bound is strict"
    torch.testing.assert_close(one, elbo, atol=3 * noise, rtol=0)
    assert (elbo < few + noise).all()
    assert (few < many + noise).all()
    assert (many < exact + noise).all()
    assert elbo.sum() < few.sum() < many.sum() < exact.sum() + noise
    torch.testing.assert_close(fitted.log_prob_estimate(x, 60_000, seeded()), exact, atol=noise, rtol=0)


def test_samples_come_at_their_probability(fitted: VAE) -> None:
    n = 40_000
    samples = fitted.sample(n, seeded()).flatten(1).long()
    powers = fitted.image.levels ** torch.arange(fitted.image.num_dims - 1, -1, -1)
    counts = torch.bincount((samples * powers).sum(1), minlength=fitted.image.levels**fitted.image.num_dims)
    expected = exact_log_prob(fitted, all_images(fitted.image)).exp()
    error = (counts / n - expected).abs() / (expected * (1 - expected) / n + 1e-9).sqrt()
    assert error[expected > 1e-3].max() < 5.0


def test_the_expected_loss_is_minus_the_bound(fitted: VAE) -> None:
    x = all_images(fitted.image)[:16]
    losses = torch.stack([fitted.loss(x, seeded(s))["loss"].detach() for s in range(400)])
    assert losses.mean().item() == pytest.approx(-fitted.elbo(x, 2000, seeded()).mean().item(), abs=0.1)


def test_kl_is_that_of_torch_distributions() -> None:
    model = build(ImageSpec(1, 5, 5, 4), scale=2.0, num_latent=7)
    x = random_images(model.image, 6)
    mean, std = model.posterior(x)
    assert torch.equal(model.encode(x), mean)
    assert (std > 0).all() and mean.shape == std.shape == (6, 7)
    kl = model.kl_per_dim(x)
    torch.testing.assert_close(kl, kl_divergence(Normal(mean, std), Normal(0.0, 1.0)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(kl.sum(1).mean(), model.loss(x, seeded())["kl"])


@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0, 4.0])
def test_beta_weights_the_kl_in_the_loss_and_nowhere_else(beta: float) -> None:
    image = ImageSpec(1, 4, 4, 4)
    model, plain = build(image, beta=beta), build(image)
    x = random_images(image, 8)
    terms = model.loss(x, seeded())
    torch.testing.assert_close(terms["loss"], terms["reconstruction"] + beta * terms["kl"])
    assert torch.equal(model.elbo(x, 3, seeded()), plain.elbo(x, 3, seeded()))
    assert torch.equal(model.log_prob_estimate(x, 3, seeded()), plain.log_prob_estimate(x, 3, seeded()))


def test_the_loss_is_called_a_bound_only_at_beta_one() -> None:
    bound, weighted = VAE.card.objective({"beta": 1.0}), VAE.card.objective({"beta": 4.0})
    assert bound.terms[0].per_image_nats and not weighted.terms[0].per_image_nats
    assert r"\beta" in weighted.latex and r"\beta" not in bound.latex


@pytest.mark.parametrize("levels", [3, 8, 9, 256])
def test_a_categorical_decoder_is_that_of_torch_distributions(levels: int) -> None:
    image = ImageSpec(3, 2, 5, levels)
    model = build(image, scale=3.0)
    z = torch.randn(4, model.latent.num_dims, generator=seeded())
    x = random_images(image, 4)
    features = model.decoder(z)
    logits = model.likelihood.logits(features)  # type: ignore[operator]
    expected = Categorical(logits=logits)
    torch.testing.assert_close(model.likelihood.log_prob(features, x), expected.log_prob(x.long()).flatten(1).sum(1))
    means = (expected.probs * torch.arange(levels)).sum(-1) / (levels - 1)
    torch.testing.assert_close(model.decode(z), means, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("levels", [2, 4, 256])
def test_sampling_is_the_inverse_cdf(levels: int) -> None:
    n, image = 5000, ImageSpec(1, 3, 3, levels)
    model = build(image, scale=3.0)
    features = model.decoder(torch.randn(1, 10, generator=seeded())).expand(n, -1, -1, -1, -1)
    drawn = model.likelihood.sample(features, torch.rand(n, 1, 3, 3, generator=seeded()))
    mean = drawn.double().mean(0) / (levels - 1)
    torch.testing.assert_close(mean, model.likelihood.mean(features[:1])[0].double(), atol=0.035, rtol=0)
    almost_one = torch.full((n, 1, 3, 3), 1.0 - 2.0**-24)
    assert int(model.likelihood.sample(features, almost_one).max()) < levels


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
@pytest.mark.parametrize("levels", [2, 4, 16])
def test_one_batch_can_be_overfitted(architecture: str, levels: int) -> None:
    image = ImageSpec(1, 5, 6, levels)
    model = build(image, architecture=architecture, num_hidden=128, num_channels=16, beta=0.01)
    x = random_images(image, 6)
    fit(model, x, 300)
    means = model.decode(model.encode(x)) * (levels - 1)
    assert torch.equal(means.round().to(torch.uint8), x)
    assert model.loss(x, seeded())["reconstruction"] < 0.05 * image.num_dims * math.log(levels)


@pytest.mark.parametrize("rows", [2, 10, 64])
def test_chunks_change_no_estimate(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    model = build(ImageSpec(1, 4, 4, 4))
    x = random_images(model.image, 5)
    elbo, estimate, samples = (
        model.elbo(x, 2000, seeded(1)),
        model.log_prob_estimate(x, 2000, seeded(2)),
        model.sample(33, seeded()),
    )
    monkeypatch.setattr(vae_module, "MAX_FLOATS", 64 * rows)
    torch.testing.assert_close(model.elbo(x, 2000, seeded(1)), elbo, atol=0.1, rtol=0)
    torch.testing.assert_close(model.log_prob_estimate(x, 2000, seeded(2)), estimate, atol=0.1, rtol=0)
    assert torch.equal(model.sample(33, seeded()), samples)


def test_scoring_keeps_within_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = build(ImageSpec(1, 8, 8, 4))
    rows: list[int] = []
    model.decoder.register_forward_hook(lambda _m, inputs, _out: rows.append(len(inputs[0])))
    monkeypatch.setattr(vae_module, "MAX_FLOATS", 8 * 8 * 4 * 12)
    model.log_prob_estimate(random_images(model.image, 30), 40, seeded())
    model.sample(50, seeded())
    assert max(rows) == 12 and sum(rows) == 30 * 40 + 50


def test_no_draws_are_refused_in_words() -> None:
    model = build(TINY)
    for score in (model.elbo, model.log_prob_estimate):
        with pytest.raises(ValueError, match="num_samples is 0; a bound needs at least 1 draw per image"):
            score(random_images(TINY, 2), 0)


def test_an_empty_batch_scores_to_nothing() -> None:
    model = build(TINY)
    assert model.elbo(random_images(TINY, 0)).shape == (0,)
    assert model.sample(0, seeded()).shape == (0, 1, 2, 3)


def test_a_negative_beta_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="β is -1; it must be a number from 0 to 1000"):
        VAE(VAE.Config(beta=-1), TINY)


def test_the_default_for_28_by_28_is_the_one_hidden_layer_of_the_paper() -> None:
    model = VAE(VAE.Config(), ImageSpec(1, 28, 28, 2))
    assert model.num_parameters() == 784 * 512 + 512 + 512 * 20 + 20 + 10 * 512 + 512 + 512 * 784 + 784


def test_an_impossible_level_is_never_drawn() -> None:
    likelihood = CategoricalLikelihood(3)
    features = torch.tensor([-math.inf, 0.0, -math.inf]).expand(4, 1, 1, 1, 3)
    uniforms = torch.tensor([0.0, 0.3, 0.9, 1.0 - 2.0**-24]).view(4, 1, 1, 1)
    assert likelihood.sample(features, uniforms).flatten().tolist() == [1, 1, 1, 1]
