"""The lab of the bound: the identity for any q, quadrature against estimates, gradients, handles."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from lab_bench import Bench, acted, configured, edited, finding, line, opened, sent, titled

from gmstudio.data import load
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.labs.base import ReadyModel
from gmstudio.labs.bound import Bound
from gmstudio.labs.bound_terms import (
    CodeModel,
    Gaussian2,
    gradient_draws,
    log_means,
    mean_gradient,
    terms_of,
    tighten,
    true_posterior,
)
from gmstudio.protocol.scenes import Curves, Pictures, Plane, Sentence, Table

EXAMPLE = Path(__file__).parents[2] / "resources" / "examples" / "vae-2d"
DIGITS = {"levels": 2}


@pytest.fixture(scope="module")
def ready() -> ReadyModel:
    model = ModelCache().load(str(EXAMPLE), torch.device("cpu")).model
    return ReadyModel(model, 6000, "VAE with two latent dimensions", load("digits", DIGITS))


@pytest.fixture
def lab(ready: ReadyModel) -> Iterator[Bound]:
    yield opened(Bound, {"draws": 5_000}, Bench(models={"vae": ready}))


def image_of(ready: ReadyModel, index: int) -> CodeModel:
    assert ready.dataset is not None
    return CodeModel(ready.model, torch.from_numpy(ready.dataset.view("valid", range(index, index + 1))))  # type: ignore[arg-type]


@pytest.mark.parametrize("index", [0, 1, 5, 40])
def test_log_p_is_the_same_on_a_plain_grid_and_near_the_estimate_of_the_family(index: int, ready: ReadyModel) -> None:
    image = image_of(ready, index)
    found = true_posterior(image)
    axis = np.linspace(-5, 5, 601)
    plain = image.log_joint(np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2))
    assert found.log_evidence == pytest.approx(np.logaddexp.reduce(plain) + 2 * np.log(axis[1] - axis[0]), abs=1e-3)
    estimate = ready.model.log_prob_estimate(image.x_1CHW, 20_000, torch.Generator().manual_seed(0))  # type: ignore[operator]
    assert found.log_evidence == pytest.approx(float(estimate), abs=0.02)
    area = np.prod([places[1] - places[0] for places in found.axes])
    assert found.density.sum() * area == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("mean", [(0.0, 0.0), (1.5, -1.0)])
@pytest.mark.parametrize("deviation", [(0.2, 0.3), (1.0, 1.0), (0.01, 1.0), (0.1, 0.1), (2.0, 2.0), (1.0, 0.005)])
def test_the_three_terms_add_up_for_any_q(
    mean: tuple[float, float], deviation: tuple[float, float], ready: ReadyModel
) -> None:
    image = image_of(ready, 0)
    terms = terms_of(image, true_posterior(image), Gaussian2(np.array(mean), np.array(deviation)))
    assert terms.total == pytest.approx(terms.log_evidence, abs=1e-3)
    assert terms.kl_posterior > 0 and terms.kl_prior >= 0 and terms.bound < terms.log_evidence


def test_the_bound_is_that_of_the_family_and_gradient_steps_raise_it(ready: ReadyModel) -> None:
    image = image_of(ready, 0)
    posterior = true_posterior(image)
    q = Gaussian2(*(values[0].double().detach().numpy() for values in ready.model.posterior(image.x_1CHW)))  # type: ignore[operator]
    before = terms_of(image, posterior, q)
    elbo = ready.model.elbo(image.x_1CHW, 20_000, torch.Generator().manual_seed(0))  # type: ignore[operator]
    assert before.bound == pytest.approx(float(elbo), abs=0.05)
    *_, best = tighten(image, q, 150)
    assert terms_of(image, posterior, best).kl_posterior < before.kl_posterior - 0.1


def test_both_gradients_have_the_mean_of_quadrature_and_the_score_function_far_more_variance(ready: ReadyModel) -> None:
    image, q = image_of(ready, 0), Gaussian2(np.array([0.2, 1.8]), np.array([0.2, 0.4]))
    exact = mean_gradient(image, q)
    step = 1e-3
    posterior = true_posterior(image)
    for axis in range(2):
        moved = np.eye(2)[axis] * step
        up, down = (terms_of(image, posterior, Gaussian2(q.mean + s * moved, q.deviation)) for s in (1, -1))
        assert exact[axis] == pytest.approx((up.reconstruction - down.reconstruction) / (2 * step), abs=0.05)
    found = gradient_draws(image, q, 20_000, torch.Generator().manual_seed(0))
    for draws in found.values():
        assert np.abs(draws.mean(0) - exact).max() < 5 * np.sqrt(draws.var(0).max() / len(draws))
    variances = {name: draws.var(0).sum() for name, draws in found.items()}
    assert variances["score function, mean as baseline"] / variances["reparametrized"] > 1
    assert variances["score function"] / variances["reparametrized"] > 10


def test_means_of_groups_are_bounds_that_rise_with_their_size() -> None:
    log_weights = np.log(np.random.RandomState(0).gamma(0.2, size=100_000))
    found = [float(estimates.mean()) for estimates in log_means(log_weights, (1, 10, 100, 10_000))]
    assert found == sorted(found) and found[-1] == pytest.approx(np.log(0.2), abs=0.02)
    assert [len(estimates) for estimates in log_means(log_weights, (1, 30_000))] == [100_000, 3]


def test_handles_move_together_and_deviations_stay_in_their_limits(lab: Bound) -> None:
    before = lab.q
    moved = lab.inputs["q"].copy()
    moved[0] += (0.5, -0.25)
    assert edited(lab, "q", moved) == ""
    np.testing.assert_allclose(lab.q.mean, before.mean + np.array([0.5, -0.25]))
    np.testing.assert_allclose(lab.q.deviation, before.deviation)
    wide = lab.inputs["q"].copy()
    wide[1] += (7, 3)
    assert "it stays from 0.005 to 2" in edited(lab, "q", wide)
    assert lab.q.deviation[0] == 2 and lab.inputs["q"][1, 1] == lab.inputs["q"][0, 1]
    acted(lab, "encoder")
    np.testing.assert_allclose(lab.q.mean, before.mean)


def test_an_edit_of_all_handles_is_restored_as_it_was(lab: Bound) -> None:
    q = Gaussian2(np.array([0.3, -0.4]), np.array([0.2, 0.6]))
    edited(lab, "q", q.mean + np.array([[0, 0], [0.2, 0], [0, 0.6]]))
    np.testing.assert_allclose(lab.q.mean, q.mean)
    np.testing.assert_allclose(lab.q.deviation, q.deviation)


def test_every_action_gives_the_same_scene_from_the_same_seed(ready: ReadyModel) -> None:
    labs = [opened(Bound, {"draws": 5_000}, Bench(seed, {"vae": ready})) for seed in (1, 1, 2)]
    scenes = []
    for lab in labs:
        for action in ("tighten", "estimate", "gradients"):
            scene = acted(lab, action)
        scenes.append(sent(scene))
    assert scenes[0] == scenes[1] != scenes[2]
    assert np.isfinite(titled(labs[0].scene(), Table, "Gradient").values.numpy()[1:]).all()
    assert "times that of the reparametrized" in finding(labs[0].scene())
    bound = titled(labs[0].scene(), Curves, "Importance-weighted")
    sizes, means = line(bound, "mean")
    assert sizes[0] == 1 and sizes[-1] == 5000 and means[0] < means[-1] < line(bound, "log p(x)")[1][0] + 0.05
    assert "From 100 codes of the prior" in finding(labs[0].scene())


def test_another_image_begins_at_the_encoders_q_and_without_estimates(lab: Bound) -> None:
    acted(lab, "estimate")
    scene = configured(lab, image=3)
    assert titled(scene, Pictures, "Image 3, and means")
    assert len(titled(scene, Curves, "Importance-weighted").lines) == 1
    assert titled(scene, Plane, "True posterior").layers


def test_a_run_with_other_codes_is_not_used_and_the_reason_is_said(ready: ReadyModel) -> None:
    bench = Bench(steps=2)
    other = bench.build("vae", {"num_latent": 3, "num_hidden": 8}, load("digits", DIGITS))
    lab = opened(Bound, {}, Bench(models={"vae": ReadyModel(other, 1, "Three", ready.dataset)}, steps=2))
    text = " ".join(getattr(block, "text", "") for row in lab.scene().rows for block in row)
    assert "“Three” has not two latent dimensions" in text and "trained just now" in text
    assert abs(terms_of_scene(lab)) < 1e-3


def terms_of_scene(lab: Bound) -> float:
    assert lab._image is not None and lab._posterior is not None
    terms = terms_of(lab._image, lab._posterior, lab.q)
    return terms.total - terms.log_evidence


def test_the_parameters_of_both_networks_are_counted(lab: Bound, ready: ReadyModel) -> None:
    words = [block.text for row in lab.scene().rows for block in row if isinstance(block, Sentence)][-1]
    phi, theta = (int(number.replace(",", "")) for number in re.findall(r"([\d,]+) parameters [φθ]", words))
    assert phi + theta == ready.model.num_parameters() and phi > 64 * 2 and theta > 64 * 2
