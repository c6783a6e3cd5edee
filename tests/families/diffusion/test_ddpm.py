"""Diffusion: the process in closed form, the bound against an independent computation and an integral, and sampling."""

import itertools
import math
from typing import Any

import pytest
import torch
from ddpm_models import SPECS, TINY, build, posterior
from tiny_families import fit
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from gmstudio.engine.sampling.settings import sampler_of, with_decoder
from gmstudio.families.diffusion.ddpm import DDPM
from gmstudio.families.diffusion.process import NoiseSchedule, evenly_spaced_times
from gmstudio.protocol.config import ConfigError, parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import random_images, seeded

# ---- the process ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["linear", "cosine"])
@pytest.mark.parametrize("num_timesteps", [2, 5, 1000])
def test_what_follows_from_beta(kind: Any, num_timesteps: int) -> None:
    schedule = NoiseSchedule(num_timesteps, kind, first_deviation=0.02)
    beta = schedule.beta.double()
    assert beta[0] == 0 and (beta[1:] > 0).all() and (beta < 1).all() and beta[1] >= 0.02**2 - 1e-9
    alpha_bar = torch.cumprod(1 - beta, 0)
    torch.testing.assert_close(schedule.signal.double().square(), alpha_bar, rtol=1e-4, atol=1e-7)
    torch.testing.assert_close(schedule.noise.double().square(), 1 - alpha_bar, rtol=1e-3, atol=1e-6)
    assert schedule.signal[-1] < 0.2, "hardly anything of the image is left"


def test_the_papers_linear_schedule() -> None:
    beta = NoiseSchedule(1000, "linear").beta
    assert (beta[1].item(), beta[1000].item()) == pytest.approx((1e-4, 0.02))
    assert beta[1:].diff().std() < 1e-7


@pytest.mark.parametrize("t", [2, 3, 5])
def test_the_posterior_is_bayes_rule(t: int) -> None:
    """q(x_{t-1}|x_t, x_0) ∝ q(x_t|x_{t-1}) q(x_{t-1}|x_0), on a fine grid."""
    schedule = NoiseSchedule(5, "linear").double()
    x0, xt = 0.7, -0.4
    grid = torch.linspace(-8, 8, 200_001, dtype=torch.float64)
    beta = schedule.beta[t]
    log_joint = Normal((1 - beta).sqrt() * grid, beta.sqrt()).log_prob(torch.tensor(xt))
    log_joint = log_joint + Normal(schedule.signal[t - 1] * x0, schedule.noise[t - 1]).log_prob(grid)
    weights = torch.softmax(log_joint, 0)
    mean = (weights * grid).sum()
    variance = (weights * (grid - mean).square()).sum()
    mean_found, deviation_found = posterior(schedule, torch.tensor(x0), torch.tensor(xt), t)
    assert mean_found.item() == pytest.approx(mean.item(), abs=1e-5)
    assert deviation_found.square().item() == pytest.approx(variance.item(), rel=1e-4)


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_full_steps_with_eta_one_are_ancestral_and_with_eta_zero_keep_the_noise(kind: Any) -> None:
    schedule = NoiseSchedule(7, kind).double()
    x0, eps, extra = (torch.randn(4, 1, 2, 2, generator=seeded(s), dtype=torch.float64) for s in range(3))
    for t in range(1, 8):
        t_B = torch.full((4,), t)
        xt = schedule.noised(x0, t_B, eps)
        mean, deviation = posterior(schedule, x0, xt, t)
        assert schedule.deviation(t, t - 1, 1.0).square().item() == pytest.approx(deviation.square().item(), abs=1e-6)
        expected = mean + deviation * extra
        torch.testing.assert_close(schedule.step(xt, x0, t, t - 1, 1.0, extra), expected, atol=1e-5, rtol=1e-5)
        same_noise = schedule.noised(x0, t_B - 1, eps)
        torch.testing.assert_close(schedule.step(xt, x0, t, t - 1, 0.0, None), same_noise, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("total", "steps"), [(500, 50), (500, 499), (7, 7), (7, 100), (2, 1), (1, 3)])
def test_times_fall_from_the_noise_to_the_image(total: int, steps: int) -> None:
    times = evenly_spaced_times(total, steps)
    assert times[0] == total and times[-1] == 0 and len(times) == min(total, steps) + 1
    assert all(before > after for before, after in itertools.pairwise(times))


# ---- the bound -----------------------------------------------------------------------------------------------------


def decoder_log_prob(model: DDPM, x1: Tensor) -> Tensor:
    """log p(x_0|x_1) of every level of each sub-pixel, (N, D, L), by differences of normal CDFs."""
    levels = model.image.levels
    with torch.no_grad():
        eps = model.averaged(x1, torch.full((len(x1),), 1.0 / model.config.num_timesteps)).double()
    mean = ((x1.double() - model.schedule.noise[1] * eps) / model.schedule.signal[1]).clamp(-1, 1)
    edges = (torch.arange(1, levels, dtype=torch.float64) - 0.5) * 2 / (levels - 1) - 1
    below = Normal(mean.flatten(1)[..., None], model.schedule.beta[1].double().sqrt()).cdf(edges)
    ends = below.new_zeros(*below.shape[:2], 1)
    return torch.cat([ends, below, ends + 1], dim=2).diff(dim=2).clamp(min=1e-30).log()


def test_the_bound_is_that_of_an_independent_computation() -> None:
    model = build(TINY, num_timesteps=3, schedule="linear")
    schedule = model.schedule
    x = torch.tensor([0, 2]).view(1, 1, 1, 2)
    x0 = (x.float() - 1).expand(40_000, -1, -1, -1)
    total = kl_divergence(Normal(schedule.signal[3] * x0[0], schedule.noise[3]), Normal(0.0, 1.0)).sum()
    for t in (2, 3):
        eps = torch.randn(x0.shape, generator=seeded(t))
        xt = schedule.signal[t] * x0 + schedule.noise[t] * eps
        with torch.no_grad():
            predicted = model.averaged(xt, torch.full((len(xt),), t / 3))
        guess = ((xt - schedule.noise[t] * predicted) / schedule.signal[t]).clamp(-1, 1)
        true, predicted = (Normal(*posterior(schedule, image, xt, t)) for image in (x0, guess))
        total = total + kl_divergence(true, predicted).flatten(1).sum(1).mean()
    x1 = schedule.signal[1] * x0 + schedule.noise[1] * torch.randn(x0.shape, generator=seeded(9))
    log_levels = decoder_log_prob(model, x1)
    total = total - (log_levels[:, 0, 0] + log_levels[:, 1, 2]).mean()
    every = model.elbo(x.expand(2000, -1, -1, -1), 20, seeded(3)).mean()
    some = model.elbo(x.expand(20_000, -1, -1, -1), 1, seeded(4)).mean()
    assert every.item() == pytest.approx(-total.item(), rel=0.03)
    assert some.item() == pytest.approx(-total.item(), rel=0.05)


def test_the_terms_of_the_bound_add_up_to_it() -> None:
    model = build(TINY, num_timesteps=9)
    x = random_images(TINY, 3)
    many = x.repeat(20_000, 1, 1, 1)
    parts = [model.bound_terms(many, first, last, seeded(first)) for first, last in ((0, 1), (1, 4), (4, 9))]
    found = -torch.stack(parts).sum(0).unflatten(0, (20_000, 3)).mean(0)
    expected = model.elbo(many, 8, seeded(20)).unflatten(0, (20_000, 3)).mean(0)
    torch.testing.assert_close(found, expected, rtol=0.0, atol=0.1)
    assert model.num_bound_terms == 9


def test_the_bound_is_below_the_exact_log_probability() -> None:
    """p(x_0) = ∫∫ N(x_2; 0, 1) p(x_1|x_2) P(x_0|x_1) over one binary pixel and two timesteps, on a grid."""
    image = ImageSpec(1, 1, 1, 2)
    model = build(image, num_timesteps=2)
    fit(model, torch.tensor([0, 1, 1, 1]).view(4, 1, 1, 1).repeat(16, 1, 1, 1), 60)
    last, first = torch.linspace(-6, 6, 601), torch.linspace(-8, 8, 1601)
    column = last.view(-1, 1, 1, 1)
    two = torch.full((len(last),), 2)
    with torch.no_grad():
        noise = model.averaged(column, torch.ones(len(last)))
        guess = model.schedule.predicted_x0(column, two, noise).clamp(-1, 1)
        mean, deviation = posterior(model.schedule, guess.flatten(), last, 2)
    transition = Normal(mean[:, None], deviation).log_prob(first).exp()
    density = (0.02 * Normal(0.0, 1.0).log_prob(last).exp()[:, None] * transition).sum(0)
    from_first = decoder_log_prob(model, first.view(-1, 1, 1, 1))[:, 0].exp().float()
    probability = 0.01 * (density[:, None] * from_first).sum(0)
    assert probability.sum().item() == pytest.approx(1.0, abs=1e-3)
    elbo = model.elbo(torch.tensor([0, 1]).repeat_interleave(2000).view(-1, 1, 1, 1), 4, seeded())
    bounds = elbo.view(2, 2000).mean(1)
    laws.bounds_sum_to_at_most_one(model)
    assert (bounds < probability.log() + 0.02).all()
    assert (bounds > probability.log() - 3.0).all(), "and it is not far below"


def test_the_weighted_loss_is_minus_the_bound() -> None:
    model = build(ImageSpec(1, 2, 2, 4), weighting="bound", num_timesteps=4).eval()
    x = random_images(model.image, 4)
    loss = model.loss(x.repeat(300, 1, 1, 1), seeded(1))["averaged_loss"]
    expected = -model.elbo(x.repeat(100, 1, 1, 1), 3, seeded()).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=0.05)


@pytest.mark.parametrize("weighting", ["simple", "bound"])
def test_the_loss_is_the_same_thing_in_training_and_validation(weighting: str) -> None:
    model = build(ImageSpec(1, 4, 4, 4), weighting=weighting)
    with torch.no_grad():
        for name, value in model.averaged.copy.named_buffers():
            value.add_(0.3 * torch.randn(value.shape, generator=seeded(len(name))))
    x = random_images(model.image, 20)
    training, validation = model.loss(x, seeded(1)), model.eval().loss(x, seeded(1))
    assert torch.equal(training["loss"], validation["loss"]) and "averaged_loss" not in training
    assert not torch.equal(validation["loss"], validation["averaged_loss"])
    if weighting == "bound":
        assert torch.equal(training["squared_error"], validation["squared_error"])
    (term,) = (t for t in model.card.objective({"weighting": weighting}).terms if t.name == "averaged_loss")
    assert term.validation_only and term.per_image_nats == (weighting == "bound")


def test_no_draws_are_refused_in_words_and_no_images_score_to_nothing() -> None:
    model = build(TINY)
    with pytest.raises(ValueError, match="num_samples is 0; a bound needs at least 1 draw per image"):
        model.elbo(random_images(TINY, 2), 0)
    assert model.elbo(random_images(TINY, 0)).shape == (0,)


# ---- training ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image", SPECS, ids=str)
@pytest.mark.parametrize("weighting", ["simple", "bound"])
def test_every_parameter_gets_a_gradient_and_the_card_explains_each_term(image: ImageSpec, weighting: str) -> None:
    model = build(image, weighting=weighting, num_scales=2)
    laws.every_parameter_gets_a_gradient(model)
    laws.noise_comes_from_the_generator(model, noisy=True)
    laws.losses_are_explained(model)
    assert model.num_parameters() == sum(p.numel() for p in model.network.parameters())


def test_one_batch_can_be_overfitted() -> None:
    image = ImageSpec(1, 4, 4, 2)
    model = build(image, num_channels=16, num_timesteps=10, attention=False, num_scales=1)
    x = random_images(image, 2)
    losses = fit(model, x.repeat(8, 1, 1, 1), 150)
    assert sum(losses[-20:]) < 0.3 * sum(losses[:20])
    drawn = model.sample(20, seeded())
    nearest = (drawn[:, None].int() - x.int()).abs().flatten(2).sum(2).min(1).values
    assert nearest.float().mean() < 2.0


def test_the_average_follows_the_weights_and_is_saved_with_them() -> None:
    image = ImageSpec(1, 4, 4, 4)
    x = random_images(image, 8)
    model = build(image, ema=0.5)
    laws.a_seed_repeats(model)
    laws.saving_and_loading_change_nothing(model)
    fit(model, x, 3)
    network, average = dict(model.network.named_parameters()), dict(model.averaged.copy.named_buffers())
    apart = max((network[name] - average[name]).abs().max().item() for name in network)
    assert 0 < apart < 0.05
    plain = build(image, ema=0.0)
    fit(plain, x, 2)
    average = dict(plain.averaged.copy.named_buffers())
    for name, parameter in plain.network.named_parameters():
        torch.testing.assert_close(average[name], parameter.detach())


def test_training_in_bfloat16_keeps_losses_in_float32() -> None:
    laws.losses_stay_in_float32(build(ImageSpec(1, 8, 8, 16)), relative=0.05)


def test_bad_settings_are_refused_in_words() -> None:
    with pytest.raises(ConfigError, match="Timesteps is 1; it must be a whole number from 2 to 4,000"):
        DDPM(DDPM.Config(num_timesteps=1), TINY)
    with pytest.raises(ConfigError, match="η is 2; it must be a number from 0 to 1"):
        sampler_of(build(TINY), {"sampler": "ddim", "eta": 2}, "samples")
    with pytest.raises(ConfigError, match="η has an effect only with sampler DDIM"):
        sampler_of(build(TINY), {"eta": 0.5}, "samples")
    with pytest.raises(ConfigError, match="DDIM steps is 0; it must be a whole number from 1 to 4,000"):
        with_decoder(build(TINY), {"steps": 0})
    with pytest.raises(ConfigError, match="Frames show has no effect on samples; leave it out"):
        sampler_of(build(TINY), {"shown": "x_0"}, "samples")
    with pytest.raises(ConfigError, match="Noise schedule is 'square'; it must be one of"):
        parse_config(DDPM.Config, {"schedule": "square"})


def test_every_field_and_term_is_explained_and_formulas_render() -> None:
    laws.settings_are_explained(build(TINY))
    laws.formulas_render(build(TINY))


def test_a_late_step_keeps_the_variance_of_the_process() -> None:
    """A perfect prediction and η = 1 leave x_t distributed as the forward process says, in long steps too."""
    schedule = NoiseSchedule(100, "cosine")
    x0 = torch.full((50_000, 1, 1, 1), 0.3)
    state = schedule.noised(x0, torch.full((len(x0),), 100), torch.randn(x0.shape, generator=seeded()))
    for t, to in itertools.pairwise((100, 60, 25)):
        state = schedule.step(state, x0, t, to, 1.0, torch.randn(x0.shape, generator=seeded(t)))
        assert state.mean().item() == pytest.approx(0.3 * schedule.signal[to].item(), abs=0.02)
        assert state.std().item() == pytest.approx(schedule.noise[to].item(), rel=0.02)
        assert math.isfinite(state.sum().item())
