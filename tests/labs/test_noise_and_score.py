"""The lab of noise and score: closed forms against quadrature and differences, particles back to p₀, bad tables."""

import numpy as np
import pytest
import torch
from lab_bench import Bench, acted, configured, edited, finding, line, opened, sent, titled

from gmstudio.labs.diffusion_line import LineDiffusion, kolmogorov_smirnov
from gmstudio.labs.gaussian_mixture import GaussianMixture
from gmstudio.labs.noise_and_score import NoiseAndScore
from gmstudio.protocol.scenes import Curves, Plane

MIXTURE = GaussianMixture(np.array([0.3, 0.7]), np.array([-1.2, 0.8]), np.array([0.3, 0.5]))


@pytest.mark.parametrize("kind", ["linear", "cosine"])
@pytest.mark.parametrize("t", [1, 40, 100])
def test_mean_before_the_noise_is_the_same_by_tweedie_by_bayes_and_by_quadrature(kind: str, t: int) -> None:
    diffusion = LineDiffusion(100, kind)  # type: ignore[arg-type]
    x = np.linspace(-2, 2, 9)
    tweedie = diffusion.denoised(x, t, diffusion.marginal(MIXTURE, t).score(x))
    np.testing.assert_allclose(tweedie, diffusion.posterior_mean(MIXTURE, x, t), atol=1e-6)
    places = np.linspace(-6, 6, 60_001)
    noise = (x[:, None] - diffusion.signal[t] * places) / diffusion.noise[t]
    joint = MIXTURE.density(places) * np.exp(-0.5 * noise**2)
    np.testing.assert_allclose(tweedie, (joint * places).sum(1) / joint.sum(1), atol=1e-6)


def test_marginal_is_the_convolution_and_its_score_the_derivative() -> None:
    diffusion = LineDiffusion(100, "cosine")
    places, x = np.linspace(-6, 6, 20_001), np.linspace(-3, 3, 13)
    noise = (x[:, None] - diffusion.signal[50] * places) / diffusion.noise[50]
    kernel = np.exp(-0.5 * noise**2) / (np.sqrt(2 * np.pi) * diffusion.noise[50])
    by_sum = (kernel * MIXTURE.density(places)).sum(1) * (places[1] - places[0])
    marginal = diffusion.marginal(MIXTURE, 50)
    np.testing.assert_allclose(marginal.density(x), by_sum, atol=1e-6)
    step = 1e-5
    slope = (np.log(marginal.density(x + step)) - np.log(marginal.density(x - step))) / (2 * step)
    np.testing.assert_allclose(marginal.score(x), slope, atol=1e-6)


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_particles_run_back_to_the_mixture_and_not_with_a_wrong_score(eta: float) -> None:
    diffusion, noise = LineDiffusion(200, "cosine"), torch.Generator().manual_seed(0)
    particles = torch.randn(4000, generator=noise, dtype=torch.float64).numpy()
    distances = []
    for mixture in (MIXTURE, GaussianMixture(np.ones(1), np.zeros(1), np.ones(1))):
        *_, end = diffusion.backward(particles, diffusion.exact_score(mixture), eta, noise)
        distances.append(kolmogorov_smirnov(end, MIXTURE))
    assert distances[0] < 0.04 < 0.15 < distances[1]


def test_the_distribution_function_is_that_of_the_draws() -> None:
    draws = MIXTURE.sample(20_000, torch.Generator().manual_seed(1))
    assert kolmogorov_smirnov(draws, MIXTURE) < 0.012
    np.testing.assert_allclose(MIXTURE.cdf(np.array([-9.0, 9.0])), [0, 1], atol=1e-12)


def test_actions_of_one_seed_give_one_scene_and_others_another() -> None:
    first, again, other = (opened(NoiseAndScore, {"timesteps": 20}, Bench(seed)) for seed in (3, 3, 4))
    scenes = [acted(lab, "run") for lab in (first, again, other)]
    assert sent(scenes[0]) == sent(scenes[1]) != sent(scenes[2])


def test_a_score_is_learned_that_is_better_than_none_and_worse_than_the_exact_one() -> None:
    lab = opened(NoiseAndScore, {"timesteps": 50, "schedule": "cosine"})
    assert "learned" not in finding(lab.scene())
    scene = acted(lab, "learn")
    assert "learned score" in finding(scene)
    errors = line(titled(scene, Curves, "Error of the learned score"), "learned")[1]
    assert 0 < errors.mean() < 0.1
    exact, learned = (line(titled(scene, Curves, "Score ∂"), name)[1] for name in ("exact", "learned"))
    assert 0 < np.abs(exact - learned)[80:240].mean() < np.abs(exact)[80:240].mean()
    assert "learned" not in finding(configured(lab, schedule="linear")), "What was learned belongs to the old noise."


def test_a_table_is_normalized_or_refused_in_a_sentence() -> None:
    lab = opened(NoiseAndScore, {"timesteps": 10})
    assert edited(lab, "mixture", [[2, -1, 0.3], [2, 1, 0.3]]).startswith("The numbers summed to 4;")
    assert lab.inputs["mixture"][:, 0].tolist() == [0.5, 0.5]
    assert edited(lab, "mixture", [[0.5, -1, 0.3], [0.5, 1, 0.4]]) == ""
    for row, words in (
        ([-0.1, 0, 0.3], "A weight is -0.1; type 0 or more."),
        ([0.1, 9, 0.3], "A mean is 9; it must be from -3 to 3."),
        ([0.1, 0, 0], "A standard deviation is 0; it must be from 0.05 to 2."),
    ):
        with pytest.raises(ValueError, match=words):
            edited(lab, "mixture", [row, [0.5, 1, 0.4]])
    with pytest.raises(ValueError, match="Each weight is 0"):
        edited(lab, "mixture", [[0, 0, 1], [0, 0, 1]])


def test_particles_stay_while_the_table_does() -> None:
    lab = opened(NoiseAndScore, {"timesteps": 10})
    before = sent(lab.scene())
    edited(lab, "mixture", lab.inputs["mixture"].copy())
    assert sent(lab.scene()) == before and "Distance (KS)" in finding(lab.scene())
    edited(lab, "mixture", [[0.5, -1, 0.3], [0.5, 1, 0.4]])
    assert "Distance (KS)" not in finding(lab.scene())


def test_the_line_that_is_dragged_is_the_setting() -> None:
    lab = opened(NoiseAndScore, {"timesteps": 100})
    edited(lab, "time", [0.5])
    assert lab.config.time == 0.5 and lab.t == 50
    edited(lab, "time", [-3])
    assert lab.config.time == 0 and lab.t == 1
    configured(lab, time=0.25)
    assert lab.inputs["time"].tolist() == [0.25]
    assert configured(lab, components=3) and lab.inputs["mixture"].shape == (3, 3)


def test_at_the_last_step_little_of_the_data_is_left() -> None:
    lab = opened(NoiseAndScore, {"time": 1.0})
    x, density = _marginal(lab)
    np.testing.assert_allclose(density, np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi), atol=0.01)
    assert titled(lab.scene(), Plane, "over time").layers


def _marginal(lab: NoiseAndScore) -> tuple[np.ndarray, np.ndarray]:
    (found,) = [candidate for candidate in titled(lab.scene(), Curves, "At t").lines if candidate.name == "q(x_t)"]
    return found.x.numpy(), found.y.numpy()
