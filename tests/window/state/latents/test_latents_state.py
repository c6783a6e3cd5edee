"""The state behind the Latents panel: the code, what follows it, and an engine that dies."""

import math

import numpy as np
import pytest
import torch
from latent_engine import DIMS, VAE, WIDE, LatentEngine
from latent_fixture import engine
from latents_state_fixture import settle, shown, state
from pytestqt.qtbot import QtBot

from gmstudio.protocol.base import Command
from gmstudio.protocol.data import BrowseData
from gmstudio.protocol.latents import ComputeDimensionStats, Decode
from gmstudio.protocol.runs import OpenRun
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.runs.library import RunLibrary

__all__ = ["engine", "state"]


def test_a_run_opens_at_the_priors_mean(state: LatentsState, engine: LatentEngine) -> None:
    assert state.code.num_dims == DIMS
    assert not state.code.values.any()
    assert np.array_equal(shown(state).image, engine.means(VAE, state.code.values))
    assert shown(state).step == 300
    assert state.dimension_stats.kl is not None and state.gallery.page is not None


def test_nothing_is_requested_before_the_panel_is_active(qtbot: QtBot, engine: LatentEngine) -> None:
    state = LatentsState(engine, RunLibrary(engine))
    engine.hello()
    state.choose_run(VAE)
    engine.serve()
    assert not [c for c in engine.sent if isinstance(c, OpenRun | Decode | ComputeDimensionStats | BrowseData)]


def test_the_image_follows_the_code(state: LatentsState, engine: LatentEngine) -> None:
    state.code.set_value(3, 1.5)
    engine.serve()
    assert state.code.values.tolist() == [0, 0, 0, 1.5, 0]
    assert np.array_equal(shown(state).code, state.code.values)
    assert np.array_equal(shown(state).image, engine.means(VAE, state.code.values))


def test_a_fast_drag_keeps_one_request_in_flight_and_ends_at_the_newest(
    state: LatentsState, engine: LatentEngine
) -> None:
    for value in np.linspace(0.1, 2.0, 20):
        state.code.set_value(1, float(value))
    images = [c for c in engine.unanswered(Decode) if c.codes.shape[0] == 1]
    assert len(images) == 1
    engine.serve()
    images = [c for c in engine.sent if isinstance(c, Decode) and c.codes.shape[0] == 1]
    assert len(images) == 1 + 2  # at first, the first of the drag, the last of the drag
    assert shown(state).code[1] == pytest.approx(2.0)


def test_what_is_shown_names_its_request_and_its_own_code(state: LatentsState, engine: LatentEngine) -> None:
    state.code.set_value(0, 1.0)
    state.code.set_value(0, 2.0)
    waiting = engine.unanswered(Command)
    first = next(c for c in waiting if isinstance(c, Decode) and c.codes.shape[0] == 1)
    engine.serve(1 + waiting.index(first))
    assert shown(state).request == first.request
    assert shown(state).code[0] == 1.0
    engine.serve()
    assert shown(state).code[0] == 2.0


def test_values_are_cut_and_nonsense_is_refused(state: LatentsState) -> None:
    state.code.set_value(0, 9.0)
    assert state.code.values[0] == 6.0
    with pytest.raises(ValueError, match="Dimension 0 cannot be nan"):
        state.code.set_value(0, math.nan)
    with pytest.raises(ValueError, match="no latent dimension 5"):
        state.code.set_value(5, 0.0)
    with pytest.raises(ValueError, match="shape"):
        state.code.set_values(np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="finite"):
        state.code.set_values(np.full(DIMS, math.inf, np.float32))


def test_locked_dimensions_stay(state: LatentsState) -> None:
    state.code.set_value(2, 1.25)
    state.code.set_locked(2, True)
    for change in (state.code.randomize, state.code.perturb, state.code.reset, lambda: state.interpolation.go_to(0.5)):
        change()
        assert state.code.values[2] == 1.25
    state.code.set_locked(2, False)
    state.code.reset()
    assert not state.code.values.any()


def test_randomize_is_the_prior_and_repeats_with_a_seed(state: LatentsState) -> None:
    state.code.randomize(4)
    first = state.code.values
    state.code.randomize()
    assert not np.array_equal(state.code.values, first)
    state.code.randomize(4)
    assert np.array_equal(state.code.values, first)


def test_perturbing_preserves_the_prior(state: LatentsState, engine: LatentEngine) -> None:
    state.choose_run(WIDE)
    engine.serve()
    state.code.randomize(0)
    codes, steps = [], []
    for seed in range(1, 60):
        before = state.code.values
        state.code.perturb(seed)
        codes.append(state.code.values)
        steps.append(np.corrcoef(before, state.code.values)[0, 1])
    assert np.mean(np.square(codes)) == pytest.approx(1.0, abs=0.1)
    assert np.mean(steps) == pytest.approx(math.sqrt(1 - 0.3**2), abs=0.03)


def test_the_traversal_runs_along_the_dimension_touched_last(
    qtbot: QtBot, state: LatentsState, engine: LatentEngine
) -> None:
    state.code.randomize(1)
    state.code.set_value(4, 0.5)
    settle(qtbot, engine, state)
    assert state.code.dim == 4
    assert state.strips.traversal.images is not None
    for value, image in zip(state.strips.traversed, state.strips.traversal.images, strict=True):
        code = state.code.values.copy()
        code[4] = value
        assert np.array_equal(image, engine.means(VAE, code))


def test_moving_along_the_traversal_requests_no_other(qtbot: QtBot, state: LatentsState, engine: LatentEngine) -> None:
    state.code.choose_dim(4)
    settle(qtbot, engine, state)
    before = len(engine.sent)
    state.code.set_value(4, 2.0)
    settle(qtbot, engine, state)
    images = [c.codes.shape[0] for c in engine.sent[before:] if isinstance(c, Decode) and not c.measure]
    assert images == [1]


def test_dimensions_are_sorted_by_kl_and_collapsed_ones_are_known(state: LatentsState, engine: LatentEngine) -> None:
    model = engine.models[VAE]
    with torch.no_grad():  # the encoder's last layer gives (μ, log σ²): dimension 1 carries no information, 3 the most
        last = [m for m in model.encoder.modules() if isinstance(m, torch.nn.Linear)][-1]
        last.weight[[1, DIMS + 1]] = 0
        last.bias[[1, DIMS + 1]] = 0
        last.bias[3] = 5.0
    state.dimension_stats.compute()
    engine.serve()
    assert state.dimension_stats.collapsed is not None
    assert state.dimension_stats.collapsed.tolist().index(True) == 1
    order = state.dimension_stats.order()
    assert order[0] == 3 and order[-1] == 1
    state.dimension_stats.set_sort("index")
    assert state.dimension_stats.order() == [0, 1, 2, 3, 4]
    state.dimension_stats.set_sort("pixel_change")
    effect = state.dimension_stats.pixel_change
    assert effect is not None and state.dimension_stats.order()[0] == int(np.argmax(effect))


def test_at_first_the_traversal_is_along_the_dimension_that_matters_most(state: LatentsState) -> None:
    assert state.code.dim == state.dimension_stats.order()[0]
    state.code.choose_dim(state.dimension_stats.order()[2])
    state.dimension_stats.changed.emit()
    assert state.code.dim == state.dimension_stats.order()[2]


def test_the_next_dimension_is_the_one_below(state: LatentsState) -> None:
    order = state.dimension_stats.order()
    state.code.choose_dim(order[0])
    state.step_dim(-1)
    assert state.code.dim == order[0]
    state.step_dim(2)
    assert state.code.dim == order[2]
