"""Diffusion: the process in closed form, the bound against an independent computation and an integral, and sampling."""

import itertools
import math
from typing import Any

import pytest
import torch
from tiny_families import fit
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from gmstudio.engine.sampling.settings import sampler_of, with_decoder
from gmstudio.families.base import Encoder, Latent, MarkovChain, PiecewiseSampler, Sampler, Trajectory
from gmstudio.families.diagnostics import Illustrated
from gmstudio.families.diffusion.ddpm import DDPM
from gmstudio.families.diffusion.process import NoiseSchedule, evenly_spaced_times
from gmstudio.families.diffusion.sampler_config import DDPMDecoder, DDPMSampler
from gmstudio.families.diffusion.samplers import denoised, noised_back
from gmstudio.families.diffusion.trajectory import CHANGE, NOISE_LEVEL
from gmstudio.families.diffusion.unet import UNet
from gmstudio.protocol.config import ConfigError, parse_config
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import random_images, seeded

SPECS = (
    ImageSpec(1, 1, 1, 2),
    ImageSpec(3, 1, 2, 4),
    ImageSpec(1, 2, 9, 5),
    ImageSpec(3, 11, 13, 256),
    ImageSpec(1, 8, 8, 16),
)
TINY = ImageSpec(1, 1, 2, 3)


def build(image: ImageSpec, seed: int = 0, **config: Any) -> DDPM:
    """A small model, its weights larger than at their start, and its average the same."""
    torch.manual_seed(seed)
    small = {"num_channels": 4, "num_timesteps": 6, **config}
    model = DDPM(parse_config(DDPM.Config, small), image)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.mul_(1.5).add_(0.05 * torch.randn_like(parameter))
        average = dict(model.averaged.copy.named_buffers())
        for name, parameter in model.network.named_parameters():
            average[name].copy_(parameter)
    return model


def posterior(schedule: NoiseSchedule, x0: Tensor, xt: Tensor, t: int) -> tuple[Tensor, Tensor]:
    """Mean and deviation of q(x_{t-1}|x_t, x_0), the paper's equation 7."""
    beta, before, after = schedule.beta[t], schedule.signal[t - 1].square(), schedule.signal[t].square()
    mean = before.sqrt() * beta / (1 - after) * x0 + (1 - beta).sqrt() * (1 - before) / (1 - after) * xt
    return mean, (beta * (1 - before) / (1 - after)).sqrt()


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


# ---- sampling and exploring ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("image", SPECS, ids=str)
@pytest.mark.parametrize("sampler", [DDPMSampler(steps=4), DDPMSampler(sampler="ddim", steps=4)], ids=["ddpm", "ddim"])
def test_samples_are_images_and_come_in_pieces(image: ImageSpec, sampler: DDPMSampler) -> None:
    model = build(image)
    laws.samples_are_images(model)
    laws.samples_follow_the_generator(model)
    pieces = list(model.sample_pieces(5, seeded(3), sampler))
    assert len(pieces) == 5, "one for each of four steps, and the images"
    images = model.sample(5, seeded(3), sampler)
    assert images.dtype == torch.uint8 and images.shape == (5, *image.shape) and int(images.max()) < image.levels
    assert pieces[-1] is not None and torch.equal(pieces[-1], images)


def test_with_eta_1_and_all_steps_the_noise_is_that_of_the_posterior() -> None:
    """Equation 16 of Song et al. (2021) against β̃_t = β_t (1 - ᾱ_{t-1}) / (1 - ᾱ_t) of Ho et al. (2020)."""
    schedule = NoiseSchedule(50, "linear").double()
    alpha_bar = schedule.signal.square()
    for t in range(2, 51):
        posterior = schedule.beta[t] * (1 - alpha_bar[t - 1]) / (1 - alpha_bar[t])
        assert schedule.deviation(t, t - 1, 1.0).square().item() == pytest.approx(posterior.item(), rel=1e-4)
        assert schedule.deviation(t, t - 1, 0.5).item() == pytest.approx(0.5 * posterior.sqrt().item(), rel=1e-4)
        assert schedule.deviation(t, t - 1, 0.0) == 0.0


def last_of(model: DDPM, sampler: DDPMSampler, x_T: torch.Tensor, noise_seed: int) -> torch.Tensor:
    times, network = evenly_spaced_times(6, 6), model.averaged.copy
    assert isinstance(network, UNet)
    with torch.no_grad():
        return denoised(network, model.schedule, x_T, times, sampler.noise, seeded(noise_seed))


def test_with_eta_0_the_image_depends_on_the_initial_noise_alone() -> None:
    model = build(ImageSpec(1, 4, 4, 16))
    x_T = torch.randn(3, 1, 4, 4, generator=seeded(8))
    ddim, ddpm = DDPMSampler(sampler="ddim"), DDPMSampler()
    assert torch.equal(last_of(model, ddim, x_T, 1), last_of(model, ddim, x_T, 2))
    assert not torch.equal(last_of(model, ddpm, x_T, 1), last_of(model, ddpm, x_T, 2))


def test_the_same_seed_gives_every_sampler_the_same_initial_noise() -> None:
    model = build(ImageSpec(1, 4, 4, 16))
    ddpm, ddim = (
        list(model.trajectory(None, 3, 4, seeded(1), sampler))
        for sampler in (DDPMSampler(), DDPMSampler(sampler="ddim"))
    )
    assert torch.equal(ddpm[0].images, ddim[0].images)
    assert not torch.equal(ddpm[-1].images, ddim[-1].images)


def test_a_trajectory_shows_the_predicted_image_where_it_is_asked_to() -> None:
    model = build(ImageSpec(1, 4, 4, 16))
    noisy = list(model.trajectory(None, 2, 6, seeded(1), DDPMSampler(sampler="ddim")))
    predicted = list(model.trajectory(None, 2, 6, seeded(1), DDPMSampler(sampler="ddim", shown="x_0")))
    assert [step.position for step in noisy] == [step.position for step in predicted] == [6, 5, 4, 3, 2, 1, 0]
    assert predicted[0].label == "x̂₀ predicted at t = 6" and predicted[-1].label == "t = 0"
    assert torch.equal(predicted[-1].images, noisy[-1].images)
    assert torch.equal(predicted[-2].images, noisy[-1].images), "the last step goes to the predicted image"
    assert not torch.equal(predicted[0].images, noisy[0].images)


def test_it_can_do_what_its_methods_claim() -> None:
    model = build(TINY)
    for protocol in (Sampler, PiecewiseSampler, Latent, Encoder, MarkovChain, Trajectory, Illustrated):
        assert isinstance(model, protocol)


def test_a_code_is_the_noise_that_deterministic_sampling_starts_from() -> None:
    image = ImageSpec(1, 4, 4, 16)
    model = build(image, num_timesteps=40)
    z = torch.randn(3, 16, generator=seeded()).requires_grad_()
    model.decoder = DDPMDecoder(steps=20)
    means = model.decode(z)
    assert means.shape == (3, *image.shape) and means.min() >= 0.0 and means.max() <= 1.0
    times = evenly_spaced_times(40, 20)
    state = denoised(model.averaged.copy, model.schedule, z.view(3, 1, 4, 4), times, 0.0)  # type: ignore[arg-type]
    torch.testing.assert_close(means, (0.5 * (state + 1)).clamp(0, 1))
    laws.decoding_has_a_gradient(model)
    laws.decoding_depends_on_its_code_alone(model)


def test_encoding_undoes_deterministic_steps() -> None:
    """Below the depths where almost nothing of an image is left: there steps are too steep to be undone."""
    model = build(ImageSpec(1, 4, 4, 4), num_channels=8, num_scales=1, schedule="linear", num_timesteps=40)
    network, schedule = model.averaged.copy, model.schedule
    assert isinstance(network, UNet)
    times = evenly_spaced_times(10, 10)
    x0 = torch.rand(3, 1, 4, 4, generator=seeded()) - 0.5
    with torch.no_grad():
        state = noised_back(network, schedule, x0, times)
        assert (state - x0).abs().mean() > 0.1
        for t, to in itertools.pairwise(times):
            eps = network(state, torch.tensor([t / 40]))
            state = schedule.step(state, schedule.predicted_x0(state, torch.tensor([t]), eps), t, to, 0.0, None)
    torch.testing.assert_close(state, x0, atol=0.02, rtol=0)
    x = random_images(model.image, 2)
    assert model.encode(x).shape == (2, 16) and torch.isfinite(model.encode(x)).all()
    finer = with_decoder(model, {"steps": 8})
    assert not torch.equal(model.encode(x), finer.encode(x)) and model.decoder == DDPMDecoder()
    assert all(a is b for a, b in zip(model.parameters(), finer.parameters(), strict=True)), "the weights are shared"


@pytest.mark.parametrize("steps", [3, 100])
def test_the_trajectory_falls_to_the_image(steps: int) -> None:
    model = build(ImageSpec(1, 4, 4, 4), num_timesteps=8)
    laws.trajectories_show_images(model, steps)
    from_noise = list(model.trajectory(None, 2, steps, seeded(1)))
    assert [m.label for m in from_noise][:: len(from_noise) - 1] == ["t = 8", "t = 0"]
    assert len(from_noise) == min(steps, 8) + 1 == model.trajectory_steps(steps, from_images=False) + 1
    x = random_images(model.image, 2)
    from_image = list(model.trajectory(x, 2, steps, seeded(1)))
    assert [m.label for m in from_image] == [f"t = {t}" for t in range(min(steps, 8), -1, -1)]
    assert all(set(m.metrics) == {NOISE_LEVEL, CHANGE} for m in from_noise + from_image)
    levels = [m.metrics[NOISE_LEVEL][0].item() for m in from_noise]
    assert levels == sorted(levels, reverse=True) and levels[-1] == 0.0


def test_the_chain_goes_on_through_images() -> None:
    laws.chains_go_through_images(build(ImageSpec(1, 4, 4, 4)))


@pytest.mark.parametrize("count", [1, 25])
def test_figures_show_denoising_and_the_error_by_timestep(count: int) -> None:
    model = build(ImageSpec(1, 4, 4, 4))
    laws.figures_are_complete(model, count)
    grid, bars = model.figures(random_images(model.image, count), seeded())
    assert grid.images is not None and len(grid.images) == min(count, 6) * grid.columns == min(count, 6) * 11
    assert len(grid.series) == grid.columns
    assert grid.images.min() >= 0 and grid.images.max() <= 1
    assert bars.values is not None and bars.values.shape == (1, 10) and (bars.values > 0).all()


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
