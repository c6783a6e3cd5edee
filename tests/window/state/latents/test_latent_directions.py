"""Directions, arithmetic on codes, and what is kept of them with a run."""

import numpy as np
import pytest
import torch
from latent_engine import DIMS, GAN, VAE, LatentEngine
from latent_fixture import engine, session, watched
from pytestqt.qtbot import QtBot

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.latents import EncodeImage
from gmstudio.protocol.runs import KeepAnnotations
from gmstudio.window.state.latents.annotations import Direction
from gmstudio.window.state.latents.directions import LatentDirections
from gmstudio.window.state.latents.state import LatentsState

__all__ = ["engine", "session"]


@pytest.fixture
def directions(session: LatentsState, engine: LatentEngine) -> LatentDirections:
    session.directions.set_count(3)
    session.directions.find()
    engine.serve()
    assert len(session.directions.found) == 3
    return session.directions


def test_components_are_found_and_gone_along_from_the_code(directions: LatentDirections, session: LatentsState) -> None:
    session.randomize(1)
    base = session.code
    first, second, _ = directions.found
    directions.set_amount(first, 2.0)
    np.testing.assert_allclose(session.code, base + 2 * first.vector, atol=1e-5)
    directions.set_amount(second, -1.0)
    directions.set_amount(first, 0.0)
    directions.set_amount(second, 0.0)
    np.testing.assert_array_equal(session.code, base)


def test_a_coordinate_goes_where_it_is_put_though_a_direction_is_gone_along(
    directions: LatentDirections, session: LatentsState
) -> None:
    first = directions.found[0]
    directions.set_amount(first, 1.0)
    session.set_value(2, 0.75)
    assert session.code[2] == 0.75 and directions.amount(first) == 1.0
    directions.set_amount(first, 0.0)
    assert session.code[2] == pytest.approx(0.75 - float(first.vector[2]), abs=1e-6)
    assert not np.delete(session.code, 2).any()


def test_going_too_far_and_back_is_exact(directions: LatentDirections, session: LatentsState) -> None:
    far = Direction("far", np.full(DIMS, 4.0, np.float32), "difference")
    directions.add(far)
    directions.set_amount(far, 3.0)
    assert session.code.tolist() == [6.0] * DIMS
    directions.set_amount(far, 0.0)
    assert not session.code.any()


def test_a_whole_code_takes_all_directions_out(directions: LatentDirections, session: LatentsState) -> None:
    directions.set_amount(directions.found[0], 1.0)
    session.randomize(5)
    assert directions.amount(directions.found[0]) == 0.0
    drawn = session.code
    directions.set_amount(directions.found[1], 1.0)
    directions.set_amount(directions.found[1], 0.0)
    np.testing.assert_array_equal(session.code, drawn)


def test_directions_of_another_kind_stay(
    directions: LatentDirections, session: LatentsState, engine: LatentEngine
) -> None:
    before = directions.found
    directions.look_for("labels")
    for labels in ((8, 3), (1, 7), (8, 3)):
        directions.set_labels(*labels)
        directions.find()
        engine.serve()
    assert directions.found[:3] == before
    assert [d.name for d in directions.found[3:]] == ["1 → 7", "8 → 3"]
    directions.look_for("components")
    directions.find()
    engine.serve()
    assert [d.kind for d in directions.found] == ["labels"] * 2 + ["components"] * 3
    assert not set(before) & set(directions.found)


def test_labels_lead_from_one_to_the_other(session: LatentsState, engine: LatentEngine) -> None:
    session.directions.look_for("labels")
    session.directions.set_labels(8, 3)
    session.directions.find()
    engine.serve()
    (found,) = session.directions.found
    assert found.name == "8 → 3" and "label" in found.unit
    session.directions.set_labels(3, 3)
    session.directions.find()
    engine.serve()
    assert "no two different sets" in session.directions.problem


def test_what_a_family_cannot_is_said(session: LatentsState, engine: LatentEngine) -> None:
    assert session.directions.possible("components") == ""
    session.choose_run(GAN)
    engine.serve()
    assert "no encoder" in session.directions.possible("components")
    assert session.directions.kind == "features"
    session.directions.find()
    engine.serve()
    assert session.directions.found and session.directions.problem == ""


def test_saved_directions_and_names_come_back_with_the_run(
    qtbot: QtBot, directions: LatentDirections, session: LatentsState, engine: LatentEngine
) -> None:
    direction = directions.found[1]
    directions.save(direction)
    directions.rename(directions.saved[0], "  slant  ")
    session.annotations.rename(2, "weight")
    engine.serve()
    assert engine.annotations[VAE]["dimension_names"] == {"2": "weight"}
    assert len(directions.found) == 2 and session.label(2) == "weight (z₂)"
    session.set_watching(False)
    other = watched(engine)
    assert [d.name for d in other.directions.saved] == ["slant"]
    np.testing.assert_allclose(other.directions.saved[0].vector, direction.vector, atol=1e-5)
    assert other.label(2) == "weight (z₂)" and other.label(1) == "z₁"
    other.directions.delete(other.directions.saved[0])
    other.annotations.rename(2, "")
    engine.serve()
    assert engine.annotations[VAE] == {"dimension_names": {}, "directions": []}
    other.set_watching(False)


def test_what_the_engine_could_not_keep_is_kept_when_it_is_back(session: LatentsState, engine: LatentEngine) -> None:
    session.annotations.rename(0, "size")
    engine.die()
    session._library.lose_engine()
    assert VAE not in engine.annotations
    engine.hello()
    engine.serve()
    assert engine.annotations[VAE]["dimension_names"] == {"0": "size"}
    assert session.annotations.names == {0: "size"} and session.annotations.problem == ""


def test_notes_that_cannot_be_kept_are_told(session: LatentsState, engine: LatentEngine) -> None:
    session.annotations.rename(0, "size")
    request = engine.last(KeepAnnotations).request
    engine.deliver(CommandFailed(request=request, command="KeepAnnotations", message="The disk is full."))
    assert session.annotations.problem == "The disk is full."


def test_notes_that_make_no_sense_are_told_and_left_out(qtbot: QtBot, engine: LatentEngine) -> None:
    engine.annotations[VAE] = {
        "dimension_names": {"0": "good", "99": "beyond", "x": "no", "1": 5},
        "directions": [{"name": "short", "kind": "labels", "vector": [1.0]}, "nonsense"],
        "others": [1, 2],
    }
    session = watched(engine)
    assert session.annotations.names == {0: "good"} and session.annotations.directions == ()
    assert session.annotations.problem.startswith("5 entries")
    session.annotations.rename(1, "new")
    engine.serve()
    assert engine.annotations[VAE]["others"] == [1, 2]
    session.set_watching(False)


def test_arithmetic_on_images_and_codes(session: LatentsState, engine: LatentEngine) -> None:
    arithmetic = session.arithmetic
    session.randomize(1)
    mine = session.code
    arithmetic.put_code()
    assert arithmetic.slot == "b" and arithmetic.result is None
    arithmetic.put_image("valid", 4)
    arithmetic.put_image("test", 2)
    engine.serve()
    assert arithmetic.slot == "a" and arithmetic.problem == ""
    b, c = arithmetic.operands["b"], arithmetic.operands["c"]
    assert b.title == f"{engine.dataset.valid.labels[4]} (valid 4)"
    assert b.label == str(engine.dataset.valid.labels[4])
    result = np.clip(mine - b.code + c.code, -6, 6)
    np.testing.assert_array_equal(arithmetic.result, result)
    assert np.array_equal(arithmetic.images["result"], engine.means(VAE, result))
    arithmetic.take()
    np.testing.assert_array_equal(session.code, result)
    difference = arithmetic.difference
    assert difference is not None
    session.directions.add(difference)
    session.directions.set_amount(difference, 0.5)
    np.testing.assert_allclose(session.code, result + 0.5 * (c.code - b.code), atol=1e-5)


def test_arithmetic_goes_on_after_the_engines_death(session: LatentsState, engine: LatentEngine) -> None:
    for _ in range(3):
        session.arithmetic.put_image("valid", 1)
    engine.die()
    session._library.lose_engine()
    engine.hello()
    engine.serve()
    assert session.arithmetic.problem == ""
    session.arithmetic.choose_slot("a")
    for _ in range(3):
        session.arithmetic.put_image("valid", 1)
    engine.serve()
    assert session.arithmetic.result is not None and "result" in session.arithmetic.images


def test_pictures_are_operands_too_and_are_encoded_again(session: LatentsState, engine: LatentEngine) -> None:
    arithmetic = session.arithmetic
    picture = np.full((20, 10, 3), 200, np.uint8)
    arithmetic.choose_slot("b")
    arithmetic.put_picture(picture, "mine.png", "whole", invert=True)
    engine.serve()
    operand = arithmetic.operands["b"]
    assert operand.title == "mine.png" and "made 8×8 grey with 4 levels" in operand.told and arithmetic.slot == "c"
    assert engine.last(EncodeImage).image.numpy().shape == (1, 8, 8)
    with torch.no_grad():
        for parameter in engine.models[VAE].encoder.parameters():
            parameter.add_(0.1)
    session.refreshed.emit()
    engine.serve()
    again = arithmetic.operands["b"]
    assert again.title == "mine.png" and not np.array_equal(again.code, operand.code)
    session.choose_run(GAN)
    engine.serve()
    arithmetic.put_picture(picture, "mine.png", "whole", invert=False)
    assert "no encoder" in arithmetic.problem and not arithmetic.operands
