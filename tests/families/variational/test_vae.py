"""The VAE's bounds, its closed-form KL and its decoders, against integrals and against torch.distributions."""

import math

import pytest
import torch
from tiny_families import fit
from torch import Tensor, nn
from torch.distributions import Categorical, Normal, kl_divergence
from vae_models import TINY, build, exact_log_prob

from gmstudio.families.variational import vae as vae_module
from gmstudio.families.variational.vae import VAE
from gmstudio.nn.level_mixture import MixtureKind
from gmstudio.nn.likelihoods import (
    CategoricalLikelihood,
    DiscretizedLikelihood,
    LikelihoodName,
    pixel_likelihood,
)
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import every_image, image_numbers, random_images, seeded

GREY = ImageSpec(1, 1, 3, 5)
CASES = [
    ("mlp", TINY, "bernoulli"),
    ("conv", TINY, "auto"),
    ("mlp", ImageSpec(1, 2, 2, 4), "auto"),
    ("mlp", TINY, "categorical"),
    ("mlp", TINY, "discretized logistic"),
    ("mlp", GREY, "discretized gaussian"),
    ("conv", GREY, "discretized logistic"),
    ("mlp", ImageSpec(1, 1, 2, 12), "categorical"),
]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: "-".join(map(str, case)))
def fitted(request: pytest.FixtureRequest) -> VAE:
    """A model with a two-dimensional latent that has learned some structure: a few images, seen often."""
    architecture, image, decoder = request.param
    model = build(image, scale=1.5, num_latent=2, architecture=architecture, decoder=decoder)
    data = every_image(image)[torch.tensor([0, 5, 11, 22, 41, 63, 63, 5])]
    fit(model, data.repeat(8, 1, 1, 1), 300)
    return model


def test_probabilities_sum_to_one_and_the_latent_matters(fitted: VAE) -> None:
    log_prob = exact_log_prob(fitted, every_image(fitted.image))
    assert log_prob.exp().sum().item() == pytest.approx(1.0, abs=1e-5)
    assert log_prob.max() - log_prob.min() > 3.0


def test_bounds_bound(fitted: VAE) -> None:
    x = every_image(fitted.image)[torch.tensor([0, 5, 22, 63])]
    exact = exact_log_prob(fitted, x).float()
    laws.bounds_bound(fitted, x, lambda _images: exact)
    laws.bounds_sum_to_at_most_one(fitted)
    elbo = fitted.elbo(x, 4000, seeded(1))
    often = x.repeat_interleave(400, dim=0)
    one, few, many = (fitted.log_prob_estimate(often, k, seeded(k)).view(4, 400).mean(1) for k in (1, 5, 50))
    noise = 0.1
    assert (exact - elbo > 0.005).all(), "the posterior is never exact, so the bound is strict"
    torch.testing.assert_close(one, elbo, atol=3 * noise, rtol=0)
    assert elbo.sum() < few.sum() < many.sum() < exact.sum() + noise
    torch.testing.assert_close(fitted.log_prob_estimate(x, 60_000, seeded()), exact, atol=noise, rtol=0)


def test_samples_come_at_their_probability(fitted: VAE) -> None:
    n = 40_000
    counts = torch.bincount(
        image_numbers(fitted.sample(n, seeded()), fitted.image), minlength=len(every_image(fitted.image))
    )
    expected = exact_log_prob(fitted, every_image(fitted.image)).exp()
    error = (counts / n - expected).abs() / (expected * (1 - expected) / n + 1e-9).sqrt()
    assert error[expected > 1e-3].max() < 5.0


def test_the_expected_loss_is_minus_the_bound(fitted: VAE) -> None:
    x = every_image(fitted.image)[:16]
    loss = fitted.loss(x.repeat(400, 1, 1, 1), seeded())["loss"].item()
    assert loss == pytest.approx(-fitted.elbo(x, 2000, seeded()).mean().item(), abs=0.1)


def test_kl_is_that_of_torch_distributions() -> None:
    model = build(ImageSpec(1, 5, 5, 4), scale=2.0, num_latent=7)
    laws.the_kl_is_the_posteriors(model)
    x = random_images(model.image, 6)
    mean, std = model.posterior(x)
    assert mean.shape == std.shape == (6, 7)
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
    with pytest.raises(ValueError, match="β is -1; it must be a number from 0 to 1,000"):
        VAE(VAE.Config(beta=-1), TINY)


def test_the_default_for_28_by_28_is_the_one_hidden_layer_of_the_paper() -> None:
    model = VAE(VAE.Config(), ImageSpec(1, 28, 28, 2))
    assert model.num_parameters() == 784 * 512 + 512 + 512 * 20 + 20 + 10 * 512 + 512 + 512 * 784 + 784


def test_an_impossible_level_is_never_drawn() -> None:
    likelihood = CategoricalLikelihood(3)
    features = torch.tensor([-math.inf, 0.0, -math.inf]).expand(4, 1, 1, 1, 3)
    uniforms = torch.tensor([0.0, 0.3, 0.9, 1.0 - 2.0**-24]).view(4, 1, 1, 1)
    assert likelihood.sample(features, uniforms).flatten().tolist() == [1, 1, 1, 1]


# ---- decoders ----------------------------------------------------------------------------------------------

LIKELIHOODS = [
    (levels, name)
    for levels in (2, 3, 9, 256)
    for name in ("bernoulli", "categorical", "discretized gaussian", "discretized logistic")
    if name != "bernoulli" or levels == 2
]


@pytest.mark.parametrize(("levels", "name"), LIKELIHOODS, ids=str)
def test_every_likelihood_sums_to_one_and_its_mean_and_samples_agree(levels: int, name: LikelihoodName) -> None:
    likelihood = pixel_likelihood(levels, name)
    features = 1.5 * torch.randn(300, 1, 1, 1, likelihood.num_features, generator=seeded())
    features[::7] *= 10.0
    table = torch.stack([likelihood.log_prob(features, torch.full((300, 1, 1, 1), v)) for v in range(levels)], dim=1)
    assert torch.isfinite(table).all()
    torch.testing.assert_close(table.double().exp().sum(1), torch.ones(300, dtype=torch.float64), atol=2e-4, rtol=0)
    expected = (table.double().exp() * torch.arange(levels)).sum(1) / (levels - 1)
    torch.testing.assert_close(likelihood.mean(features).flatten().double(), expected, atol=2e-4, rtol=0)
    for row in range(8):
        drawn = likelihood.sample(features[row : row + 1].expand(20_000, -1, -1, -1, -1), uniform_grid(20_000))
        counts = torch.bincount(drawn.flatten().long(), minlength=levels) / 20_000
        torch.testing.assert_close(counts.double(), table[row].double().exp(), atol=2e-4, rtol=0)


def uniform_grid(n: int) -> Tensor:
    return ((torch.arange(n) + 0.5) / n).view(n, 1, 1, 1)


@pytest.mark.parametrize("kind", ["gaussian", "logistic"])
def test_a_discretized_decoder_is_the_difference_of_its_distribution_function(kind: MixtureKind) -> None:
    levels, half = 7, 1 / 6
    likelihood = DiscretizedLikelihood(levels, kind)
    features = torch.randn(50, 1, 1, 1, 2, generator=seeded()).double()
    location, scale = likelihood.location_and_scale(features)
    centres = torch.linspace(-1, 1, levels, dtype=torch.float64)
    inner = (centres[:-1] + half - location) / scale
    cdf = torch.special.ndtr(inner) if kind == "gaussian" else torch.sigmoid(inner)
    cdf = torch.nn.functional.pad(torch.nn.functional.pad(cdf, (1, 0)), (0, 1), value=1.0)
    table = torch.stack([likelihood.subpixel_log_prob(features, torch.full((50, 1, 1, 1), v)) for v in range(levels)])
    torch.testing.assert_close(table.movedim(0, -1).exp().squeeze(3), cdf.diff().squeeze(3), atol=1e-9, rtol=1e-6)


@pytest.mark.parametrize("kind", ["gaussian", "logistic"])
@pytest.mark.parametrize("levels", [2, 16, 256])
def test_a_discretized_decoder_keeps_finite_gradients_far_out(levels: int, kind: MixtureKind) -> None:
    likelihood = DiscretizedLikelihood(levels, kind)
    places = torch.tensor([-1e3, -3.0, 0.0, 3.0, 1e3])
    features = torch.cartesian_prod(places, torch.tensor([-100.0, -8.0, 0.0, 8.0, 100.0])).view(25, 1, 1, 1, 2)
    features.requires_grad_()
    for level in {0, levels // 2, levels - 1}:
        log_prob = likelihood.log_prob(features, torch.full((25, 1, 1, 1), level))
        (gradient,) = torch.autograd.grad(log_prob.sum(), features)
        assert torch.isfinite(log_prob).all() and torch.isfinite(gradient).all()


def test_a_sharp_discretized_decoder_can_be_nearly_sure_of_an_inner_level() -> None:
    for kind in ("gaussian", "logistic"):
        likelihood = DiscretizedLikelihood(5, kind)
        features = torch.tensor([0.0, -50.0]).view(1, 1, 1, 1, 2)
        assert likelihood.log_prob(features, torch.full((1, 1, 1, 1), 2)).exp() > 0.994


def test_a_bernoulli_decoder_of_grey_images_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="distinguishes 2 levels; the images have 16"):
        VAE(VAE.Config(decoder="bernoulli"), ImageSpec(1, 8, 8, 16))


# ---- collapse and figures ----------------------------------------------------------------------------------


def test_a_dimension_that_the_encoder_ignores_is_not_active() -> None:
    image = ImageSpec(1, 4, 4, 4)
    model = build(image, scale=3.0, num_latent=4)
    last = [m for m in model.encoder.modules() if isinstance(m, nn.Linear)][-1]
    with torch.no_grad():
        last.weight[2], last.bias[2] = 0.0, 1.5  # a mean that is off, but the same for every image
        last.weight[6], last.bias[6] = 0.0, 0.0
        last.weight[7], last.bias[7] = 0.0, 0.0
        last.weight[3], last.bias[3] = 0.0, 0.0  # this one is the prior itself
    x = random_images(image, 200)
    assert (model.encode(x).var(0) > 0.01).tolist() == [True, True, False, False]
    assert model.loss(x, seeded())["active_dimensions"] == 3, "a constant mean that is off the prior costs KL"


def test_figures_show_what_they_say() -> None:
    image = ImageSpec(3, 4, 5, 4)
    model = build(image, scale=2.0, num_latent=6)
    x = random_images(image, 9)
    laws.figures_are_complete(model)
    pictures, bars, histogram = model.figures(x, seeded())
    assert pictures.images is not None and pictures.images.shape == (18, 3, 4, 5)
    assert pictures.columns == len(pictures.series) == 8 and set(pictures.series) == {"input", "reconstruction"}
    torch.testing.assert_close(pictures.images[::2], x.float() / 3)
    torch.testing.assert_close(pictures.images[1::2], model.decode(model.encode(x)).detach())
    assert bars.values is not None and bars.values.shape == (1, 6)
    torch.testing.assert_close(bars.values[0], model.kl_per_dim(x).mean(0).detach())
    assert histogram.values is not None and histogram.edges is not None and histogram.reference is not None
    assert histogram.values.shape == (1, len(histogram.edges) - 1)
    assert 0.8 * 54 < histogram.values.sum() <= 54
    assert histogram.reference.sum().item() == pytest.approx(54, rel=1e-3)
    assert not any(t.requires_grad for f in (pictures, bars) for t in (f.images, f.values) if t is not None)
