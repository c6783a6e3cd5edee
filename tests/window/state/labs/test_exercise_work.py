"""An exercise that is done in the window: trained run by run, written, stopped, refused, and its values kept."""

import json
import math
from pathlib import PurePath

import msgspec
import pytest
from labs_scene import EXERCISES, LabsScene, lab

from gmstudio.protocol.engine import Cancel, CommandFailed, EngineReported, Reason
from gmstudio.protocol.exercises import DeliverablesWritten, TestValue, WriteDeliverables
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.runs import RunInfo, RunOpened
from gmstudio.protocol.training import StartTraining, StopTraining, TrainingChanged
from gmstudio.window.state.labs.exercise_work import ENGINE_GONE, IN_TRAINING, STOPPED, ExerciseWork

VALUE = TestValue(value=4.3, error=0.02, unit="nats per point", kind="exact log-likelihood", images=2000)


@pytest.fixture
def labs(qapp: object) -> LabsScene:
    labs = LabsScene()
    labs.start()
    labs.state.doing.start(EXERCISES[0], "/out")
    return labs


def doing(labs: LabsScene) -> ExerciseWork:
    return labs.state.doing


def train(labs: LabsScene, run: str, *, finish: bool = True) -> None:
    """Answer the newest start of a training."""
    command = labs.last(StartTraining)
    info = RunInfo(
        run=run,
        title=run,
        spec=command.spec,
        family_title=command.spec.family,
        image=ImageSpec(1, 1, 2, 64),
        status="running",
        step=0,
        created="2026-01-01T00:00:00",
        capabilities=(),
    )
    opened = RunOpened(
        request=command.request,
        info=info,
        live=True,
        objective=None,
        latent=None,
        num_parameters=10,
        sample_steps=(),
        phases=("train",),
    )
    labs.client.deliver(opened)
    if finish:
        labs.client.deliver(TrainingChanged(run=run, status="finished", step=1500))


def write(labs: LabsScene, *, done: bool = True, test: TestValue | None = None) -> WriteDeliverables:
    """Answer the newest writing."""
    command = labs.last(WriteDeliverables)
    files = tuple(str(PurePath(command.folder) / f"{name}.csv") for name in command.deliverables)
    labs.client.deliver(
        DeliverablesWritten(
            request=command.request, run=command.run, stage="Scoring", files=files, test=test, done=done
        )
    )
    return command


def test_runs_are_trained_and_written_one_after_the_other(labs: LabsScene) -> None:
    work = doing(labs)
    assert labs.last(StartTraining).spec is EXERCISES[0].runs[0].spec or labs.last(StartTraining).spec.family == "made"
    train(labs, "/runs/a", finish=False)
    labs.client.deliver(EngineReported(state="training", device="CPU", memory_bytes=1, step=300, steps=1500))
    assert work.progress == pytest.approx(0.2) and "Run 1 of 2" in work.stage and "step 300 of 1,500" in work.stage
    labs.client.deliver(TrainingChanged(run="/runs/a", status="finished", step=1500))
    assert len(labs.sent(StartTraining)) == 1
    command = write(labs, done=False)
    assert (command.run, command.deliverables) == ("/runs/a", ("curve", "test"))
    assert PurePath(command.folder) == PurePath("/out/a")
    write(labs, test=VALUE)
    assert work.values["hw1", "a"] == VALUE and labs.last(StartTraining).spec.family == "gan"
    train(labs, "/runs/b")
    write(labs)
    assert not work.busy and work.stage == "Done: 3 files in /out" and len(work.files) == 3


def test_another_run_that_ends_is_not_taken_for_ours(labs: LabsScene) -> None:
    train(labs, "/runs/a", finish=False)
    labs.client.deliver(TrainingChanged(run="/runs/other", status="finished", step=3))
    assert labs.sent(WriteDeliverables) == [] and doing(labs).busy


def test_it_can_be_stopped_while_it_trains_and_while_it_writes(labs: LabsScene) -> None:
    train(labs, "/runs/a", finish=False)
    doing(labs).stop()
    assert labs.last(StopTraining) and doing(labs).stage == STOPPED and not doing(labs).busy
    labs.client.deliver(TrainingChanged(run="/runs/a", status="stopped", step=3))
    assert labs.sent(WriteDeliverables) == []
    doing(labs).start(EXERCISES[0], "/out")
    train(labs, "/runs/c")
    command = labs.last(WriteDeliverables)
    doing(labs).stop()
    assert labs.last(Cancel).target == command.request and len(labs.sent(StartTraining)) == 2


def test_a_training_that_began_while_it_was_stopped_is_stopped_too(labs: LabsScene) -> None:
    command = labs.last(StartTraining)
    doing(labs).stop()
    assert [type(sent) for sent in labs.client.sent[-2:]] == [Cancel, StopTraining]
    assert labs.last(Cancel).target == command.request and not doing(labs).busy
    labs.fail(labs.last(StopTraining), "No run is in training.")
    assert doing(labs).stage == STOPPED and doing(labs).problem == ""


def test_a_training_that_is_stopped_in_train_ends_it(labs: LabsScene) -> None:
    train(labs, "/runs/a", finish=False)
    labs.client.deliver(TrainingChanged(run="/runs/a", status="paused", step=3))
    assert "paused in Train" in doing(labs).stage and doing(labs).busy
    labs.client.deliver(TrainingChanged(run="/runs/a", status="failed", step=3, message="Loss became NaN."))
    assert not doing(labs).busy and doing(labs).problem == "Loss became NaN."


def test_nothing_begins_beside_another_training(qapp: object) -> None:
    labs = LabsScene()
    labs.start()
    labs.library.live = "/runs/x"
    doing(labs).start(EXERCISES[0], "/out")
    assert labs.sent(StartTraining) == [] and doing(labs).problem == IN_TRAINING


@pytest.mark.parametrize(
    ("reason", "said"), [(Reason.BAD_SETTING, "It is refused."), (Reason.ENGINE_GONE, ENGINE_GONE)]
)
def test_what_cannot_be_started_is_a_sentence(labs: LabsScene, reason: Reason, said: str) -> None:
    command = labs.last(StartTraining)
    failure = CommandFailed(request=command.request, command="StartTraining", message="It is refused.", reason=reason)
    labs.client.deliver(failure)
    assert doing(labs).problem == said and not doing(labs).busy


def test_values_are_kept_and_damaged_ones_left_out(labs: LabsScene) -> None:
    train(labs, "/runs/a")
    write(labs, test=VALUE)
    kept = json.loads(json.dumps(labs.state.choices()))
    later = LabsScene()
    later.state.restore_choices(kept)
    assert later.state.doing.values == {("hw1", "a"): VALUE}
    later.state.doing.from_json([["x"], 3, ["a", "b", {"value": "?"}]])
    later.state.doing.from_json({"a": 1})
    assert list(later.state.doing.values) == [("hw1", "a")]


def test_a_value_without_an_error_survives_json(qapp: object) -> None:
    labs = LabsScene()
    labs.state.doing.values["hw1", "a"] = TestValue(value=0.2, error=math.nan, unit="nats", kind="KL", images=5)
    kept = msgspec.json.encode(labs.state.doing.to_json())  # as the window's settings are written
    labs.state.doing.values.clear()
    labs.state.doing.from_json(msgspec.json.decode(kept))
    assert math.isnan(labs.state.doing.values["hw1", "a"].error)


def test_an_exercise_is_a_page_and_is_shown_again(qapp: object) -> None:
    labs = LabsScene()
    labs.start()
    labs.state.select("hw1")
    assert labs.state.page == "hw1" and labs.state.exercise is EXERCISES[0]
    later = LabsScene()
    later.state.restore_choices(json.loads(json.dumps(labs.state.choices())))
    later.start()
    assert later.state.page == "hw1" and later.state.name == "first"
    later.state.select("first")
    assert later.state.page == "first"


@pytest.mark.parametrize("families", [(), ("vae",)])
def test_a_page_that_there_is_not_is_said(qapp: object, families: tuple[str, ...]) -> None:
    """Also where the first lab is opened only once the runs are known that it may use."""
    labs = LabsScene(lab("first", families=families))
    labs.state.select("nothing")
    labs.start()
    labs.open()
    assert labs.state.page == "first" and "no laboratory or exercise 'nothing'" in labs.state.work.problem
    labs.state.work.act("draw")
    assert labs.state.work.problem == ""
