"""The code of a view: base, amounts, locks and traversed dimension agree whenever a signal is emitted."""

import math

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gmstudio.window.state.latents.code import MAX_AMOUNT, LatentCode
from gmstudio.window.state.latents.code_range import RANGES
from gmstudio.window.state.latents.direction import Direction

DIMS = 3
SLANT = Direction("slant", np.array([1.0, 0.5, 0.0], np.float32), "components")
OTHER = Direction("other", np.array([0.0, 0.25, 1.0], np.float32), "difference")


@pytest.fixture
def code(qtbot: QtBot) -> LatentCode:
    code = LatentCode()
    code.restart(DIMS, RANGES["normal"])
    return code


def sum_of(code: LatentCode) -> np.ndarray:
    """(Z,) base plus directions, clipped."""
    total = code.base.astype(np.float64)
    for direction, amount in code.amounts.items():
        total = total + amount * direction.vector
    return total.clip(-6, 6)


def test_signals_follow_when_all_values_agree(code: LatentCode) -> None:
    seen: list[str] = []

    def check(name: str) -> None:
        seen.append(name)
        np.testing.assert_allclose(code.values, sum_of(code), atol=1e-6)

    code.values_changed.connect(lambda: check("values"))
    code.amounts_changed.connect(lambda: check("amounts"))
    code.dim_changed.connect(lambda: check("dim"))
    code.set_amount(SLANT, 2.0)
    assert sorted(seen) == ["amounts", "values"]
    seen.clear()
    code.set_value(2, 1.5)
    assert sorted(seen) == ["dim", "values"] and code.amount(SLANT) == 2.0
    seen.clear()
    code.move_to(np.array([0.5, 0.5, 0.5], np.float32))
    assert seen == ["values"] and code.amount(SLANT) == 2.0
    seen.clear()
    code.set_values(code.values)
    assert seen == ["amounts"] and not code.amounts
    seen.clear()
    code.set_values(code.values)
    assert not seen


def test_a_slot_may_set_the_code_again(code: LatentCode) -> None:
    """A slot that reacts to a change by another one leaves values that agree."""
    code.amounts_changed.connect(lambda: code.set_value(0, -1.0) if code.values[0] != -1.0 else None)
    code.set_amount(SLANT, 1.0)
    assert code.values[0] == -1.0 and code.amount(SLANT) == 1.0
    np.testing.assert_allclose(code.values, sum_of(code), atol=1e-6)


def test_an_unlocked_dimension_stays_where_it_is(code: LatentCode) -> None:
    code.set_value(0, 1.0)
    code.set_locked(0, True)
    code.set_amount(SLANT, 2.0)
    assert code.values.tolist() == [1.0, 1.0, 0.0]
    code.set_locked(0, False)
    code.set_amount(OTHER, 1.0)
    np.testing.assert_allclose(code.values, [1.0, 1.25, 1.0], atol=1e-6)
    code.set_amount(SLANT, 0.0)
    np.testing.assert_allclose(code.values, [-1.0, 0.25, 1.0], atol=1e-6)


def test_a_detached_direction_leaves_the_code_where_it_is(code: LatentCode) -> None:
    code.set_amount(SLANT, 2.0)
    code.set_amount(OTHER, 1.0)
    before = code.values
    code.detach([SLANT])
    assert code.values is before and dict(code.amounts) == {OTHER: 1.0}
    code.set_amount(OTHER, 0.0)
    np.testing.assert_allclose(code.values, [2.0, 1.0, 0.0], atol=1e-6)


def test_an_exchanged_direction_has_the_amount_of_the_former(code: LatentCode) -> None:
    renamed = Direction("renamed", SLANT.vector, SLANT.kind)
    code.set_amount(SLANT, 2.0)
    before = code.values
    code.exchange(SLANT, renamed)
    assert code.values is before and dict(code.amounts) == {renamed: 2.0}


def test_amounts_are_clipped_and_nonsense_is_refused(code: LatentCode) -> None:
    code.set_amount(SLANT, 99.0)
    assert code.amount(SLANT) == MAX_AMOUNT and code.values.tolist() == [6.0, 3.0, 0.0]
    with pytest.raises(ValueError, match="slant cannot be nan"):
        code.set_amount(SLANT, math.nan)
    with pytest.raises(ValueError, match="wide has 4 dimensions, this latent space 3"):
        code.set_amount(Direction("wide", np.ones(4, np.float32), "map"), 1.0)
    assert dict(code.amounts) == {SLANT: MAX_AMOUNT}


def test_a_suggested_dimension_gives_way_to_a_chosen_one(code: LatentCode) -> None:
    code.suggest_dim(2)
    assert code.dim == 2
    code.suggest_dim(1)
    assert code.dim == 2
    code.restart(DIMS, RANGES["normal"])
    code.set_value(0, 0.5)
    code.suggest_dim(1)
    assert code.dim == 0


def test_a_saved_view_is_restored_where_it_fits(code: LatentCode) -> None:
    code.set_amount(SLANT, 1.0)
    code.set_locked(1, True)
    code.choose_dim(2)
    view = code.view
    code.restart(2, RANGES["bernoulli"], view)
    assert code.values.tolist() == [0.0, 0.0] and not code.locked.any() and code.dim == 0
    code.restart(DIMS, RANGES["normal"], view)
    np.testing.assert_array_equal(code.values, view.values)
    assert code.locked.tolist() == [False, True, False] and code.dim == 2 and not code.amounts
