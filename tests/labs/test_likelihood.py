"""The laboratory of maximum likelihood: identities add up, gradients fall, forward KL covers and reverse KL seeks."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from lab_bench import Bench, acted, blocks, configured, edited, finding, line, opened, sent, titled
from scipy import stats

from gmstudio.labs import likelihood_models as models
from gmstudio.labs.information import cross_entropy, entropy, kl, total_variation
from gmstudio.labs.likelihood import MaximumLikelihood
from gmstudio.labs.likelihood_scene import LOG_WIDTH, Data, capacity_curves, moments
from gmstudio.protocol.plane_layers import Handles, Paths
from gmstudio.protocol.scenes import Curves, Plane, Table

FAMILIES = ("gaussian", "mixture", "logistic", "histogram")
VIEWS = ("identity", "directions", "overfitting")


@given(seed=st.integers(0, 1000), zeros=st.integers(0, 5))
def test_measures_of_information_agree_with_their_definitions(seed: int, zeros: int) -> None:
    rng = np.random.default_rng(seed)
    p, q = rng.random(12), rng.random(12)
    p[:zeros] = 0
    p, q = p / p.sum(), q / q.sum()
    assert entropy(p) == pytest.approx(stats.entropy(p), abs=1e-12)
    assert kl(p, q) == pytest.approx(stats.entropy(p, q), abs=1e-12) and kl(p, q) >= 0
    assert cross_entropy(p, q) == pytest.approx(entropy(p) + kl(p, q), abs=1e-12)
    assert 0 <= total_variation(p, q) <= 1
    assert (kl(q, p) == cross_entropy(q, p) == float("inf")) == (zeros > 0)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("view", VIEWS)
def test_the_parts_add_up_before_and_after_steps(family: str, view: str) -> None:
    lab = opened(MaximumLikelihood, {"family": family, "view": view}, Bench(every=40))
    for action in ("restart", "step_1", "step_100"):
        scene = acted(lab, action)
        sent(scene)
        if view == "directions":
            continue
        values = titled(scene, Table, "Parts").values.numpy()
        assert np.abs(values[4]).max() < 1e-9
        assert values[2] == pytest.approx(values[0] + values[1], abs=1e-12)
        assert values[3] == pytest.approx(values[2], abs=1e-6)
        masses = lab.fits["model"].model.masses()
        assert masses.sum() == pytest.approx(1, abs=1e-12)
        assert values[3, 0] == pytest.approx(-lab.truth @ np.log(masses / models.WIDTH), abs=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_steps_of_maximum_likelihood_lower_the_cross_entropy(family: str) -> None:
    lab = opened(MaximumLikelihood, {"family": family, "fit_to": "truth"}, Bench(every=40))
    acted(lab, "step_100")
    steps, of_data, of_truth = np.array(lab.fits["model"].track).T
    assert steps.tolist() == list(range(101))
    assert of_data == pytest.approx(of_truth)
    assert of_truth[-1] < of_truth[0] - 0.05
    assert (of_truth >= entropy(lab.truth) + LOG_WIDTH - 1e-9).all()


def test_the_forward_fit_of_a_gaussian_matches_the_moments() -> None:
    lab = opened(MaximumLikelihood, {"view": "directions"}, Bench(every=40))
    for _ in range(5):
        scene = acted(lab, "step_100")
    truth = moments(lab.truth)
    forward, reverse = (moments(lab.fits[name].model.masses()) for name in ("forward", "reverse"))
    # The model is cut off at the ends of the line, so that the moments are those of p* and not the parameters.
    assert forward == pytest.approx(truth, abs=1e-2)
    assert reverse[0] == pytest.approx(2.0, abs=0.15) and reverse[1] == pytest.approx(0.9, abs=0.15)
    values = titled(scene, Table, "Both").values.numpy()
    assert values[0, 0] < values[1, 0] and values[1, 1] < values[0, 1]
    assert values[2, :2].tolist() == [0, 0]


def test_a_reverse_fit_seeks_the_mode_to_which_it_is_dragged() -> None:
    lab = opened(MaximumLikelihood, {"view": "directions"}, Bench(every=40))
    edited(lab, "reverse", [[-2.0, 0.5]])
    for _ in range(3):
        acted(lab, "step_100")
    assert moments(lab.fits["reverse"].model.masses())[0] == pytest.approx(-2.4, abs=0.15)


def test_fits_do_not_fall_below_the_entropy_and_reach_it_where_they_can() -> None:
    lab = opened(MaximumLikelihood, {"family": "mixture", "fit_to": "truth"}, Bench(every=40))
    for _ in range(4):
        acted(lab, "step_100")
    own = titled(lab.scene(), Table, "Parts").values.numpy()[1, 0]
    assert 0 <= own < 1e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_handles_are_where_they_are_dragged(family: str) -> None:
    lab = opened(MaximumLikelihood, {"family": family})
    before = lab.inputs["model"].copy()
    wanted = before.copy()
    wanted[0] += (0.0 if family == "histogram" else 0.3, 0.02)
    edited(lab, "model", wanted)
    assert lab.inputs["model"][0] == pytest.approx(wanted[0], abs=1e-9)
    handles = next(layer for layer in blocks(lab.scene(), Plane)[0].layers if isinstance(layer, Handles))
    assert handles.points.numpy() == pytest.approx(lab.inputs["model"])
    assert lab.fits["model"].model.masses().sum() == pytest.approx(1, abs=1e-12)
    assert len(lab.fits["model"].track) == 1
    edited(lab, "model", np.column_stack([np.full(len(wanted), 99.0), np.full(len(wanted), -1.0)]))
    assert np.isfinite(lab.fits["model"].model.masses()).all()
    sent(lab.scene())


def test_a_dragged_bin_leaves_the_proportions_of_the_others() -> None:
    model = models.Histogram(7)
    points = model.handles()
    points[2, 1] *= 3
    model.drag(points)
    heights = model.handles()[:, 1]
    assert heights[2] == pytest.approx(points[2, 1], abs=1e-9)
    others = np.delete(heights, 2)
    assert others == pytest.approx(np.full(6, others[0]), abs=1e-9)
    assert (heights * model.sizes * models.WIDTH).sum() == pytest.approx(1, abs=1e-9)


def test_a_discretized_logistic_has_the_masses_of_its_levels() -> None:
    model = models.DiscretizedLogistic(24)
    masses = np.bincount(model.level_M, weights=model.masses())
    cdf = stats.logistic(1.0, np.exp(-0.5)).cdf(np.linspace(models.LOW, models.HIGH, 25)[1:-1])
    assert masses == pytest.approx(np.diff(np.concatenate([[0], cdf, [1]])), abs=1e-9)


def test_the_fitted_histogram_is_the_most_likely_one_and_overfits() -> None:
    lab = opened(MaximumLikelihood, {"view": "overfitting", "num_draws": 40})
    data = Data(lab.truth, lab.shares, 40)
    best = models.smoothed_histogram(lab.shares, 40, 12, 0.0)
    fitted = models.Histogram(12)
    optimizer = torch.optim.Adam(fitted.parameters.values(), lr=0.1)
    for _ in range(400):
        optimizer.zero_grad()
        (-(torch.from_numpy(lab.shares) * fitted.log_masses()).sum()).backward()
        optimizer.step()
    assert cross_entropy(lab.shares, fitted.masses()) == pytest.approx(cross_entropy(lab.shares, best), abs=1e-2)
    of_draws, of_truth = capacity_curves(data, 0.0)
    assert of_draws[-1] < of_draws[5] < of_draws[0] and np.isinf(of_truth[-1])
    of_draws, of_truth = capacity_curves(data, 0.5)
    assert np.argmin(of_truth) not in (0, len(of_truth) - 1)
    assert "infinite" not in finding(lab.scene()) and "infinite" in finding(configured(lab, smoothing=0.0))
    assert len(line(titled(lab.scene(), Curves, "histograms"), "of p*")[0]) < len(of_truth)


def test_the_draws_are_shown_as_a_histogram_of_area_one() -> None:
    plane = blocks(opened(MaximumLikelihood, {"num_draws": 77}).scene(), Plane)[0]
    outline = next(layer for layer in plane.layers if isinstance(layer, Paths) and "histogram" in layer.name)
    x, y = outline.points.numpy()[0].T
    assert (np.diff(x) * y[1:]).sum() == pytest.approx(1, abs=1e-9)
    counts = y * 77 * (models.HIGH - models.LOW) / 40
    assert counts == pytest.approx(np.round(counts), abs=1e-6)


def test_few_draws_are_the_first_of_many() -> None:
    lab = opened(MaximumLikelihood, {"num_draws": 1})
    assert sorted(set(lab.shares)) == [0, 1]
    sent(lab.scene())
    configured(lab, num_draws=10_000)
    assert total_variation(lab.shares, lab.truth) < 0.12
    assert lab.shares.sum() == pytest.approx(1)


def test_other_settings_keep_the_parameters_or_begin_again() -> None:
    lab = opened(MaximumLikelihood, {}, Bench(every=40))
    acted(lab, "step_100")
    place = lab.inputs["model"].copy()
    configured(lab, target="three")
    assert lab.inputs["model"] == pytest.approx(place) and len(lab.fits["model"].track) == 1
    configured(lab, learning_rate=0.2)
    assert lab.inputs["model"] == pytest.approx(place)
    configured(lab, family="mixture")
    assert lab.inputs["model"].shape == (2, 2)
    configured(lab, view="directions")
    assert list(lab.inputs) == ["forward", "reverse"]
    acted(lab, "step_1")
    start = lab.inputs["reverse"].copy()
    acted(lab, "restart")
    assert not np.allclose(lab.inputs["reverse"], start)


@pytest.mark.parametrize("view", VIEWS)
def test_actions_from_a_seed_give_the_same_scene(view: str) -> None:
    scenes = []
    for seed in (2, 2, 3):
        lab = opened(MaximumLikelihood, {"view": view, "num_draws": 30}, Bench(seed, every=40))
        acted(lab, "step_1")
        scenes.append(sent(acted(lab, "step_100")))
    assert scenes[0] == scenes[1]
    assert (scenes[0] == scenes[2]) == (view == "directions")  # which is fitted to p* itself


def test_many_bins_have_no_handles_and_say_so() -> None:
    plane = blocks(opened(MaximumLikelihood, {"family": "histogram", "bins": 120}).scene(), Plane)[0]
    assert not any(isinstance(layer, Handles) for layer in plane.layers)
    assert "At most 40 bins" in plane.note
