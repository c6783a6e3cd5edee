"""The lab of discriminative and generative models: Bayes, exact errors, fits against scikit-learn, errors against n."""

import numpy as np
import pytest
import torch
from lab_bench import Bench, acted, blocks, configured, edited, finding, line, opened, sent, titled
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from gmstudio.labs.discriminative import Discriminative
from gmstudio.labs.two_classes import (
    CELL,
    GRID,
    PENALTY,
    Shape,
    classes_of,
    error_of,
    errors_of_lines,
    features_of,
    fitted_gaussians,
    logistic_regression,
    shared_gaussians,
)
from gmstudio.protocol.scenes import Curves, Numbers, Plane

SHAPES: tuple[Shape, ...] = ("independent", "correlated", "unequal", "moons")


def drawn(
    shape: Shape = "correlated", count: int = 200, seed: int = 0, share: float = 0.5
) -> tuple[np.ndarray, np.ndarray]:
    return classes_of(shape, share).draw(count, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("shape", SHAPES)
def test_exact_errors_are_those_of_many_points(shape: Shape) -> None:
    truth = classes_of(shape, 0.4)
    joint = truth.joint(GRID)
    assert joint.sum() * CELL**2 == pytest.approx(1, abs=0.01)
    assert joint[1].sum() / joint.sum() == pytest.approx(0.4, abs=0.01)
    x, y = drawn(shape, 100_000, share=0.4)
    exact = joint[1] / joint.sum(0)
    of_points = truth.joint(x)
    by_points = ((of_points[1] > of_points[0]) != y).mean()
    assert error_of(exact, joint) == pytest.approx(by_points, abs=0.005)
    for weights in (np.array([[1.0, 0.5, -0.2]]), np.array([[-1.0, 0.3, 0.4]])):
        wrong = ((x @ weights[0, :2] + weights[0, 2] > 0) != y).mean()
        assert errors_of_lines(weights, joint)[0] == pytest.approx(wrong, abs=0.005)


def test_other_coordinates_are_integrated_exactly() -> None:
    truth, generator = classes_of("correlated", 0.5), torch.Generator().manual_seed(1)
    x, y = truth.draw(100_000, generator)
    noise = torch.randn((len(x), 2), generator=generator, dtype=torch.float64).numpy()
    weights = np.array([[1.0, -0.4, 0.8, -0.6, 0.1]])
    wrong = ((np.concatenate([x, noise], 1) @ weights[0, :-1] + weights[0, -1] > 0) != y).mean()
    assert errors_of_lines(weights, truth.joint(GRID))[0] == pytest.approx(wrong, abs=0.005)


@pytest.mark.parametrize("quadratic", [False, True])
def test_newton_steps_reach_the_weights_of_scikit_learn(quadratic: bool) -> None:
    sets = [drawn(count=80, seed=seed) for seed in range(3)]
    x = np.stack([features_of(points, quadratic) for points, _ in sets])
    y = np.stack([labels for _, labels in sets])
    for found, features, labels in zip(logistic_regression(x, y), x, y, strict=True):
        theirs = LogisticRegression(C=1 / PENALTY, tol=1e-10, max_iter=10_000).fit(features, labels)
        np.testing.assert_allclose(found, [*theirs.coef_[0], theirs.intercept_[0]], rtol=1e-3, atol=1e-3)


def test_lda_is_that_of_scikit_learn_and_naive_bayes_has_no_covariances() -> None:
    x, y = drawn()
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(x, y)
    ours = shared_gaussians(x[None], y[None], naive=False)[0]
    np.testing.assert_allclose(ours[:2] / ours[0], theirs.coef_[0] / theirs.coef_[0, 0], rtol=1e-3)
    for kind, naive in (("lda", False), ("naive bayes", True)):
        joint = fitted_gaussians(x, y, kind).joint(GRID)  # type: ignore[arg-type]
        weights = shared_gaussians(x[None], y[None], naive)[0]
        logits = GRID @ weights[:2] + weights[2]
        np.testing.assert_allclose(np.log(joint[1] / joint[0]), logits, atol=0.05 * np.abs(logits).max())
    covariances = [one.covariances[0] for one in fitted_gaussians(x, y, "qda").classes]
    assert np.abs(covariances[0] - covariances[1]).max() > 1e-3
    assert fitted_gaussians(x, y, "naive bayes").classes[0].covariances[0][0, 1] == 0


def test_what_is_read_at_the_point_follows_from_p_of_x_and_y() -> None:
    lab = opened(Discriminative)
    assert edited(lab, "point", [[0.5, 0.25]]) == ""
    scene = lab.scene()
    values = {number.name: float(number.value.split()[0]) for number in blocks(scene, Numbers)[0].numbers}
    joint = fitted_gaussians(lab._x, lab._y, "lda").joint(np.array([[0.5, 0.25]]) // CELL * CELL + CELL / 2)
    assert values["p(y = 1 | x), by Bayes"] == pytest.approx(joint[1, 0] / joint.sum(), abs=1e-4)
    assert values["log p(x)"] == pytest.approx(np.log(joint.sum()), abs=0.01)
    assert values["Bayes error"] <= min(values["Error, logistic regression"], values["Error, by Bayes from p(x, y)"])
    edited(lab, "point", [[9.0, -9.0]])
    assert np.abs(lab.inputs["point"]).max() < 5
    shown = {number.name: number.value for number in blocks(lab.scene(), Numbers)[0].numbers}
    assert shown["Share of p(x) that is rarer"] == "< 0.01 %"
    assert "x is an outlier" in finding(lab.scene())
    edited(lab, "point", [[0.0, 0.0]])
    assert "x is no outlier" in finding(lab.scene())


def test_with_x2_missing_the_model_is_summed_over_it() -> None:
    lab = opened(Discriminative, {"points": 5000, "shape": "independent"})
    curves = titled(lab.scene(), Curves, "x₂ missing")
    (x, model), (_, exact) = line(curves, "model"), line(curves, "exact")
    classes = lab._truth.classes
    first = [np.exp(-0.5 * (x - one.means[0, 0]) ** 2 / one.covariances[0, 0, 0]) for one in classes]
    np.testing.assert_allclose(exact, first[1] / (first[0] + first[1]), atol=1e-3)
    assert np.abs(model - exact).max() < 0.05


def test_errors_against_n_show_that_naive_bayes_needs_fewer_points_and_ends_higher() -> None:
    lab = opened(Discriminative, {"repeats": 20})
    scene = acted(lab, "curve")
    curves = titled(scene, Curves, "Error against n")
    logistic, naive, bayes = (line(curves, name)[1] for name in ("logistic", "naive", "Bayes error"))
    assert (logistic.min(), naive.min()) > (bayes[0] - 1e-3,) * 2
    assert naive[-1] > logistic[-1] + 0.1 and naive[1] < logistic[1] + 0.05
    assert "Mean errors: with 16 points" in finding(scene)
    independent = acted(opened(Discriminative, {"repeats": 20, "shape": "independent"}), "curve")
    found = titled(independent, Curves, "Error against n")
    assert (line(found, "naive")[1][1:5] < line(found, "logistic")[1][1:5]).all(), "Where its assumption holds it wins."
    assert len(titled(configured(lab, others=3), Curves, "Error against n").lines[1].x.numpy()) == 0


def test_a_family_is_trained_on_each_class_and_is_a_distribution() -> None:
    lab = opened(Discriminative, {"generative": "made", "points": 1000, "shape": "moons"}, Bench(steps=150))
    assert "has not been trained yet" in finding(lab.scene())
    scene = acted(lab, "train")
    assert lab._trained is not None
    assert lab._trained.sum() * CELL**2 == pytest.approx(1, abs=1e-5)
    values = {number.name: float(number.value.split()[0]) for number in blocks(scene, Numbers)[0].numbers}
    assert values["Error, by Bayes from p(x, y)"] < values["Error, logistic regression"]
    assert "has not been trained yet" in finding(configured(lab, points=500))


def test_the_button_trains_a_made_where_no_family_is_chosen() -> None:
    lab = opened(Discriminative, {"points": 100}, Bench(steps=5))
    acted(lab, "train")
    assert lab.config.generative == "made" and lab._trained is not None


def test_actions_of_one_seed_give_one_scene_and_other_points_other_fits() -> None:
    labs = [opened(Discriminative, {"repeats": 5}, Bench(seed)) for seed in (1, 1, 2)]
    scenes = [sent(acted(lab, "curve")) for lab in labs]
    assert scenes[0] == scenes[1] != scenes[2]
    assert sent(acted(labs[0], "redraw")) != scenes[0]
    assert len(blocks(labs[0].scene(), Plane)) == 3
