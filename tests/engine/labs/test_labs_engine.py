"""Laboratories in the engine: opened, set, edited, acted on, superseded, dropped."""

from typing import Any

import msgspec
import numpy as np
import pytest
from labs_engine import LabsEngine, with_labs
from tiny_lab import TinyLab

from gmstudio.engine.labs.handlers import KEPT_LABS
from gmstudio.labs.base import Lab
from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Reason
from gmstudio.protocol.labs import ConfigureLab, EditLab, LabShown, OpenLab, RunLabAction
from gmstudio.protocol.scenes import Numbers

__all__ = ["with_labs"]


@pytest.fixture
def engine(with_labs: dict[str, type[Lab]]) -> LabsEngine:
    """An engine with a few tiny labs, of which ``tiny`` is open."""
    for number in range(KEPT_LABS):
        name = f"other_{number}"
        card = msgspec.structs.replace(TinyLab.card, name=name)
        with_labs[name] = type(name, (TinyLab,), {"card": card})
    with_labs["tiny"] = TinyLab
    engine = LabsEngine()
    engine.ask(OpenLab(name="tiny"))
    return engine


def numbers(shown: LabShown) -> dict[str, str]:
    (block,) = [block for row in shown.scene.rows for block in row if isinstance(block, Numbers)]
    return {number.name: number.value for number in block.numbers}


def draws(shown: LabShown) -> int:
    return int(numbers(shown)["draws"])


def edit(name: str, values: Any) -> EditLab:
    return EditLab(name="tiny", input=name, values=Array.of(np.asarray(values)))


def test_opening_gives_settings_inputs_and_a_scene(engine: LabsEngine) -> None:
    shown = engine.shown(1)
    assert shown.config == {"spread": 1.0, "draws": 5} and shown.seed == 0 and shown.note == ""
    assert shown.inputs["points"].numpy().tolist() == [[0, 0], [1, 1]]
    assert numbers(shown)["mean"] == "0.500000"
    assert [e.done for e in engine.sent if isinstance(e, LabShown)] == [False, True]


def test_a_lab_that_is_there_is_shown_as_it_is_unless_fresh(engine: LabsEngine) -> None:
    acted = engine.ask(RunLabAction(name="tiny", action="draw"))
    again = engine.ask(OpenLab(name="tiny", config={"draws": 7}))
    assert draws(again) == 5 and again.config["draws"] == 5 and again.begun == acted.begun
    anew = engine.ask(OpenLab(name="tiny", config={"draws": 7}, fresh=True))
    assert draws(anew) == 0 and anew.config["draws"] == 7 and anew.begun != acted.begun


def test_settings_change_and_keep_what_was_drawn(engine: LabsEngine) -> None:
    engine.ask(RunLabAction(name="tiny", action="draw"))
    shown = engine.ask(ConfigureLab(name="tiny", config={"draws": 3}))
    assert shown.config == {"spread": 1.0, "draws": 3} and draws(shown) == 5


def test_an_input_is_taken_and_a_change_of_it_noted(engine: LabsEngine) -> None:
    assert numbers(engine.ask(edit("points", [[2.0, 2.0], [0.0, 0.0]])))["mean"] == "1.000000"
    shown = engine.ask(edit("points", [[9.0, 2.0], [0.0, 0.0]]))
    assert shown.note == "Points beyond 5 were moved to 5." and shown.inputs["points"].numpy()[0, 0] == 5


def test_the_same_seed_gives_the_same_scene_and_another_one_another(engine: LabsEngine) -> None:
    sums = []
    for seed in (3, 3, 4):
        engine.ask(OpenLab(name="tiny", seed=seed, fresh=True))
        shown = engine.ask(RunLabAction(name="tiny", action="draw"))
        assert shown.seed == seed
        sums.append(numbers(shown)["sum"])
    assert sums[0] == sums[1] != sums[2]


def test_an_action_takes_turns(engine: LabsEngine) -> None:
    """Other commands are answered between its pieces, each of which is one draw."""
    request = engine.send(RunLabAction(name="tiny", action="draw"))
    engine.advance(2)
    assert not any(isinstance(e, LabShown) and e.request == request and e.done for e in engine.sent)
    engine.finish()
    assert draws(engine.shown(request)) == 5


@pytest.mark.parametrize("newer", [ConfigureLab(name="tiny", config={}), edit("points", [[1.0, 1.0], [1.0, 1.0]])])
def test_new_settings_and_inputs_end_the_action_and_keep_its_draws(engine: LabsEngine, newer: Any) -> None:
    request = engine.send(RunLabAction(name="tiny", action="draw"))
    engine.advance(3)
    shown = engine.ask(newer)
    assert draws(shown) == 3
    assert engine.failure(request).reason is Reason.SUPERSEDED
    assert draws(engine.ask(OpenLab(name="tiny"))) == 3


def test_an_input_may_be_edited_during_an_action_where_the_lab_says_so(engine: LabsEngine) -> None:
    request = engine.send(RunLabAction(name="tiny", action="draw"))
    engine.advance(2)
    engine.send(edit("level", [0.7]))
    engine.finish()
    assert draws(engine.shown(request)) == 5
    assert engine.shown(request).inputs["level"].numpy().tolist() == [0.7]


def test_a_newer_action_ends_the_older_one(engine: LabsEngine) -> None:
    first = engine.send(RunLabAction(name="tiny", action="draw"))
    engine.advance(2)
    second = engine.send(RunLabAction(name="tiny", action="draw"))
    engine.finish()
    assert engine.failure(first).reason is Reason.SUPERSEDED
    assert draws(engine.shown(second)) == 7


def test_a_cancelled_action_keeps_its_draws(engine: LabsEngine) -> None:
    request = engine.send(RunLabAction(name="tiny", action="draw"))
    engine.advance(2)
    engine.jobs.cancel(request)
    assert engine.failure(request).reason is Reason.CANCELLED
    shown = engine.ask(OpenLab(name="tiny"))
    assert draws(shown) == 2
    assert draws(engine.ask(RunLabAction(name="tiny", action="draw"))) == 7


def test_an_error_of_the_lab_is_a_sentence_and_the_lab_goes_on(engine: LabsEngine) -> None:
    failure = engine.refused(RunLabAction(name="tiny", action="fail"))
    assert failure.message == "The draw failed; draw again." and failure.reason is Reason.NOT_POSSIBLE
    assert draws(engine.ask(RunLabAction(name="tiny", action="draw"))) == 6


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([[1.0, float("nan")]], "holds nan at place 1 × 2; numbers must be finite"),
        ([[1.0, 2.0], [float("inf"), 0.0]], "holds inf at place 2 × 1"),
        ([1.0, 2.0], "has shape 2; it must be up to 10,000 × 2"),
        ([[1.0, 2.0, 3.0]], "has shape 1 × 3; it must be up to 10,000 × 2"),
    ],
)
def test_numbers_that_cannot_be_used_are_refused(engine: LabsEngine, values: Any, said: str) -> None:
    failure = engine.refused(edit("points", values))
    assert said in failure.message and "'points'" in failure.message
    assert numbers(engine.ask(OpenLab(name="tiny")))["mean"] == "0.500000"


def test_only_an_input_that_grows_may_have_other_rows(engine: LabsEngine) -> None:
    assert len(engine.ask(edit("points", np.zeros((3, 2)))).inputs["points"].numpy()) == 3
    assert "has shape 2; it must be 1." in engine.refused(edit("level", [0.1, 0.2])).message


def test_settings_outside_their_range_are_refused_by_field(engine: LabsEngine) -> None:
    for command in (
        ConfigureLab(name="tiny", config={"draws": 0}),
        OpenLab(name="tiny", config={"draws": 0}, fresh=True),
    ):
        failure = engine.refused(command)
        assert failure.reason is Reason.BAD_SETTING and "config.draws" in failure.fields
    failure = engine.refused(ConfigureLab(name="tiny", config={"spread": 10.0, "draws": 60_000}))
    assert "too much" in failure.message
    assert engine.ask(OpenLab(name="tiny")).config == {"spread": 1.0, "draws": 5}


def test_unknown_names_are_refused(engine: LabsEngine) -> None:
    assert "no laboratory 'none'" in engine.refused(OpenLab(name="none")).message
    assert "not open" in engine.refused(ConfigureLab(name="other_0", config={})).message
    assert "no action 'jump'; there are: draw, fail" in engine.refused(RunLabAction(name="tiny", action="jump")).message
    assert "no input 'size'; there are: points, level" in engine.refused(edit("size", [1.0])).message


def test_kept_inputs_are_taken_and_those_that_do_not_fit_noted(engine: LabsEngine) -> None:
    inputs = {"level": [0.9], "points": np.ones((1, 2)), "gone": [1.0]}
    shown = engine.ask(OpenLab(name="tiny", fresh=True, inputs={k: Array.of(np.asarray(v)) for k, v in inputs.items()}))
    assert shown.inputs["level"].numpy().tolist() == [0.9] and numbers(shown)["mean"] == "1.000000"
    assert shown.note == "There is no input 'gone' any more; it is left out."
    shown = engine.ask(OpenLab(name="tiny", fresh=True, inputs={"level": Array.of(np.zeros(3))}))
    assert shown.note.endswith("Its default is used.") and shown.inputs["level"].numpy().tolist() == [0.5]


def test_the_least_recently_used_lab_is_dropped(engine: LabsEngine) -> None:
    begun = engine.shown(1).begun
    for number in range(KEPT_LABS - 1):
        engine.ask(OpenLab(name=f"other_{number}"))
    assert engine.ask(OpenLab(name="tiny")).begun == begun
    engine.ask(OpenLab(name=f"other_{KEPT_LABS - 1}"))
    assert engine.ask(OpenLab(name="tiny")).begun == begun
    assert "not open" in engine.refused(ConfigureLab(name="other_0", config={})).message


def test_a_newer_opening_ends_the_older_one(engine: LabsEngine) -> None:
    first = engine.send(OpenLab(name="other_0"))
    engine.advance()
    second = engine.send(OpenLab(name="other_1"))
    engine.finish()
    assert engine.failure(first).reason is Reason.SUPERSEDED and engine.shown(second).name == "other_1"
    assert "not open" in engine.refused(ConfigureLab(name="other_0", config={})).message
