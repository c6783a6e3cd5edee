"""The Chains panel's state, with an engine that answers as it is told."""

import numpy as np
import pytest
from chains_scene import ENERGY, FLOW, GAN, RBM, SPEC, ChainsScene
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.chains import TrajectoryAppended
from gmstudio.protocol.engine import CommandFailed
from gmstudio.window.state.chains.state import ChainsState


@pytest.fixture
def scene(qtbot: QtBot) -> ChainsScene:
    scene = ChainsScene()
    scene.arrive()
    scene.session.choose_run(RBM)
    return scene


@pytest.fixture
def session(scene: ChainsScene) -> ChainsState:
    return scene.session


def test_it_begins_when_somebody_looks(scene: ChainsScene, session: ChainsState) -> None:
    assert not scene.asked
    session.activate()
    (command,) = scene.asked
    assert command.run == RBM and command.kind == "generation" and command.count == session.count
    assert session.running and session.playing
    session.deactivate()
    assert not session.playing


def test_moments_add_up_and_the_cursor_stays_among_them(scene: ChainsScene, session: ChainsState) -> None:
    session.begin()
    scene.answer(3)
    assert session.expected == 101
    scene.answer(2, start=3, done=True)
    assert session.length == session.expected == 5 and not session.running, "as many as came in the end"
    assert session.images.shape == (5, 3, 1, 2, 2) and session.images[:, 0, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert session.metric == ENERGY and session.curve()[4, 1] == -4
    session.seek(99)
    assert session.position == 4 and session.labels[session.position] == "Gibbs step 4"
    session.step(-2)
    assert (session.shown() == 2).all()
    session.step(-99)
    assert session.position == 0


def test_more_moments_than_were_announced_find_room(scene: ChainsScene, session: ChainsState) -> None:
    session.begin()
    for start in range(0, 40, 4):
        scene.answer(4, start=start, steps=5)
    assert session.images[:, 1, 0, 1, 1].tolist() == list(range(40))
    session.begin()
    assert session.length == 0 and not len(session.shown())
    scene.answer(2, steps=3, values=np.full((2, 7), 9.0))
    assert session.images.shape == (2, 7, 1, 2, 2) and (session.images == 9).all()


def test_the_strip_covers_the_whole_timeline(scene: ChainsScene, session: ChainsState) -> None:
    session.begin()
    scene.answer(11, done=True)
    images, chosen = session.strip(3)
    assert chosen == [0, 5, 10] and images.shape == (3, 3, 1, 2, 2) and (images[0, 1] == 5).all()


def test_playing_goes_to_the_end_and_stops(scene: ChainsScene, session: ChainsState, qtbot: QtBot) -> None:
    session.set_speed(240)
    session.begin()
    scene.answer(30, done=True)
    session.play()
    qtbot.waitUntil(lambda: not session.playing, timeout=5000)
    assert session.position == 29
    session.play()
    assert session.position == 0
    session.pause()


def test_answers_to_an_older_request_are_not_mixed_in(scene: ChainsScene, session: ChainsState) -> None:
    session.begin()
    older = scene.asked[-1]
    scene.answer(4)
    session.begin()
    scene.client.deliver(
        TrajectoryAppended(
            request=older.request,
            run=RBM,
            start=4,
            labels=("late",),
            images=Array.of(np.zeros((1, 3, 1, 2, 2), np.uint8)),
            metrics=(),
            steps=9,
            weights_step=10,
            done=True,
        )
    )
    assert session.length == 0 and session.running


def test_stopping_tells_the_engine_and_keeps_what_came(scene: ChainsScene, session: ChainsState) -> None:
    session.begin()
    scene.answer(4)
    session.stop()
    assert scene.asked[-1].count == 0 and session.length == 4 and not session.running


def test_a_drawn_image_is_where_it_begins(scene: ChainsScene, session: ChainsState) -> None:
    session.set_start("image")
    session.begin()
    assert "Draw the image" in session.problem and not scene.asked
    drawn = np.full(SPEC.shape, 3, np.uint8)
    session.set_drawn(drawn)
    session.begin()
    command = scene.asked[-1]
    assert command.start == "image" and command.image is not None and (command.image.numpy() == drawn).all()


def test_of_any_run_the_training_can_be_played(scene: ChainsScene, session: ChainsState) -> None:
    assert session.kinds == ("generation", "training")
    session.choose_run(GAN)
    assert session.kinds == ("training",)
    session.begin()
    assert scene.asked[-1].kind == "training" and session.card is None


def test_a_training_that_goes_on_grows(scene: ChainsScene, session: ChainsState) -> None:
    session.choose_run(GAN)
    session.activate()
    scene.answer(4, steps=4, done=True)
    session.step(1)
    scene.keep_grid(RBM, 50)
    assert len(scene.asked) == 1, "of another run"
    scene.keep_grid(GAN, 50)
    assert len(scene.asked) == 2 and not session.running
    scene.answer(5, steps=5, done=True)
    assert (session.length, session.position) == (5, 1), "the cursor stays where one looks"
    session.seek(4)
    scene.keep_grid(GAN, 60)
    scene.answer(6, steps=6, done=True)
    assert (session.length, session.position) == (6, 5), "and follows from the end"
    session.deactivate()
    scene.keep_grid(GAN, 70)
    assert len(scene.asked) == 3, "nobody looks"


def test_what_the_engine_refuses_is_said(scene: ChainsScene, session: ChainsState) -> None:
    session.begin()
    failed = CommandFailed(request=scene.asked[-1].request, command="RunTrajectory", message="No grids yet.")
    scene.client.deliver(failed)
    assert session.problem == "No grids yet." and not session.running
    session.begin()
    assert session.problem == ""


def test_settings_stay_within_their_limits(session: ChainsState) -> None:
    session.set_size(0, 10**9)
    assert (session.count, session.steps) == (1, 10_000)
    session.set_seed(-5)
    assert session.seed == 0


def test_the_family_says_how_to_speak_of_it(scene: ChainsScene, session: ChainsState) -> None:
    assert session.card is not None and session.card.steps == "Gibbs steps"
    session.choose_run(FLOW)
    assert session.card is not None and session.card.steps == "Layers shown"
    session.set_kind("training")
    assert session.card is None


def test_only_chains_have_an_autocorrelation(scene: ChainsScene, session: ChainsState) -> None:
    noise = np.random.default_rng(0).integers(0, 100, (100, 3)).astype(np.float32)
    by_measure, by_pixels = session.mixing()
    assert not len(by_measure.rho) and not len(by_pixels.rho)
    session.begin()
    scene.answer(100, values=noise, done=True)
    by_measure, by_pixels = session.mixing()
    assert by_measure.rho[0] == pytest.approx(1.0) and by_measure.time < 1.6 and by_pixels.r_hat < 1.1
    session.choose_run(FLOW)
    session.begin()
    scene.answer(100, values=noise, done=True)
    assert not len(session.mixing()[0].rho) and not len(session.mixing()[1].rho)
