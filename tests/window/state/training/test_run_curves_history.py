import math

import numpy as np
from training_scene import points

from gmstudio.window.state.training.history import Curve, RunHistory


def test_points_add_up_over_many_growths() -> None:
    curve = Curve()
    for start in range(0, 5000, 7):
        curve.append(np.arange(start, start + 7), np.arange(start, start + 7) / 2)
    assert len(curve) == 5005
    assert np.array_equal(curve.values, curve.steps / 2)
    assert curve.generation == 0


def test_a_resumed_run_replaces_what_came_after_the_checkpoint() -> None:
    curve = Curve()
    curve.append(np.arange(10), np.zeros(10))
    curve.append(np.array([6, 7]), np.ones(2))
    assert curve.steps.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert curve.values.tolist() == [0] * 6 + [1] * 2
    assert curve.generation == 1


def test_reset_replaces_all() -> None:
    history = RunHistory()
    history.merge(points("r", "loss", [1, 2], [3.0, 2.0]))
    history.merge(points("r", "kl", [5], [1.0], reset=True))
    assert history.names() == ["kl"]
    assert history.last("train", "kl") == 1.0
    assert math.isnan(history.last("train", "loss"))
    assert history.last_step() == 5


def test_recent_is_the_median_of_the_newest() -> None:
    history = RunHistory()
    assert math.isnan(history.recent("train", "images_per_s"))
    history.merge(points("r", "images_per_s", range(20), [0.0] * 11 + [5.0] * 8 + [900.0]))
    assert history.recent("train", "images_per_s") == 5.0


def test_best_is_the_lowest_finite_validation_value() -> None:
    history = RunHistory()
    assert history.best("loss") is None
    history.merge(points("r", "loss", [1, 2], [0.0, 0.0]))
    history.merge(points("r", "loss", [50, 100, 150, 200], [9.0, 7.5, float("nan"), 8.0], split="valid"))
    assert history.best("loss") == (100, 7.5)


def test_the_lowest_is_found_again_when_points_come_and_are_replaced() -> None:
    curve, random = Curve(), np.random.default_rng(0)
    assert curve.lowest() is None
    for start in (0, 40, 80, 30, 60):
        curve.append(np.arange(start, start + 45), random.normal(size=45))
        place = int(curve.values.argmin())
        assert curve.lowest() == (curve.steps[place], curve.values[place])
    curve.append(np.arange(10, 12), np.full(2, np.inf))
    assert curve.lowest() == (int(curve.values[:10].argmin()), curve.values[:10].min())


def test_what_is_appended_first_is_not_written_to() -> None:
    curve, steps, values = Curve(), np.arange(10), np.zeros(10)
    curve.append(steps, values)
    curve.append(np.arange(5, 12), np.ones(7))
    assert not values.any() and curve.values.tolist() == [0] * 5 + [1] * 7


def test_curves_of_a_reset_history_are_of_another_generation() -> None:
    """Else what was computed from the earlier points would be taken for theirs."""
    history = RunHistory()
    history.merge(points("r", "loss", [1, 2], [3.0, 2.0]))
    first = history.curve("train", "loss")
    history.merge(points("r", "loss", [1, 2], [5.0, 4.0], reset=True))
    again = history.curve("train", "loss")
    assert first is not None and again is not None and again.generation > first.generation
