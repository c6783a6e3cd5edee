"""Directions, arithmetic on codes, and annotations that are kept with a run."""

import numpy as np
import pytest
import torch
from latent_engine import DIMS, GAN, VAE, LatentEngine
from latent_fixture import active_state, engine, state
from pytestqt.qtbot import QtBot

from gmstudio.media.fit import Fitting
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.latents import EncodeImage
from gmstudio.protocol.runs import KeepAnnotations
from gmstudio.window.state.latents.direction import Direction
from gmstudio.window.state.latents.directions import LatentDirections
from gmstudio.window.state.latents.state import LatentsState

__all__ = ["engine", "state"]


@pytest.fixture
def directions(state: LatentsState, engine: LatentEngine) -> LatentDirections:
    state.directions.set_count(3)
    state.directions.find()
    engine.serve()
    assert len(state.directions.found) == 3
    return state.directions


def test_components_are_found_and_added_to_the_code(directions: LatentDirections, state: LatentsState) -> None:
    state.code.randomize(1)
    base = state.code.values
    first, second, _ = directions.found
    state.code.set_amount(first, 2.0)
    np.testing.assert_allclose(state.code.values, base + 2 * first.vector, atol=1e-5)
    state.code.set_amount(second, -1.0)
    state.code.set_amount(first, 0.0)
    state.code.set_amount(second, 0.0)
    np.testing.assert_array_equal(state.code.values, base)


def test_a_coordinate_goes_where_it_is_set_with_an_amount_along_a_direction(
    directions: LatentDirections, state: LatentsState
) -> None:
    first = directions.found[0]
    state.code.set_amount(first, 1.0)
    state.code.set_value(2, 0.75)
    assert state.code.values[2] == 0.75 and state.code.amount(first) == 1.0
    state.code.set_amount(first, 0.0)
    assert state.code.values[2] == pytest.approx(0.75 - float(first.vector[2]), abs=1e-6)
    assert not np.delete(state.code.values, 2).any()


def test_going_too_far_and_back_is_exact(directions: LatentDirections, state: LatentsState) -> None:
    far = Direction("far", np.full(DIMS, 4.0, np.float32), "difference")
    directions.add(far)
    state.code.set_amount(far, 3.0)
    assert state.code.values.tolist() == [6.0] * DIMS
    state.code.set_amount(far, 0.0)
    assert not state.code.values.any()


def test_a_whole_code_takes_all_directions_out(directions: LatentDirections, state: LatentsState) -> None:
    state.code.set_amount(directions.found[0], 1.0)
    state.code.randomize(5)
    assert state.code.amount(directions.found[0]) == 0.0
    drawn = state.code.values
    state.code.set_amount(directions.found[1], 1.0)
    state.code.set_amount(directions.found[1], 0.0)
    np.testing.assert_array_equal(state.code.values, drawn)


def test_directions_of_another_kind_stay(
    directions: LatentDirections, state: LatentsState, engine: LatentEngine
) -> None:
    before = directions.found
    directions.set_kind("labels")
    for labels in ((8, 3), (1, 7), (8, 3)):
        directions.set_labels(*labels)
        directions.find()
        engine.serve()
    assert directions.found[:3] == before
    assert [d.name for d in directions.found[3:]] == ["1 → 7", "8 → 3"]
    directions.set_kind("components")
    directions.find()
    engine.serve()
    assert [d.kind for d in directions.found] == ["labels"] * 2 + ["components"] * 3
    assert not set(before) & set(directions.found)


def test_labels_lead_from_one_to_the_other(state: LatentsState, engine: LatentEngine) -> None:
    state.directions.set_kind("labels")
    state.directions.set_labels(8, 3)
    state.directions.find()
    engine.serve()
    (found,) = state.directions.found
    assert found.name == "8 → 3" and "class-mean difference" in found.unit
    state.directions.set_labels(3, 3)
    state.directions.find()
    engine.serve()
    assert "no two different sets" in state.directions.problem


def test_directions_that_a_family_lacks_are_named(state: LatentsState, engine: LatentEngine) -> None:
    assert state.directions.obstacle("components") == ""
    state.choose_run(GAN)
    engine.serve()
    assert "no encoder" in state.directions.obstacle("components")
    assert state.directions.kind == "features"
    state.directions.find()
    engine.serve()
    assert state.directions.found and state.directions.problem == ""


def test_saved_directions_and_names_come_back_with_the_run(
    qtbot: QtBot, directions: LatentDirections, state: LatentsState, engine: LatentEngine
) -> None:
    direction = directions.found[1]
    directions.save(direction)
    directions.rename(directions.saved[0], "  slant  ")
    state.annotations.rename(2, "weight")
    engine.serve()
    assert engine.annotations[VAE]["dimension_names"] == {"2": "weight"}
    assert len(directions.found) == 2 and state.annotations.label(2) == "weight (z₂)"
    state.set_active(False)
    other = active_state(engine)
    assert [d.name for d in other.directions.saved] == ["slant"]
    np.testing.assert_allclose(other.directions.saved[0].vector, direction.vector, atol=1e-5)
    assert other.annotations.label(2) == "weight (z₂)" and other.annotations.label(1) == "z₁"
    other.directions.delete(other.directions.saved[0])
    other.annotations.rename(2, "")
    engine.serve()
    assert engine.annotations[VAE] == {"dimension_names": {}, "directions": []}
    other.set_active(False)


def test_what_the_engine_could_not_keep_is_kept_when_it_is_back(state: LatentsState, engine: LatentEngine) -> None:
    state.annotations.rename(0, "size")
    engine.die()
    state._library.lose_engine()
    assert VAE not in engine.annotations
    engine.hello()
    engine.serve()
    assert engine.annotations[VAE]["dimension_names"] == {"0": "size"}
    assert state.annotations.names == {0: "size"} and state.annotations.problem == ""


def test_annotations_that_cannot_be_written_are_reported(state: LatentsState, engine: LatentEngine) -> None:
    state.annotations.rename(0, "size")
    request = engine.last(KeepAnnotations).request
    engine.deliver(CommandFailed(request=request, command="KeepAnnotations", message="The disk is full."))
    assert state.annotations.problem == "The disk is full."


def test_annotations_that_make_no_sense_are_reported_and_left_out(qtbot: QtBot, engine: LatentEngine) -> None:
    engine.annotations[VAE] = {
        "dimension_names": {"0": "good", "99": "beyond", "x": "no", "1": 5},
        "directions": [{"name": "short", "kind": "labels", "vector": [1.0]}, "nonsense"],
        "others": [1, 2],
    }
    state = active_state(engine)
    assert state.annotations.names == {0: "good"} and state.annotations.directions == ()
    assert state.annotations.problem.startswith("5 entries")
    state.annotations.rename(1, "new")
    engine.serve()
    assert engine.annotations[VAE]["others"] == [1, 2]
    state.set_active(False)


def test_arithmetic_on_images_and_codes(state: LatentsState, engine: LatentEngine) -> None:
    arithmetic = state.arithmetic
    state.code.randomize(1)
    mine = state.code.values
    arithmetic.set_to_code()
    assert arithmetic.slot == "b" and arithmetic.result is None
    arithmetic.set_to_image("valid", 4)
    arithmetic.set_to_image("test", 2)
    engine.serve()
    assert arithmetic.slot == "a" and arithmetic.problem == ""
    b, c = arithmetic.operands["b"], arithmetic.operands["c"]
    assert b.title == f"{engine.dataset.valid.labels[4]} (validation 4)"
    assert b.label == str(engine.dataset.valid.labels[4])
    result = np.clip(mine - b.code + c.code, -6, 6)
    np.testing.assert_array_equal(arithmetic.result, result)
    assert np.array_equal(arithmetic.images["result"], engine.means(VAE, result))
    arithmetic.go_to_result()
    np.testing.assert_array_equal(state.code.values, result)
    difference = arithmetic.difference
    assert difference is not None
    state.directions.add(difference)
    state.code.set_amount(difference, 0.5)
    np.testing.assert_allclose(state.code.values, result + 0.5 * (c.code - b.code), atol=1e-5)


def test_arithmetic_goes_on_after_the_engines_death(state: LatentsState, engine: LatentEngine) -> None:
    for _ in range(3):
        state.arithmetic.set_to_image("valid", 1)
    engine.die()
    state._library.lose_engine()
    engine.hello()
    engine.serve()
    assert state.arithmetic.problem == ""
    state.arithmetic.choose_slot("a")
    for _ in range(3):
        state.arithmetic.set_to_image("valid", 1)
    engine.serve()
    assert state.arithmetic.result is not None and "result" in state.arithmetic.images


def test_pictures_are_operands_too_and_are_encoded_again(state: LatentsState, engine: LatentEngine) -> None:
    arithmetic = state.arithmetic
    picture = np.full((20, 10, 3), 200, np.uint8)
    arithmetic.choose_slot("b")
    arithmetic.set_to_picture(picture, "mine.png", Fitting(invert=True), None)
    engine.serve()
    operand = arithmetic.operands["b"]
    assert operand.title == "mine.png" and arithmetic.slot == "c"
    assert "converted to 8×8 grey with 4 levels" in operand.description
    assert engine.last(EncodeImage).image.numpy().shape == (1, 8, 8)
    with torch.no_grad():
        for parameter in engine.models[VAE].encoder.parameters():
            parameter.add_(0.1)
    state.arithmetic.refresh()
    engine.serve()
    again = arithmetic.operands["b"]
    assert again.title == "mine.png" and not np.array_equal(again.code, operand.code)
    state.choose_run(GAN)
    engine.serve()
    arithmetic.set_to_picture(picture, "mine.png", Fitting(), None)
    assert "no encoder" in arithmetic.problem and not arithmetic.operands
