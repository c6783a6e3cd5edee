from collections.abc import Iterator

import msgspec
import pytest
from pytestqt.qtbot import QtBot
from training_scene import ELBO, GAME, Scene, catalog, info, opened, points

from gmstudio.protocol.engine import CommandFailed, Reason
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
    state = scene.state
    state.start()
    assert scene.client.last(StartTraining).spec.family == "vae"
    assert state.status == "starting" and not state.can_start
    scene.begin()
    assert state.status == "running" and state.run == state.live == "/runs/a"
    assert state.can_pause and state.can_stop and not state.can_resume
    _change(scene, "finished", 1500)
    assert state.status == "idle" and state.live == "" and state.run == "/runs/a"
    assert state.can_start


def test_pause_step_resume_stop(scene: Scene) -> None:
    state = scene.state
    scene.begin()
    state.pause()
    scene.client.last(PauseTraining)
    _change(scene, "paused")
    assert state.status == "paused" and state.can_resume and not state.can_pause
    state.step()
    assert scene.client.last(StepTraining).count == 1
    state.resume()
    scene.client.last(ResumeTraining)
    _change(scene, "running")
    state.stop()
    scene.client.last(StopTraining)
    assert state.status == "stopping" and not state.can_stop
    _change(scene, "stopped")
    assert state.status == "idle"


def test_a_stop_that_fails_leaves_the_status_that_the_engine_reports(scene: Scene) -> None:
    state = scene.state
    scene.begin()
    state.pause()
    _change(scene, "paused")
    state.stop()
    assert state.status == "stopping"
    _change(scene, "paused", message="The disk is full.")
    request = scene.client.last(StopTraining).request
    failed = CommandFailed(
        request=request, command="StopTraining", message="The disk is full.", reason=Reason.RUN_UNUSABLE
    )
    scene.client.deliver(failed)
    assert state.status == "paused" and state.can_stop and state.problem == "The disk is full."


def test_the_time_of_training_goes_on_after_a_resume_and_stays_when_finished(scene: Scene) -> None:
    scene.begin()
    info = scene.state.info
    assert info is not None and scene.state.elapsed_s(info, 0) is None, "no speed is known"
    speeds = points(info.run, "images_per_s", [10, 20], [64.0, 32.0])  # batches of 64 images
    scene.client.deliver(speeds)
    assert scene.state.elapsed_s(info, 20) == pytest.approx(10 * 1.0 + 10 * 2.0)
    _change(scene, "paused")
    assert scene.state.elapsed_s(info, 20) == pytest.approx(30.0)
    _change(scene, "running")
    scene.client.deliver(points(info.run, "images_per_s", [30], [64.0]))
    assert scene.state.elapsed_s(info, 30) == pytest.approx(40.0), "the time before the pause counts"
    _change(scene, "finished")
    assert scene.state.elapsed_s(info, 30) == pytest.approx(40.0)


def test_the_end_of_the_engine_is_no_problem_of_a_command(scene: Scene) -> None:
    scene.state.start()
    request = scene.client.last(StartTraining).request
    gone = CommandFailed(request=request, command="StartTraining", message="It ended.", reason=Reason.ENGINE_GONE)
    scene.client.deliver(gone)
    assert scene.state.status == "idle" and scene.state.problem == "" and scene.state.setup.problem == ""


@pytest.mark.parametrize(("run", "problem"), [("/runs/a", ""), ("", "There is no folder /data.")])
def test_data_of_a_run_that_are_missing_are_asked_for_in_the_banner_only(scene: Scene, run: str, problem: str) -> None:
    scene.state.start()
    request = scene.client.last(StartTraining).request
    message = "There is no folder /data."
    missing = CommandFailed(
        request=request, command="StartTraining", message=message, reason=Reason.DATA_UNAVAILABLE, run=run
    )
    scene.client.deliver(missing)
    assert scene.state.problem == problem


def test_one_step_while_running_pauses_first(scene: Scene) -> None:
    scene.begin()
    scene.state.step()
    assert [type(c) for c in scene.client.sent[-2:]] == [PauseTraining, StepTraining]


def test_a_refused_start_is_shown_at_the_fields(scene: Scene) -> None:
    state = scene.state
    state.start()
    request = scene.client.last(StartTraining).request
    scene.client.deliver(
        CommandFailed(request=request, command="StartTraining", message="No.", fields={"training.steps": "No."})
    )
    assert state.status == "idle" and state.problem == "No."
    assert state.setup.refusals("training") == {"steps": "No."}


def test_a_failed_run_has_a_reason(scene: Scene) -> None:
    scene.begin()
    _change(scene, "failed", 12, "The loss became NaN at step 12.")
    assert scene.state.status == "idle" and "NaN" in scene.state.problem
    assert scene.state.can_resume


def test_the_failures_of_others_are_not_ours(scene: Scene) -> None:
    scene.begin()
    scene.client.deliver(CommandFailed(request=4711, command="Decode", message="Not mine."))
    assert scene.state.problem == "" and scene.state.status == "running"


def test_a_stopped_run_of_the_library_is_resumed_and_extended(scene: Scene) -> None:
    state = scene.state
    stopped = info("/runs/b", status="stopped", step=400, checkpoint_steps=(400,))
    done = info("/runs/c", status="finished", step=1500, checkpoint_steps=(1500,))
    scene.client.deliver(RunsListed(home="/runs", runs=(stopped, done), problems=()))
    state.choose_run("/runs/b")
    assert state.can_resume and state.resume_steps == 1500
    state.choose_run("/runs/c")
    assert state.resume_steps == 3000
    state.set_resume_steps(1500)
    assert not state.can_resume
    state.set_resume_steps(2000)
    state.resume()
    command = scene.client.last(ResumeRun)
    assert (command.run, command.steps) == ("/runs/c", 2000)


def test_a_dead_engine_leaves_the_curves_and_nothing_in_training(scene: Scene) -> None:
    state = scene.state
    scene.begin()
    scene.client.deliver(points("/runs/a", "loss", [1, 2], [5.0, 4.0]))
    scene.client.deliver(catalog())
    assert state.status == "idle" and state.live == ""
    assert len(state.history("/runs/a").curve("train", "loss").steps) == 2
    assert state.info.status == "interrupted" and state.can_resume
    state.start()
    assert state.status == "starting"


def test_a_new_engine_leaves_the_run_in_view(scene: Scene) -> None:
    scene.begin()
    assert scene.state.objective_run == "/runs/a"
    scene.client.deliver(TrainingChanged(run="/runs/a", status="stopped", step=10))
    scene.client.deliver(catalog())
    assert scene.client.last(OpenRun).run == "/runs/a"
    scene.client.deliver(opened(live=False, status="stopped"))
    assert scene.state.objective_run == "/runs/a", "the user changed nothing"
    scene.state.setup.choose_family("gan")
    assert scene.state.objective_run == ""


def test_an_engine_that_dies_while_starting(scene: Scene) -> None:
    scene.state.start()
    scene.client.deliver(catalog())
    assert scene.state.status == "idle" and scene.state.can_start


def test_overlaid_runs_are_opened_and_keep_their_colours(scene: Scene) -> None:
    state = scene.state
    runs = tuple(info(f"/runs/{n}", status="finished") for n in "bcd")
    scene.client.deliver(RunsListed(home="/runs", runs=runs, problems=()))
    state.set_overlay("/runs/b", True)
    state.set_overlay("/runs/c", True)
    assert scene.client.last(OpenRun).run == "/runs/c"
    state.set_overlay("/runs/b", False)
    state.set_overlay("/runs/d", True)
    assert state.overlays == {"/runs/c": 1, "/runs/d": 0}


def test_a_new_run_takes_the_place_of_the_one_that_came_by_itself(scene: Scene) -> None:
    state = scene.state
    scene.client.deliver(RunsListed(home="/runs", runs=(info("/runs/b", status="finished"),), problems=()))
    state.set_overlay("/runs/b", True)
    scene.begin("/runs/a")
    _change(scene, "stopped")
    scene.begin("/runs/z")
    assert set(state.overlays) == {"/runs/b", "/runs/z"}


def test_a_run_that_cannot_be_opened(scene: Scene) -> None:
    state = scene.state
    state.set_overlay("/runs/gone", True)
    request = scene.client.last(OpenRun).request
    scene.client.deliver(CommandFailed(request=request, command="OpenRun", message="No such run."))
    assert state.overlays == {} and state.problem == "No such run."


def test_the_objective_is_the_runs_until_the_setup_changes(scene: Scene) -> None:
    state = scene.state
    scene.begin(objective=GAME)
    assert state.objective == GAME and state.objective_run == "/runs/a"
    state.setup.set_config(state.setup.config | {"num_latent": 3}, {})
    assert state.objective == GAME
    _change(scene, "stopped")
    state.setup.set_config(state.setup.config | {"num_latent": 4}, {})
    assert state.objective == ELBO and state.objective_run == ""
    state.choose_run("/runs/a")
    assert state.objective == GAME


def test_a_checkpoint_is_kept(scene: Scene) -> None:
    assert not scene.state.can_keep_checkpoint
    scene.begin()
    scene.state.keep_checkpoint()
    assert scene.client.last(KeepCheckpoint).run == "/runs/a"


def test_opening_a_run_elsewhere_does_not_take_over(scene: Scene) -> None:
    scene.begin()
    scene.client.deliver(opened("/runs/b", live=False, status="finished"))
    assert scene.state.run == "/runs/a" and set(scene.state.overlays) == {"/runs/a"}


def test_a_run_that_another_panel_opened_before_brings_its_curves(scene: Scene) -> None:
    """The state of a panel is made when the panel is, which may be after the curves came."""
    scene.client.deliver(opened(live=False, status="finished"))
    assert not scene.state.histories

    def requests() -> int:
        return sum(isinstance(command, OpenRun) for command in scene.client.sent)

    scene.state.choose_run("/runs/a")
    assert requests() == 1
    scene.client.deliver(
        msgspec.structs.replace(opened(live=False, status="finished"), request=scene.client.last(OpenRun).request)
    )
    scene.client.deliver(points("/runs/a", "loss", [1], [2.0]))
    scene.state.choose_run("/runs/a")
    assert requests() == 1
