import math

import pytest
from training_scene import ELBO, GAME, SPEC, WEIGHTED, points

from gmstudio.protocol.families import Objective, Term
from gmstudio.window.state.training.curves import group_of, headline_of, label_of, loss_compares, number, unit_factor
from gmstudio.window.state.training.history import RunHistory


def test_terms_of_one_unit_share_a_plot() -> None:
    assert group_of(ELBO, "loss", "nats") == group_of(ELBO, "kl", "nats")
    assert group_of(GAME, "d_real", "nats") == group_of(GAME, "d_fake", "nats")
    assert group_of(GAME, "d_real", "nats") != group_of(GAME, "generator_loss", "nats")
    assert group_of(GAME, "grad_norm_generator", "nats").title == "Gradient"
    assert group_of(None, "something_else", "nats").title == "something else"


def test_a_count_is_no_loss() -> None:
    active = Term("active_dimensions", "n", "How many.", "dimensions")
    objective = Objective(ELBO.latex, (*ELBO.terms, active))
    group = group_of(objective, "active_dimensions", "nats")
    assert group.title == "Dimensions" and not group.key.startswith("loss")


def test_bits_per_dimension_only_where_they_mean_something() -> None:
    bits = 1 / (64 * math.log(2))
    assert unit_factor(ELBO, "loss", "bits/dim", SPEC) == pytest.approx(bits)
    assert unit_factor(ELBO, "kl", "bits/dim", SPEC) == pytest.approx(bits)
    assert unit_factor(ELBO, "loss", "nats", SPEC) == 1
    assert unit_factor(GAME, "generator_loss", "bits/dim", SPEC) == 1
    assert unit_factor(WEIGHTED, "loss", "bits/dim", SPEC) == 1
    assert group_of(ELBO, "loss", "bits/dim").unit == "bits/dim"
    assert group_of(GAME, "generator_loss", "bits/dim").unit == "nats"


def test_headline() -> None:
    history = RunHistory()
    assert headline_of(ELBO, history) == ""
    history.merge(points("r", "loss", [1], [2.0], split="valid"))
    assert headline_of(ELBO, history) == "loss"
    assert headline_of(GAME, RunHistory()) == ""


def test_a_loss_that_does_not_compare_is_no_headline() -> None:
    history = RunHistory()
    history.merge(points("r", "loss", [1], [2.0], split="valid"))
    difference = Objective("F - F", (Term("loss", "F - F", "Near 0.", "nats", comparable=False),))
    assert headline_of(difference, history) == "" and not loss_compares(difference)
    assert headline_of(WEIGHTED, history) == "loss" and loss_compares(WEIGHTED) and loss_compares(None)
    bounded = Objective("F", (*difference.terms, Term("nll", "L", "Bound.", "nats", per_image_nats=True)))
    history.merge(points("r", "nll", [1], [3.0], split="valid"))
    assert headline_of(bounded, history) == "nll"


def test_labels_and_numbers() -> None:
    assert label_of("grad_norm_generator") == "generator"
    assert label_of("generator_loss", GAME) == "generator loss"
    assert [label_of(name, GAME) for name in ("d_real", "d_fake")] == ["D(x)", "D(G(z))"]
    assert [number(v) for v in (float("nan"), 0.01234567, 123.456, 12345.6)] == ["–", "0.01235", "123.5", "12,346"]
