"""Sampling and exploring a diffusion model: samplers, trajectories, codes."""

import itertools

import pytest
import torch
from ddpm_models import SPECS, TINY, build

from gmstudio.engine.sampling.settings import with_decoder
from gmstudio.families.base import Encoder, Latent, MarkovChain, PiecewiseSampler, Sampler, Trajectory
from gmstudio.families.diagnostics import Illustrated
from gmstudio.families.diffusion.ddpm import DDPM
from gmstudio.families.diffusion.process import NoiseSchedule, evenly_spaced_times
from gmstudio.families.diffusion.sampler_config import DDPMDecoder, DDPMSampler
from gmstudio.families.diffusion.samplers import denoised, noised_back
from gmstudio.families.diffusion.trajectory import CHANGE, NOISE_LEVEL
from gmstudio.families.diffusion.unet import UNet
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing import laws
from gmstudio.testing.laws.inputs import random_images, seeded

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
