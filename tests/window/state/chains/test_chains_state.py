"""State of the Chains panel, with scripted replies of the engine."""

from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from chains_scene import ENERGY, FLOW, GAN, RBM, SPEC, ChainsScene, info
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.chains import TrajectoryAppended
from gmstudio.protocol.engine import Cancel, CommandFailed
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.runs import RunsListed
from gmstudio.window.state.chains.state import ChainsState


@pytest.fixture
def scene(qtbot: QtBot) -> ChainsScene:
    scene = ChainsScene()
    scene.arrive()
    scene.state.choose_run(RBM)
    return scene


@pytest.fixture
def state(scene: ChainsScene) -> Iterator[ChainsState]:
    yield scene.state
    scene.state.pause()


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
    assert state.frames.images.shape == (5, 3, 1, 2, 2) and state.frames.images[:, 0, 0, 0, 0].tolist() == [
        0,
        1,
        2,
        3,
        4,
    ]
    assert state.metric == ENERGY and state.curve()[4, 1] == -4
    state.seek(99)
    assert state.position == 4 and state.frames.labels[state.position] == "Gibbs step 4"
    state.step(-2)
    assert (state.shown() == 2).all()
    state.step(-99)
    assert state.position == 0


def test_more_frames_than_were_announced_find_room(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    for start in range(0, 40, 4):
        scene.answer(4, start=start, steps=5)
    assert state.frames.images[:, 1, 0, 1, 1].tolist() == list(range(40))
    state.begin()
    assert state.length == 0 and not len(state.shown())
    scene.answer(2, steps=3, values=np.full((2, 7), 9.0))
    assert state.frames.images.shape == (2, 7, 1, 2, 2) and (state.frames.images == 9).all()


def test_the_strip_covers_the_whole_trajectory(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    scene.answer(11, done=True)
    images, chosen = state.frames.strip(3)
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


# ---- settings --------------------------------------------------------------------------------------------------------


def test_numbers_of_steps_and_samplers_are_kept_for_each_family(scene: ChainsScene, state: ChainsState) -> None:
    assert state.steps == 200
    state.set_size(4, 300)
    state.choose_run(FLOW)
    assert state.steps == 64, "the family's own number"
    state.set_size(4, 9)
    state.set_sampler({"way": "b", "eta": 0.25})
    state.choose_run(RBM)
    assert state.steps == 300 and state.sampler == {}
    state.set_kind("training")
    assert state.steps == 200
    state.pause()
    restarted = ChainsScene()
    restarted.state.restore_choices(state.choices())
    restarted.state.restore_choices({"steps": {"rbm": -1, "flow": "many"}, "samplers": [3]})
    restarted.arrive()
    restarted.state.choose_run(FLOW)
    assert restarted.state.steps == 9 and restarted.state.sampler == {"way": "b", "eta": 0.25}


def test_the_command_carries_what_has_an_effect(scene: ChainsScene, state: ChainsState) -> None:
    state.choose_run(FLOW)
    state.begin()
    assert scene.requested[-1].sampler == {"way": "a"}
    state.set_sampler({"way": "b", "eta": 0.25})
    state.begin()
    assert scene.requested[-1].sampler == {"way": "b", "eta": 0.25}
    assert state.description == "B way · η 0.25 · 64 steps · seed 0"


def test_what_is_set_and_not_applied_is_known(scene: ChainsScene, state: ChainsState) -> None:
    state.choose_run(FLOW)
    assert state.pending == frozenset(), "there is no trajectory yet"
    state.begin()
    assert state.pending == frozenset()
    state.set_seed(5)
    state.set_size(3, 64)
    assert state.pending == {"seed", "count"}
    state.set_sampler({"way": "b", "eta": 0.25})
    state.set_start("data", 7)
    assert state.pending == {"seed", "count", "sampler", "start", "index"}
    state.begin()
    assert state.pending == frozenset()


def test_restarting_plays_as_choosing_a_run_does(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    scene.answer(4, done=True)
    assert not state.playing
    state.restart()
    assert state.playing and state.position == 0


def test_a_drawing_survives_a_change_of_run_of_the_same_size(scene: ChainsScene, state: ChainsState) -> None:
    drawn = np.full(SPEC.shape, 3, np.uint8)
    state.set_drawn(drawn)
    state.choose_run(FLOW)
    state.begin()
    image = scene.requested[-1].image
    assert image is not None and (image.numpy() == drawn).all()
    binary = msgspec.structs.replace(info(RBM, "trajectory"), image=ImageSpec(1, 2, 2, 2))
    larger = msgspec.structs.replace(info(FLOW, "trajectory"), image=ImageSpec(1, 3, 2, 4))
    scene.client.deliver(RunsListed(home="/runs", runs=(binary, larger), problems=()))
    assert state.drawn is None, "of another size"
    state.choose_run(RBM)
    assert state.drawn is not None and (state.drawn == 1).all(), "white is white at another number of levels"


def test_the_whole_length_is_known_from_the_start(scene: ChainsScene, state: ChainsState) -> None:
    state.begin()
    assert state.expected == 201
    scene.answer(3, steps=51)
    assert state.expected == 51
    scene.answer(48, start=3, steps=51, done=True)
    assert state.expected == 51


# ---- chains and comparison -------------------------------------------------------------------------------------------


def test_continuing_takes_the_selected_chain_and_an_image(scene: ChainsScene, state: ChainsState) -> None:
    state.choose_run(FLOW)
    state.begin()
    assert state.image_frame() is None and state.chain_image() is None
    scene.lay_layers(2, 1)
    assert state.image_frame() is None, "the image has not arrived"
    state.begin()
    scene.lay_layers(0, 2, 0)
    state.seek(1)
    assert state.image_frame() == 0, "the data image, not the picture of the code"
    state.seek(2)
    assert state.image_frame() == 2
    state.choose_run(RBM)
    state.begin()
    scene.answer(4, values=np.array([[0, 85, 170], [1, 86, 171], [2, 87, 255], [3, 88, 255]], np.float32), done=True)
    state.seek(2)
    image = state.chain_image()
    assert state.image_frame() == 2 and image is not None and (image == 0).all()
    state.select_chain(2)
    image = state.chain_image()
    assert image is not None and (image == 3).all()
    state.select_chain(2)
    assert state.chain == -1, "a second click selects none"
    state.select_chain(9)
    assert state.chain == -1


def test_a_kept_trajectory_stays_beside_the_next(scene: ChainsScene, state: ChainsState) -> None:
    state.choose_run(FLOW)
    state.keep(True)
    assert state.kept is None, "nothing to keep"
    state.begin()
    scene.lay_layers(4, 2, 0)
    state.keep(True)
    state.set_sampler({"way": "b"})
    state.begin()
    scene.lay_layers(4, 3, 2, 1, 0)
    assert state.kept is not None and len(state.kept.frames) == 3 and state.length == 5
    assert state.kept.description == "a · 64 steps · seed 0"
    assert [state.counterpart() for i in range(5) if state.seek(i) is None] == [0, 0, 1, 1, 2], "by the layer"
    state.keep(False)
    assert state.kept is None


def test_frames_there_and_back_are_matched_by_their_share(scene: ChainsScene, state: ChainsState) -> None:
    state.choose_run(FLOW)
    state.begin()
    scene.lay_layers(0, 1, 0)
    state.keep(True)
    state.begin()
    scene.lay_layers(0, 1, 2, 1, 0)
    state.seek(4)
    assert state.counterpart() == 2
    state.seek(2)
    assert state.counterpart() == 1


def test_another_checkpoint_generates_again_with_its_weights(scene: ChainsScene, state: ChainsState) -> None:
    state.set_active(True)
    scene.answer(3, done=True)
    scene.library.checkpoints.choose(RBM, 5)
    assert len(scene.requested) == 2 and state.length == 0
    scene.answer(3, done=True)
    scene.library.checkpoints.choose(FLOW, 5)
    assert len(scene.requested) == 2
    state.pause()
