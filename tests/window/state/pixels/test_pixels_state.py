"""The session behind the Pixels panel: runs, weights, completions, continuations, and an engine that dies."""

import numpy as np
import pytest
from pixel_engine import RUN, SPEC, PixelEngine
from pixels_state_fixture import END, begins_with, engine, session, where
from pytestqt.qtbot import QtBot

from gmstudio.protocol.data import BrowseData
from gmstudio.protocol.engine import Cancel, EngineReported
from gmstudio.protocol.pixels import ContinuePixels, OpenPixels, PixelsContinued
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.state.pixels.state import LOST, PixelsState
from gmstudio.window.state.runs.library import RunLibrary

__all__ = ["engine", "session"]


def test_nothing_is_opened_before_the_panel_is_in_use(qtbot: QtBot, engine: PixelEngine) -> None:
    session = PixelsState(engine, RunLibrary(engine))
    engine.list_runs()
    session.choose_run(RUN)
    with pytest.raises(AssertionError, match="no OpenPixels"):
        engine.last(OpenPixels)
    session.set_active(True)
    assert engine.last(OpenPixels).run == RUN


def test_another_run_is_opened_in_place(session: PixelsState, engine: PixelEngine) -> None:
    session.choose_run("/runs/other")
    assert session.state is None
    engine.serve()
    assert where(session).run == "/runs/other"


def test_reset_keeps_weights_and_seed(session: PixelsState, engine: PixelEngine) -> None:
    session.navigator.draw_to(END)
    engine.serve()
    before = where(session).image
    engine.weights_step = 900
    session.reset()
    engine.serve()
    assert (where(session).step, where(session).weights_step) == (0, 400)
    session.navigator.draw_to(END)
    engine.serve()
    np.testing.assert_array_equal(where(session).image, before)


def test_newer_weights_are_offered_while_the_run_trains(session: PixelsState, engine: PixelEngine) -> None:
    session.navigator.draw_to(5)
    engine.serve()
    prefix = where(session).image
    assert not session.weights.are_newer
    engine.deliver(TrainingChanged(run=RUN, status="running", step=400))
    engine.deliver(EngineReported(state="training", device="CPU", memory_bytes=1, step=450))
    assert session.weights.are_newer and session.weights.step == 450
    engine.weights_step = 450
    session.use_current_weights()
    engine.serve()
    assert (where(session).step, where(session).weights_step) == (5, 450)
    np.testing.assert_array_equal(where(session).image, prefix)
    assert not session.weights.are_newer


def train_to(engine: PixelEngine, step: int) -> None:
    engine.weights_step = step
    engine.deliver(TrainingChanged(run=RUN, status="running", step=step))
    engine.deliver(EngineReported(state="training", device="CPU", memory_bytes=1, step=step))


def test_following_takes_over_newer_weights_and_keeps_pixels_and_choices(
    session: PixelsState, engine: PixelEngine
) -> None:
    session.navigator.choose(3)
    session.navigator.forward(4)
    engine.serve()
    prefix = where(session).image
    session.weights.set_following(True)
    train_to(engine, 450)
    session.navigator.forward(2)  # while it is opened
    engine.serve()
    assert (where(session).step, where(session).weights_step) == (7, 450)
    assert begins_with(session, prefix, 5) and session.navigator.chosen == {0}
    session.navigator.play()
    train_to(engine, 500)
    assert session.navigator.playing, "playing is not interrupted"
    session.navigator.pause()
    engine.serve()
    session.set_active(False)
    train_to(engine, 550)
    engine.serve()
    assert where(session).weights_step == 450, "not active"


def test_a_finished_run_with_a_newer_checkpoint_offers_it(session: PixelsState, engine: PixelEngine) -> None:
    engine.list_runs(checkpoint_steps=(400, 800))
    assert session.weights.are_newer


def test_completing_a_real_image(session: PixelsState, engine: PixelEngine) -> None:
    session.browse("valid", 4)
    engine.serve()
    assert engine.last(BrowseData).data_config == {"levels": 4}
    session.set_num_observed(7)
    session.condition_on(2)
    engine.serve()
    levels = engine.data[6]
    image = session.conditioning.image
    assert image is not None and (image.index, image.num_observed, image.observed) == (6, 7, None)
    assert where(session).step == 7 and begins_with(session, levels, 7)
    session.set_num_observed(10)
    engine.serve()
    assert where(session).step == 10 and begins_with(session, levels, 10)
    session.set_num_observed(3)
    session.navigator.draw_to(END)
    engine.serve()
    assert where(session).finished and begins_with(session, levels, 3)
    session.set_num_observed(9)
    engine.serve()
    assert where(session).step == 9 and begins_with(session, levels, 9), "the real image is observed again"
    session.navigator.draw_to(END)
    engine.serve()
    session.reset()
    engine.serve()
    assert where(session).step == 9
    session.clear_conditioning()
    engine.serve()
    assert where(session).step == 0 and session.conditioning.image is None


def test_a_whole_real_image_can_be_scored(session: PixelsState, engine: PixelEngine) -> None:
    session.browse()
    engine.serve()
    session.set_num_observed(END)
    session.condition_on(0)
    engine.serve()
    assert where(session).finished and len(where(session).nats) == END


def test_clicking_goes_back_generates_ahead_or_moves_the_begins_with(session: PixelsState, engine: PixelEngine) -> None:
    session.click(2, 1)
    engine.serve()
    assert where(session).step == 7
    session.click(0, 2)
    engine.serve()
    assert (where(session).step, where(session).path) == (2, 7)
    session.browse()
    engine.serve()
    session.set_num_observed(2)
    session.condition_on(0)
    engine.serve()
    session.click(3, 0)
    engine.serve()
    assert (
        session.conditioning.image is not None and session.conditioning.image.num_observed == where(session).step == 9
    )
    session.navigator.forward()
    engine.serve()
    session.click(3, 2)
    engine.serve()
    assert session.conditioning.image.num_observed == 9 and where(session).step == 11


def test_continuations_differ_each_time_and_one_is_adopted(session: PixelsState, engine: PixelEngine) -> None:
    session.navigator.draw_to(4)
    engine.serve()
    session.sample_continuations()
    assert session.continuations.running and session.continuations.sampled is None
    first = engine.last(ContinuePixels)
    engine.serve()
    assert not session.continuations.running and session.continuations.sampled is not None
    assert session.continuations.sampled.images.shape == (16, *SPEC.shape)
    session.sample_continuations()
    assert engine.last(ContinuePixels).seed != first.seed
    engine.serve()
    session.adopt(3)
    engine.serve()
    assert where(session).finished
    np.testing.assert_array_equal(where(session).image, session.continuations.sampled.images.numpy()[3])
    assert where(session).total_nats == pytest.approx(session.continuations.sampled.nats.numpy()[3], rel=1e-5)


def test_another_run_ends_the_continuations_of_the_one_before(session: PixelsState, engine: PixelEngine) -> None:
    session.sample_continuations()
    request = engine.last(ContinuePixels).request
    session.choose_run("/runs/other")
    assert engine.last(Cancel).target == request and not session.continuations.running
    engine.serve()
    assert session.continuations.sampled is None


def test_continuations_end_with_the_engine(session: PixelsState, engine: PixelEngine) -> None:
    session.sample_continuations()
    engine.hello()
    assert not session.continuations.running and session.continuations.sampled is None


def test_replies_to_older_continuations_are_ignored(session: PixelsState, engine: PixelEngine) -> None:
    session.sample_continuations()
    older = engine.last(ContinuePixels)
    session.sample_continuations()
    engine.serve()
    latest = session.continuations.sampled
    assert isinstance(latest, PixelsContinued) and latest.request != older.request and latest.done


def test_a_new_seed_on_a_finished_image_begins_again(session: PixelsState, engine: PixelEngine) -> None:
    session.navigator.draw_to(END)
    engine.serve()
    session.new_seed()
    engine.serve()
    assert where(session).step == 0
    assert engine.last(OpenPixels).seed == session.navigator.seed


def test_a_dead_engine_is_reported_and_the_pixel_is_found_again(session: PixelsState, engine: PixelEngine) -> None:
    session.navigator.draw_to(6)
    engine.serve()
    before = where(session).image
    session.navigator.play()
    engine.hello()
    assert session.lost and session.problem == LOST and not session.navigator.playing
    np.testing.assert_array_equal(where(session).image, before)
    session.use_current_weights()
    engine.serve()
    assert not session.lost and session.problem == ""
    assert where(session).step == 6
    np.testing.assert_array_equal(where(session).image, before)


def test_a_refusal_is_shown_until_the_next_attempt(session: PixelsState, engine: PixelEngine) -> None:
    for _ in range(8):  # other sessions push this one out
        engine.explorer.open(engine.model, RUN, 400, OpenPixels(run=RUN))
    session.navigator.forward()
    engine.serve()
    assert "not open any more" in session.problem
    session.use_current_weights()
    engine.serve()
    assert session.problem == "" and session.navigator.usable
