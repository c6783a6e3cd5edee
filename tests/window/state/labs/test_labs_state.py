"""State of the Foundations panel: labs opened, set, dragged, acted on, undone, kept and opened again."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
from labs_scene import LabsScene, lab, scene

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Cancel, Reason
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.labs import ConfigureLab, EditLab, LabShown, OpenLab, RunLabAction
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import RunInfo
from gmstudio.window.state import edits
from gmstudio.window.state.history import History
from gmstudio.window.state.labs.settings import LabSettings
from gmstudio.window.state.labs.work import ENGINE_GONE, GONE, STOPPED

POINTS = np.array([[1.0, 2.0], [0.0, 0.0]])


def info(run: str, family: str, *, example: bool = False) -> RunInfo:
    return RunInfo(
        run=run,
        title=run,
        spec=RunSpec(family=family, data="digits"),
        family_title=family,
        image=ImageSpec(1, 8, 8, 2),
        status="finished",
        step=10,
        created="2026-01-01T00:00:00",
        capabilities=("sample",),
        checkpoint_steps=(10,),
        example=example,
    )


@pytest.fixture
def begun(qapp: object) -> LabsScene:
    """The first lab is open."""
    begun = LabsScene()
    begun.start()
    begun.open()
    return begun


@pytest.fixture
def stack(begun: LabsScene) -> Iterator[History]:
    stack = History()
    begun.state.edits.edited.connect(lambda edit: stack.push(edit, begun.state.edits))
    begun.state.edits.settled.connect(lambda: stack.settle(begun.state.edits))
    yield stack


@pytest.fixture
def slow_hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change is an edit of its own."""
    monkeypatch.setattr(edits, "ONE_DRAG_S", -1.0)


def test_the_first_lab_opens_and_gives_its_settings(begun: LabsScene) -> None:
    work = begun.state.work
    assert begun.state.name == "first" and work.ready and work.scene is not None
    assert work.settings.config == {"spread": 1.0, "draws": 5} and work.settings.inputs["points"].shape == (2, 2)


def test_nothing_is_opened_before_the_panel_is_shown(qapp: object) -> None:
    labs = LabsScene()
    labs.start(active=False)
    assert labs.sent() == [] and labs.state.name == "first"
    labs.state.set_active(True)
    labs.state.set_active(False)
    labs.state.set_active(True)
    assert [c.name for c in labs.sent()] == ["first"]


def test_settings_go_to_the_engine_unless_a_field_is_invalid(begun: LabsScene) -> None:
    begun.state.set_config({"spread": "x", "draws": 5}, {"spread": "Spread is x."})
    assert begun.sent(ConfigureLab) == []
    begun.state.set_config({"spread": 2.0, "draws": 5}, {})
    assert begun.last(ConfigureLab).config == {"spread": 2.0, "draws": 5}


def test_the_newest_change_of_each_input_wins_and_none_of_another_is_lost(begun: LabsScene) -> None:
    first = None
    for value in range(5):
        begun.state.edit("points", np.full((2, 2), float(value)))
        first = first or begun.last(EditLab)
    begun.state.edit("level", np.array([0.9]))
    begun.state.set_config({"spread": 3.0, "draws": 5}, {})
    assert first is not None and len(begun.sent(EditLab, ConfigureLab)) == 1
    begun.show(first)
    second = begun.last(EditLab)
    assert second.input == "points" and second.values.numpy()[0, 0] == 4.0
    begun.show(second)
    third = begun.last(EditLab)
    assert third.input == "level"
    begun.show(third)
    begun.show(begun.last(ConfigureLab))
    assert len(begun.sent(EditLab, ConfigureLab)) == 4
    assert begun.state.work.settings.inputs["points"][0, 0] == 4.0


def test_a_reply_does_not_turn_back_what_is_being_dragged(begun: LabsScene) -> None:
    begun.state.edit("points", POINTS)
    first = begun.last(EditLab)
    begun.state.edit("points", 2 * POINTS)
    begun.show(first, inputs={"points": POINTS})
    assert begun.state.work.settings.inputs["points"].tolist() == (2 * POINTS).tolist()
    begun.show(begun.last(EditLab), inputs={"points": np.ones((2, 2))}, note="Moved.")
    assert begun.state.work.settings.inputs["points"].tolist() == np.ones((2, 2)).tolist()
    assert begun.state.work.note == "Moved."
    begun.state.work.act("draw")
    assert begun.state.work.note == ""


def test_an_answer_is_announced_once_no_newer_edit_is_under_way(begun: LabsScene) -> None:
    answered: list[str] = []
    begun.state.work.answered.connect(answered.append)
    begun.state.edit("points", POINTS)
    first = begun.last(EditLab)
    begun.state.edit("points", 2 * POINTS)
    begun.show(first, inputs={"points": POINTS})
    assert "points" not in answered
    begun.fail(begun.last(EditLab), "Too far.")
    assert "points" in answered


def test_a_refused_input_returns_and_refused_settings_stay_with_their_sentence(begun: LabsScene) -> None:
    begun.state.edit("points", POINTS)
    begun.fail(begun.last(EditLab), "The input 'points' holds nan.")
    work = begun.state.work
    assert work.problem == "The input 'points' holds nan." and not work.settings.inputs["points"].any()
    begun.state.set_config({"spread": 9.0, "draws": 5}, {})
    begun.fail(begun.last(ConfigureLab), "Too much.", Reason.BAD_SETTING, spread="Spread is 9.")
    assert work.refusals == {"spread": "Spread is 9."} and work.settings.config["spread"] == 9.0
    begun.state.set_config({"spread": 2.0, "draws": 5}, {})
    begun.show(begun.last(ConfigureLab))
    assert work.refusals == {} and work.problem == ""


def test_an_input_that_other_settings_took_away_is_refused_with_its_sentence(begun: LabsScene) -> None:
    begun.state.set_config({"spread": 9.0, "draws": 5}, {})
    begun.state.edit("level", np.array([0.25]))  # waits for the settings
    without = LabShown(
        request=begun.last(ConfigureLab).request,
        name="first",
        scene=scene(),
        config={"spread": 9.0, "draws": 5},
        inputs={"points": Array.of(np.zeros((2, 2)))},
        begun=begun.begun,
    )
    begun.client.deliver(without)
    begun.fail(begun.last(EditLab), "First has no input 'level'.")
    assert begun.state.work.problem == "First has no input 'level'."
    assert "points" in begun.state.work.settings.inputs


def test_an_action_shows_its_scenes_and_can_be_stopped(begun: LabsScene) -> None:
    work = begun.state.work
    work.act("draw")
    command = begun.last(RunLabAction)
    assert work.running == "draw" and command.action == "draw"
    begun.show(command, shown=scene("2 of 5", 0.4), done=False)
    assert work.running == "draw" and work.scene is not None and work.scene.stage == "2 of 5"
    opened = len(begun.sent(OpenLab))
    work.stop()
    assert begun.last(Cancel).target == command.request and work.running == ""
    assert len(begun.sent(OpenLab)) == opened + 1 and not begun.last(OpenLab).fresh
    begun.open()
    assert work.note == STOPPED and work.ready


def test_a_change_ends_the_action_without_a_message(begun: LabsScene) -> None:
    work = begun.state.work
    work.act("draw")
    begun.state.edit("points", POINTS)
    begun.fail(begun.last(RunLabAction), "A newer request replaced this one.", Reason.SUPERSEDED)
    assert work.running == "" and work.problem == ""


def test_an_action_that_fails_says_so(begun: LabsScene) -> None:
    begun.state.work.act("draw")
    begun.fail(begun.last(RunLabAction), "The draw failed; draw again.")
    assert begun.state.work.problem == "The draw failed; draw again." and begun.state.work.running == ""


def test_a_lab_that_was_left_is_as_it_was(begun: LabsScene) -> None:
    begun.state.edit("points", POINTS)
    begun.show(begun.last(EditLab))
    begun.state.select("second")
    begun.begun = 2
    begun.open()
    begun.state.select("first")
    command = begun.last(OpenLab)
    assert command.name == "first" and command.inputs["points"].numpy().tolist() == POINTS.tolist()
    assert not command.fresh


def test_the_action_of_a_lab_that_is_left_is_stopped(begun: LabsScene) -> None:
    begun.state.work.act("draw")
    command = begun.last(RunLabAction)
    begun.state.select("second")
    assert command.request in [c.target for c in begun.sent(Cancel)] and begun.state.work.running == ""


def test_what_was_computed_and_is_gone_is_said(begun: LabsScene) -> None:
    work = begun.state.work
    work.act("draw")
    begun.show(begun.last(RunLabAction))
    begun.state.select("second")
    begun.open()
    begun.state.select("first")
    begun.open()
    assert work.note == "" and work.settings.acted
    begun.state.select("second")
    begun.open()
    begun.begun = 7  # the engine has dropped it meanwhile
    begun.state.select("first")
    begun.open()
    assert work.note == GONE and not work.settings.acted


def test_other_random_numbers_begin_the_lab_anew_with_its_settings(begun: LabsScene) -> None:
    begun.state.edit("points", POINTS)
    begun.show(begun.last(EditLab))
    begun.state.set_seed(4)
    command = begun.last(OpenLab)
    assert (command.seed, command.fresh) == (4, True) and command.inputs["points"].numpy().tolist() == POINTS.tolist()
    begun.begun = 2
    begun.open()
    assert begun.state.work.note == "" and begun.state.work.settings.seed == 4


def test_reset_returns_to_the_defaults(begun: LabsScene, stack: History) -> None:
    begun.state.edit("points", POINTS)
    begun.show(begun.last(EditLab))
    begun.state.reset()
    command = begun.last(OpenLab)
    assert (command.config, command.inputs, command.seed, command.fresh) == ({}, {}, 0, True)
    begun.begun = 2
    begun.show(command, config={"spread": 1.0, "draws": 5}, inputs={"points": np.zeros((2, 2))})
    stack.undo()
    assert begun.last(EditLab).values.numpy().tolist() == POINTS.tolist()


@pytest.mark.usefixtures("slow_hands")
def test_changes_are_undone_and_redone_by_name(begun: LabsScene, stack: History) -> None:
    begun.state.edit("points", POINTS)
    begun.show(begun.last(EditLab))
    begun.state.set_config({"spread": 2.0, "draws": 5}, {})
    begun.show(begun.last(ConfigureLab))
    begun.state.set_seed(3)
    begun.open()
    assert [step.edit.name for step in stack.steps] == ["Change points", "Change settings", "Other random numbers"]
    stack.undo()
    assert begun.last(OpenLab).seed == 0 and begun.last(OpenLab).fresh
    begun.open()
    stack.undo()
    assert begun.last(ConfigureLab).config == {"spread": 1.0, "draws": 5}
    begun.show(begun.last(ConfigureLab))
    stack.undo()
    assert not begun.last(EditLab).values.numpy().any()
    begun.show(begun.last(EditLab))
    stack.redo()
    assert begun.last(EditLab).values.numpy().tolist() == POINTS.tolist()


def test_one_drag_is_one_step_of_the_history(begun: LabsScene, stack: History) -> None:
    for value in range(4):
        begun.state.edit("points", np.full((2, 2), float(value)))
        begun.show(begun.last(EditLab))
    assert len(stack.steps) == 1
    stack.undo()
    assert not begun.last(EditLab).values.numpy().any()


@pytest.mark.usefixtures("slow_hands")
def test_undo_of_another_lab_shows_it_with_its_numbers(begun: LabsScene, stack: History) -> None:
    begun.state.edit("points", POINTS)
    begun.show(begun.last(EditLab))
    begun.state.select("second")
    begun.open()
    stack.undo()
    assert begun.state.name == "first"
    begun.show(begun.last(OpenLab), inputs={"points": POINTS})  # the engine has it as it was left
    assert not begun.last(EditLab).values.numpy().any()


@pytest.mark.usefixtures("slow_hands")
def test_settings_that_change_the_inputs_are_undone_with_them(begun: LabsScene, stack: History) -> None:
    begun.state.edit("points", POINTS)
    begun.show(begun.last(EditLab))
    begun.state.set_config({"spread": 1.0, "draws": 3}, {})
    begun.show(begun.last(ConfigureLab), inputs={"points": np.zeros((3, 2))})
    stack.undo()
    begun.show(begun.last(ConfigureLab), inputs={"points": np.zeros((2, 2))})
    assert begun.last(EditLab).values.numpy().tolist() == POINTS.tolist()


def test_an_engine_that_ended_gets_the_lab_again(begun: LabsScene) -> None:
    begun.state.edit("points", POINTS)
    begun.show(begun.last(EditLab))
    begun.state.work.act("draw")
    begun.show(begun.last(RunLabAction), done=False)
    begun.fail(begun.last(RunLabAction), "gone", Reason.ENGINE_GONE)
    assert begun.state.work.problem == ENGINE_GONE and not begun.state.work.ready
    opened = len(begun.sent(OpenLab))
    begun.start()
    command = begun.last(OpenLab)
    assert len(begun.sent(OpenLab)) == opened + 1 and command.inputs["points"].numpy().tolist() == POINTS.tolist()
    begun.begun = 2
    begun.open()
    assert begun.state.work.ready and begun.state.work.note == GONE and begun.state.work.problem == ""


def test_choices_survive_a_restart_as_json(begun: LabsScene) -> None:
    begun.state.edit("points", POINTS)
    begun.show(begun.last(EditLab))
    begun.state.work.act("draw")
    begun.show(begun.last(RunLabAction))
    begun.state.set_config({"spread": 2.0, "draws": 5}, {})
    kept = json.loads(json.dumps(begun.state.choices()))
    later = LabsScene()
    later.state.restore_choices(kept)
    later.start()
    command = later.last(OpenLab)
    assert command.config == {"spread": 2.0, "draws": 5}
    assert command.inputs["points"].numpy().tolist() == POINTS.tolist()
    later.open()
    assert later.state.work.note == GONE


@pytest.mark.parametrize(
    "kept",
    [
        {"lab": 3, "settings": 4},
        {"lab": "gone", "settings": {"first": 3, "second": None}},
        {"settings": {"first": {"config": [], "inputs": {"points": [[1], [2, 3]], "level": "x"}, "seed": -1}}},
    ],
)
def test_damaged_choices_do_no_harm(qapp: object, kept: dict[str, object]) -> None:
    labs = LabsScene()
    labs.state.restore_choices(kept)
    labs.start()
    command = labs.last(OpenLab)
    assert (command.name, command.config, command.inputs, command.seed) == ("first", {}, {}, 0)


def test_inputs_that_json_cannot_hold_are_left_out() -> None:
    settings = LabSettings()
    settings.inputs = {"a": np.array([1.0, np.nan]), "b": np.array([1.0])}
    assert settings.to_json()["inputs"] == {"b": [1.0]}


def test_a_lab_uses_the_ready_model_or_the_chosen_run(qapp: object) -> None:
    labs = LabsScene(lab("bound", families=("vae", "gan")))
    labs.state.set_active(True)
    labs.start(info("/mine", "vae"), info("/ready", "vae", example=True), info("/other", "pixelcnn"))
    assert len(labs.sent(OpenLab)) == 1 and labs.last(OpenLab).models == {"vae": "/ready"}
    assert [found.run for found in labs.state.runs_for("vae")] == ["/mine", "/ready"]
    labs.open()
    labs.state.set_model("vae", "/mine")
    assert labs.last(OpenLab).models == {"vae": "/mine"} and labs.last(OpenLab).fresh


def test_a_lab_may_name_the_ready_model_that_it_uses(qapp: object) -> None:
    labs = LabsScene(lab("bound", families=("vae",), examples=("vae-2d",)))
    labs.state.set_active(True)
    labs.start(info("/examples/vae", "vae", example=True), info("/examples/vae-2d", "vae", example=True))
    assert labs.last(OpenLab).models == {"vae": "/examples/vae-2d"}


def test_the_palette_names_every_lab(begun: LabsScene) -> None:
    entries = {entry.id: entry for entry in begun.state.palette_entries()}
    entry = entries["lab:second"]
    assert (entry.title, entry.kind, entry.panel) == ("Second", "Laboratory", "labs")
    entry.run()
    assert begun.state.name == "second"


def test_a_lab_that_is_wanted_before_the_engine_has_started_is_shown_then(qapp: object) -> None:
    labs = LabsScene()
    labs.state.select("second")
    labs.start()
    assert labs.state.name == "second" and labs.last(OpenLab).name == "second"
