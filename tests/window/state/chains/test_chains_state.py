"""State of the Chains panel, with scripted replies of the engine."""

import numpy as np
import pytest
from chains_scene import ENERGY, FLOW, GAN, RBM, SPEC, ChainsScene
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.chains import TrajectoryAppended
from gmstudio.protocol.engine import Cancel, CommandFailed
from gmstudio.window.state.chains.state import ChainsState


@pytest.fixture
def scene(qtbot: QtBot) -> ChainsScene:
    scene = ChainsScene()
    scene.arrive()
    scene.state.choose_run(RBM)
    return scene


@pytest.fixture
def state(scene: ChainsScene) -> ChainsState:
    return scene.state


def test_it_begins_when_it_is_active(scene: ChainsScene, state: ChainsState) -> None:
    assert not scene.requested
    state.set_active(True)
    (command,) = scene.requested
    assert command.run == RBM and command.kind == "generation" and command.count == state.count
    assert state.running and state.playing
    state.set_active(False)
    assert not state.playing


def test_frames_add_up_and_the_position_stays_among_them(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    scene.answer(3)
    assert state.expected == 101
    scene.answer(2, start=3, done=True)
    assert state.length == state.expected == 5 and not state.running, "as many as arrived"
    assert state.images.shape == (5, 3, 1, 2, 2) and state.images[:, 0, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert state.metric == ENERGY and state.curve()[4, 1] == -4
    state.seek(99)
    assert state.position == 4 and state.labels[state.position] == "Gibbs step 4"
    state.step(-2)
    assert (state.shown() == 2).all()
    state.step(-99)
    assert state.position == 0


def test_more_frames_than_were_announced_find_room(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    for start in range(0, 40, 4):
        scene.answer(4, start=start, steps=5)
    assert state.images[:, 1, 0, 1, 1].tolist() == list(range(40))
    state.begin()
    assert state.length == 0 and not len(state.shown())
    scene.answer(2, steps=3, values=np.full((2, 7), 9.0))
    assert state.images.shape == (2, 7, 1, 2, 2) and (state.images == 9).all()


def test_the_strip_covers_the_whole_trajectory(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    scene.answer(11, done=True)
    images, chosen = state.strip(3)
    assert chosen == [0, 5, 10] and images.shape == (3, 3, 1, 2, 2) and (images[0, 1] == 5).all()


def test_playing_goes_to_the_end_and_stops(scene: ChainsScene, state: ChainsState, qtbot: QtBot) -> None:
    state.set_speed(240)
    state.begin()
    scene.answer(30, done=True)
    state.play()
    qtbot.waitUntil(lambda: not state.playing, timeout=5000)
    assert state.position == 29
    state.play()
    assert state.position == 0
    state.pause()


def test_answers_to_an_older_request_are_not_mixed_in(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    older = scene.requested[-1]
    scene.answer(4)
    state.begin()
    scene.client.deliver(
        TrajectoryAppended(
            request=older.request,
            run=RBM,
            start=4,
            labels=("late",),
            positions=(4,),
            images=Array.of(np.zeros((1, 3, 1, 2, 2), np.uint8)),
            metrics=(),
            steps=9,
            weights_step=10,
            done=True,
        )
    )
    assert state.length == 0 and state.running


def test_stopping_cancels_the_work_and_keeps_the_frames(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    scene.answer(4)
    state.stop()
    assert scene.client.last(Cancel).target == scene.requested[-1].request
    assert state.length == 4 and not state.running


def test_another_run_ends_the_computation_for_the_last_one(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    request = scene.requested[-1].request
    state.choose_run(FLOW)
    assert scene.client.last(Cancel).target == request and not state.running


def test_a_drawn_image_is_where_it_begins(scene: ChainsScene, state: ChainsState) -> None:
    state.set_start("image")
    state.begin()
    assert "Draw the initial image" in state.problem and not scene.requested
    drawn = np.full(SPEC.shape, 3, np.uint8)
    state.set_drawn(drawn)
    state.begin()
    command = scene.requested[-1]
    assert command.start == "image" and command.image is not None and (command.image.numpy() == drawn).all()


def test_of_any_run_the_training_can_be_played(scene: ChainsScene, state: ChainsState) -> None:
    assert state.kinds == ("generation", "training")
    state.choose_run(GAN)
    assert state.kinds == ("training",)
    state.begin()
    assert scene.requested[-1].kind == "training" and state.card is None


def test_a_training_that_continues_grows(scene: ChainsScene, state: ChainsState) -> None:
    state.choose_run(GAN)
    state.set_active(True)
    scene.answer(4, steps=4, done=True)
    state.step(1)
    scene.keep_grid(RBM, 50)
    assert len(scene.requested) == 1, "of another run"
    scene.keep_grid(GAN, 50)
    assert len(scene.requested) == 2 and not state.running
    scene.answer(5, steps=5, done=True)
    assert (state.length, state.position) == (5, 1), "the frame that is shown stays"
    state.seek(4)
    scene.keep_grid(GAN, 60)
    scene.answer(6, steps=6, done=True)
    assert (state.length, state.position) == (6, 5), "and at the end it follows"
    state.set_active(False)
    scene.keep_grid(GAN, 70)
    assert len(scene.requested) == 3, "not on the screen"


def test_a_refusal_of_the_engine_is_shown(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    failed = CommandFailed(request=scene.requested[-1].request, command="RunTrajectory", message="No grids yet.")
    scene.client.deliver(failed)
    assert state.problem == "No grids yet." and not state.running
    state.begin()
    assert state.problem == ""


def test_settings_stay_within_their_limits(state: ChainsState) -> None:
    state.set_size(0, 10**9)
    assert (state.count, state.steps) == (1, 10_000)
    state.set_seed(-5)
    assert state.seed == 0


def test_the_card_is_that_of_the_family(scene: ChainsScene, state: ChainsState) -> None:
    assert state.card is not None and state.card.steps == "Gibbs steps"
    state.choose_run(FLOW)
    assert state.card is not None and state.card.steps == "Layers shown"
    state.set_kind("training")
    assert state.card is None


def test_only_chains_have_an_autocorrelation(scene: ChainsScene, state: ChainsState) -> None:
    noise = np.random.default_rng(0).integers(0, 100, (100, 3)).astype(np.float32)
    by_measure, by_pixels = state.mixing()
    assert not len(by_measure.rho) and not len(by_pixels.rho)
    state.begin()
    scene.answer(100, values=noise, done=True)
    by_measure, by_pixels = state.mixing()
    assert by_measure.rho[0] == pytest.approx(1.0) and by_measure.time < 1.6 and by_pixels.r_hat < 1.1
    state.choose_run(FLOW)
    state.begin()
    scene.answer(100, values=noise, done=True)
    assert not len(state.mixing()[0].rho) and not len(state.mixing()[1].rho)
