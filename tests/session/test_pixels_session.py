"""The session behind the Pixels panel: runs, weights, completions, forks, and an engine that dies."""

import numpy as np
import pytest
from pixel_engine import RUN, SPEC, PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.messages import BrowseData, EngineReported, ForkPixels, OpenPixels, PixelsForked, TrainingChanged
from gmstudio.session.library import RunLibrary
from gmstudio.session.pixel_state import PixelState
from gmstudio.session.pixels import LOST, PixelsSession

END = SPEC.num_dims


@pytest.fixture
def engine() -> PixelEngine:
    return PixelEngine()


@pytest.fixture
def session(qtbot: QtBot, engine: PixelEngine) -> PixelsSession:
    session = PixelsSession(engine, RunLibrary(engine))
    engine.hello()
    engine.list_runs()
    session.choose_run(RUN)
    session.activate()
    engine.serve()
    return session


def where(session: PixelsSession) -> PixelState:
    assert session.state is not None
    return session.state


def given_part(session: PixelsSession, levels: np.ndarray, first: int) -> bool:
    channel, row, column = where(session).order[:first].T
    return bool((where(session).image[channel, row, column] == levels[channel, row, column]).all())


def test_nothing_is_opened_before_the_panel_is_in_use(qtbot: QtBot, engine: PixelEngine) -> None:
    session = PixelsSession(engine, RunLibrary(engine))
    engine.list_runs()
    session.choose_run(RUN)
    with pytest.raises(AssertionError, match="no OpenPixels"):
        engine.last(OpenPixels)
    session.activate()
    assert engine.last(OpenPixels).run == RUN


def test_another_run_is_opened_in_place(session: PixelsSession, engine: PixelEngine) -> None:
    session.choose_run("/runs/other")
    assert session.state is None
    engine.serve()
    assert where(session).run == "/runs/other"


def test_reset_keeps_weights_and_seed(session: PixelsSession, engine: PixelEngine) -> None:
    session.walk.draw_to(END)
    engine.serve()
    before = where(session).image
    engine.weights_step = 900
    session.reset()
    engine.serve()
    assert (where(session).step, where(session).weights_step) == (0, 400)
    session.walk.draw_to(END)
    engine.serve()
    np.testing.assert_array_equal(where(session).image, before)


def test_newer_weights_are_offered_while_the_run_trains(session: PixelsSession, engine: PixelEngine) -> None:
    session.walk.draw_to(5)
    engine.serve()
    prefix = where(session).image
    assert not session.has_newer_weights()
    engine.deliver(TrainingChanged(run=RUN, status="running", step=400))
    engine.deliver(EngineReported(state="training", device="CPU", memory_bytes=1, step=450))
    assert session.has_newer_weights() and session.newest_step() == 450
    engine.weights_step = 450
    session.use_current_weights()
    engine.serve()
    assert (where(session).step, where(session).weights_step) == (5, 450)
    np.testing.assert_array_equal(where(session).image, prefix)
    assert not session.has_newer_weights()


def train_to(engine: PixelEngine, step: int) -> None:
    engine.weights_step = step
    engine.deliver(TrainingChanged(run=RUN, status="running", step=step))
    engine.deliver(EngineReported(state="training", device="CPU", memory_bytes=1, step=step))


def test_following_takes_over_newer_weights_and_keeps_pixels_and_choices(
    session: PixelsSession, engine: PixelEngine
) -> None:
    session.walk.choose(3)
    session.walk.forward(4)
    engine.serve()
    prefix = where(session).image
    session.set_following(True)
    train_to(engine, 450)
    session.walk.forward(2)  # while it is opened
    engine.serve()
    assert (where(session).step, where(session).weights_step) == (7, 450)
    assert given_part(session, prefix, 5) and session.walk.chosen == {0}
    session.walk.play()
    train_to(engine, 500)
    assert session.walk.playing, "playing is not interrupted"
    session.walk.pause()
    engine.serve()
    session.deactivate()
    train_to(engine, 550)
    engine.serve()
    assert where(session).weights_step == 450, "nobody looks"


def test_a_finished_run_with_a_newer_checkpoint_offers_it(session: PixelsSession, engine: PixelEngine) -> None:
    engine.list_runs(checkpoint_steps=(400, 800))
    assert session.has_newer_weights()


def test_completing_a_real_image(session: PixelsSession, engine: PixelEngine) -> None:
    session.browse("valid", 4)
    engine.serve()
    assert engine.last(BrowseData).data_config == {"levels": 4}
    session.set_given(7)
    session.give(2)
    engine.serve()
    levels = engine.data[6]
    given = session.givens.given
    assert given is not None and (given.index, given.first, given.mask) == (6, 7, None)
    assert where(session).step == 7 and given_part(session, levels, 7)
    session.set_given(10)
    engine.serve()
    assert where(session).step == 10 and given_part(session, levels, 10)
    session.set_given(3)
    session.walk.draw_to(END)
    engine.serve()
    assert where(session).finished and given_part(session, levels, 3)
    session.set_given(9)
    engine.serve()
    assert where(session).step == 9 and given_part(session, levels, 9), "the real image is given again"
    session.walk.draw_to(END)
    engine.serve()
    session.reset()
    engine.serve()
    assert where(session).step == 9
    session.drop_given()
    engine.serve()
    assert where(session).step == 0 and session.givens.given is None


def test_a_whole_real_image_can_be_scored(session: PixelsSession, engine: PixelEngine) -> None:
    session.browse()
    engine.serve()
    session.set_given(END)
    session.give(0)
    engine.serve()
    assert where(session).finished and len(where(session).nats) == END


def test_clicking_goes_back_generates_ahead_or_moves_the_given_part(
    session: PixelsSession, engine: PixelEngine
) -> None:
    session.click(2, 1)
    engine.serve()
    assert where(session).step == 7
    session.click(0, 2)
    engine.serve()
    assert (where(session).step, where(session).path) == (2, 7)
    session.browse()
    engine.serve()
    session.set_given(2)
    session.give(0)
    engine.serve()
    session.click(3, 0)
    engine.serve()
    assert session.givens.given is not None and session.givens.given.first == where(session).step == 9
    session.walk.forward()
    engine.serve()
    session.click(3, 2)
    engine.serve()
    assert session.givens.given.first == 9 and where(session).step == 11


def test_forks_differ_each_time_and_one_is_adopted(session: PixelsSession, engine: PixelEngine) -> None:
    session.walk.draw_to(4)
    engine.serve()
    session.fork()
    assert session.forking and session.forks is None
    first = engine.last(ForkPixels)
    engine.serve()
    assert not session.forking and session.forks is not None
    assert session.forks.images.shape == (16, *SPEC.shape)
    session.fork()
    assert engine.last(ForkPixels).seed != first.seed
    engine.serve()
    session.adopt(3)
    engine.serve()
    assert where(session).finished
    np.testing.assert_array_equal(where(session).image, session.forks.images.numpy()[3])
    assert where(session).total_nats == pytest.approx(session.forks.nats.numpy()[3], rel=1e-5)


def test_replies_to_an_older_fork_are_ignored(session: PixelsSession, engine: PixelEngine) -> None:
    session.fork()
    older = engine.last(ForkPixels)
    session.fork()
    engine.serve()
    latest = session.forks
    assert isinstance(latest, PixelsForked) and latest.request != older.request and latest.done


def test_a_new_seed_on_a_finished_image_begins_again(session: PixelsSession, engine: PixelEngine) -> None:
    session.walk.draw_to(END)
    engine.serve()
    session.new_seed()
    engine.serve()
    assert where(session).step == 0
    assert engine.last(OpenPixels).seed == session.walk.seed


def test_a_dead_engine_is_told_and_the_pixel_is_found_again(session: PixelsSession, engine: PixelEngine) -> None:
    session.walk.draw_to(6)
    engine.serve()
    before = where(session).image
    session.walk.play()
    engine.hello()
    assert session.lost and session.problem == LOST and not session.walk.playing
    np.testing.assert_array_equal(where(session).image, before)
    session.reopen()
    engine.serve()
    assert not session.lost and session.problem == ""
    assert where(session).step == 6
    np.testing.assert_array_equal(where(session).image, before)


def test_a_refusal_is_shown_until_the_next_attempt(session: PixelsSession, engine: PixelEngine) -> None:
    for _ in range(8):  # other sessions push this one out
        engine.explorer.open(engine.model, RUN, 400, OpenPixels(run=RUN))
    session.walk.forward()
    engine.serve()
    assert "not open any more" in session.problem
    session.reopen()
    engine.serve()
    assert session.problem == "" and session.walk.usable
