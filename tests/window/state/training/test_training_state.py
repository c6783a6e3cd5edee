from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot
from training_scene import ELBO, GAME, Scene, catalog, info, opened, points

from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.runs import OpenRun, RunsListed
from gmstudio.protocol.training import (
    KeepCheckpoint,
    PauseTraining,
    ResumeRun,
    ResumeTraining,
    StartTraining,
    StepTraining,
    StopTraining,
    TrainingChanged,
)


@pytest.fixture
def scene(qtbot: QtBot) -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.close()


def _change(scene: Scene, status: str, step: int = 10, message: str = "") -> None:
    scene.client.deliver(TrainingChanged(run="/runs/a", status=status, step=step, message=message))


def test_a_run_from_start_to_end(scene: Scene) -> None:
    session = scene.session
    session.start()
    assert scene.client.last(StartTraining).spec.family == "vae"
    assert session.status == "starting" and not session.can_start
    scene.begin()
    assert session.status == "running" and session.run == session.live == "/runs/a"
    assert session.can_pause and session.can_stop and not session.can_resume
    _change(scene, "finished", 1500)
    assert session.status == "idle" and session.live == "" and session.run == "/runs/a"
    assert session.can_start


def test_pause_step_resume_stop(scene: Scene) -> None:
    session = scene.session
    scene.begin()
    session.pause()
    scene.client.last(PauseTraining)
    _change(scene, "paused")
    assert session.status == "paused" and session.can_resume and not session.can_pause
    session.step()
    assert scene.client.last(StepTraining).count == 1
    session.resume()
    scene.client.last(ResumeTraining)
    _change(scene, "running")
    session.stop()
    scene.client.last(StopTraining)
    assert session.status == "stopping" and not session.can_stop
    _change(scene, "stopped")
    assert session.status == "idle"


def test_one_step_while_running_pauses_first(scene: Scene) -> None:
    scene.begin()
    scene.session.step()
    assert [type(c) for c in scene.client.sent[-2:]] == [PauseTraining, StepTraining]


def test_a_refused_start_is_shown_at_the_fields(scene: Scene) -> None:
    session = scene.session
    session.start()
    request = scene.client.last(StartTraining).request
    scene.client.deliver(
        CommandFailed(request=request, command="StartTraining", message="No.", fields={"training.steps": "No."})
    )
    assert session.status == "idle" and session.problem == "No."
    assert session.setup.refusals("training") == {"steps": "No."}


def test_a_failed_run_says_why(scene: Scene) -> None:
    scene.begin()
    _change(scene, "failed", 12, "The loss became nan at step 12.")
    assert scene.session.status == "idle" and "nan" in scene.session.problem
    assert scene.session.can_resume


def test_the_failures_of_others_are_not_ours(scene: Scene) -> None:
    scene.begin()
    scene.client.deliver(CommandFailed(request=4711, command="Decode", message="Not mine."))
    assert scene.session.problem == "" and scene.session.status == "running"


def test_a_stopped_run_of_the_library_is_resumed_and_extended(scene: Scene) -> None:
    session = scene.session
    stopped = info("/runs/b", status="stopped", step=400, checkpoint_steps=(400,))
    done = info("/runs/c", status="finished", step=1500, checkpoint_steps=(1500,))
    scene.client.deliver(RunsListed(home="/runs", runs=(stopped, done), problems=()))
    session.choose_run("/runs/b")
    assert session.can_resume and session.resume_steps == 1500
    session.choose_run("/runs/c")
    assert session.resume_steps == 3000
    session.set_resume_steps(1500)
    assert not session.can_resume
    session.set_resume_steps(2000)
    session.resume()
    command = scene.client.last(ResumeRun)
    assert (command.run, command.steps) == ("/runs/c", 2000)


def test_a_dead_engine_leaves_the_curves_and_nothing_in_training(scene: Scene) -> None:
    session = scene.session
    scene.begin()
    scene.client.deliver(points("/runs/a", "loss", [1, 2], [5.0, 4.0]))
    scene.client.deliver(catalog())
    assert session.status == "idle" and session.live == ""
    assert len(session.history("/runs/a").curve("train", "loss").steps) == 2
    assert session.info.status == "interrupted" and session.can_resume
    session.start()
    assert session.status == "starting"


def test_a_new_engine_leaves_the_run_in_view(scene: Scene) -> None:
    scene.begin()
    assert scene.session.objective_run == "/runs/a"
    scene.client.deliver(TrainingChanged(run="/runs/a", status="stopped", step=10))
    scene.client.deliver(catalog())
    assert scene.client.last(OpenRun).run == "/runs/a"
    scene.client.deliver(opened(live=False, status="stopped"))
    assert scene.session.objective_run == "/runs/a", "nobody chose anything"
    scene.session.setup.choose_family("gan")
    assert scene.session.objective_run == ""


def test_an_engine_that_dies_while_starting(scene: Scene) -> None:
    scene.session.start()
    scene.client.deliver(catalog())
    assert scene.session.status == "idle" and scene.session.can_start


def test_overlaid_runs_are_opened_and_keep_their_colours(scene: Scene) -> None:
    session = scene.session
    runs = tuple(info(f"/runs/{n}", status="finished") for n in "bcd")
    scene.client.deliver(RunsListed(home="/runs", runs=runs, problems=()))
    session.set_overlay("/runs/b", True)
    session.set_overlay("/runs/c", True)
    assert scene.client.last(OpenRun).run == "/runs/c"
    session.set_overlay("/runs/b", False)
    session.set_overlay("/runs/d", True)
    assert session.overlays == {"/runs/c": 1, "/runs/d": 0}


def test_a_new_run_takes_the_place_of_the_one_that_came_by_itself(scene: Scene) -> None:
    session = scene.session
    scene.client.deliver(RunsListed(home="/runs", runs=(info("/runs/b", status="finished"),), problems=()))
    session.set_overlay("/runs/b", True)
    scene.begin("/runs/a")
    _change(scene, "stopped")
    scene.begin("/runs/z")
    assert set(session.overlays) == {"/runs/b", "/runs/z"}


def test_a_run_that_cannot_be_opened(scene: Scene) -> None:
    session = scene.session
    session.set_overlay("/runs/gone", True)
    request = scene.client.last(OpenRun).request
    scene.client.deliver(CommandFailed(request=request, command="OpenRun", message="No such run."))
    assert session.overlays == {} and session.problem == "No such run."


def test_the_objective_is_the_runs_until_the_user_turns_to_the_next(scene: Scene) -> None:
    session = scene.session
    scene.begin(objective=GAME)
    assert session.objective == GAME and session.objective_run == "/runs/a"
    session.setup.set_config(session.setup.config | {"num_latent": 3}, {})
    assert session.objective == GAME
    _change(scene, "stopped")
    session.setup.set_config(session.setup.config | {"num_latent": 4}, {})
    assert session.objective == ELBO and session.objective_run == ""
    session.choose_run("/runs/a")
    assert session.objective == GAME


def test_marking(scene: Scene) -> None:
    assert not scene.session.can_mark
    scene.begin()
    scene.session.mark()
    assert scene.client.last(KeepCheckpoint).run == "/runs/a"


def test_opening_a_run_elsewhere_does_not_take_over(scene: Scene) -> None:
    scene.begin()
    scene.client.deliver(opened("/runs/b", live=False, status="finished"))
    assert scene.session.run == "/runs/a" and set(scene.session.overlays) == {"/runs/a"}
