"""The session behind the Pixels panel: runs, weights, completions, continuations, and an engine that dies."""

import numpy as np
import pytest
from pixel_engine import RUN, SPEC, PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.families import FAMILIES
from gmstudio.protocol.data import BrowseData
from gmstudio.protocol.engine import Cancel, EngineReported
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import ContinuePixels, OpenPixels, PixelsContinued
from gmstudio.protocol.runs import ChooseCheckpoint
from gmstudio.protocol.training import TrainingChanged
from gmstudio.window.state.pixels.conditioning import Preset
from gmstudio.window.state.pixels.order import PAINTED, pixel_path
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import LOST, PixelsState
from gmstudio.window.state.runs.library import RunLibrary

END = SPEC.num_dims


@pytest.fixture
def engine() -> PixelEngine:
    return PixelEngine()


@pytest.fixture
def session(qtbot: QtBot, engine: PixelEngine) -> PixelsState:
    session = PixelsState(engine, RunLibrary(engine))
    engine.hello()
    engine.list_runs()
    session.choose_run(RUN)
    session.set_active(True)
    engine.serve()
    return session


def where(session: PixelsState) -> PixelSnapshot:
    assert session.state is not None
    return session.state


def begins_with(session: PixelsState, levels: np.ndarray, first: int) -> bool:
    channel, row, column = where(session).order[:first].T
    return bool((where(session).image[channel, row, column] == levels[channel, row, column]).all())


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
    session: PixelsState, engine: PixelEngine
) -> None:
    session.navigator.choose(3)
    session.navigator.forward(4)
    engine.serve()
    prefix = where(session).image
    session.set_following(True)
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
    assert session.has_newer_weights()


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


# ---- orders, classes and observed pixels, with a model of any order -----------------------------------------------


FREE = ImageSpec(channels=3, height=3, width=4, levels=4)


@pytest.fixture(scope="module")
def free_model() -> object:
    nade = FAMILIES["nade"]
    return nade(nade.Config(num_hidden=4, order_agnostic=True), FREE)


@pytest.fixture
def free_engine(free_model: object) -> PixelEngine:
    return PixelEngine(FREE, free_model)


@pytest.fixture
def free(qtbot: QtBot, free_engine: PixelEngine) -> PixelsState:
    session = PixelsState(free_engine, RunLibrary(free_engine))
    free_engine.list_runs()
    session.choose_run(RUN)
    session.set_active(True)
    free_engine.serve()
    session.browse()
    free_engine.serve()
    return session


def observed_now(session: PixelsState) -> np.ndarray:
    """(C, H, W): the first ``num_observed`` of the order."""
    return where(session).placed(where(session).num_observed)


def test_another_order_begins_again_and_stays(free: PixelsState, free_engine: PixelEngine) -> None:
    free.navigator.draw_to(5)
    free_engine.serve()
    assert PAINTED in where(free).orders and where(free).any_order
    free.choose_order("spiral")
    free_engine.serve()
    assert (where(free).step, where(free).order_name) == (0, "spiral")
    free.navigator.draw_to(9)
    free.use_current_weights()
    free_engine.serve()
    assert where(free).order_name == "spiral"
    free.choose_order("random", 7)
    free_engine.serve()
    shuffled = where(free).order
    free.choose_order("random", 8)
    free_engine.serve()
    assert (where(free).order != shuffled).any()


def test_a_painted_order_generates_the_painted_pixels_first(free: PixelsState, free_engine: PixelEngine) -> None:
    tools = free.tools
    tools.set_tool("order")
    tools.set_brush(1)
    tools.begin_stroke(False)
    for pixel in ((2, 3), (1, 1), (0, 2)):
        tools.paint(*pixel)
    tools.end_stroke()
    free.choose_order(PAINTED)
    free_engine.serve()
    assert pixel_path(where(free).order)[:4].tolist() == [[2, 3], [1, 1], [0, 2], [0, 0]]


def test_a_refused_order_leaves_everything_as_it_was(session: PixelsState, engine: PixelEngine) -> None:
    session.choose_order("spiral")
    engine.serve()
    assert session.problem and session.order.name == "" and session.navigator.usable
    session.reset()
    engine.serve()
    assert session.problem == "" and where(session).step == 0


@pytest.mark.parametrize(("preset", "count"), [("super_resolution", 12), ("colourization", 12), ("inpainting", 30)])
def test_presets_observe_their_part_and_the_rest_is_generated(
    free: PixelsState, free_engine: PixelEngine, preset: Preset, count: int
) -> None:
    free.condition_on(1)
    free_engine.serve()
    free.conditioning.choose_preset(preset)
    free_engine.serve()
    original = free_engine.data[1]
    mask = observed_now(free)
    assert (int(mask.sum()), where(free).step) == (count, count)
    assert (where(free).image[mask] == original[mask]).all()
    assert free.conditioning.reconstruction_error(where(free)) is None
    free.navigator.finish()
    free_engine.serve()
    assert where(free).finished and (where(free).image[mask] == original[mask]).all()
    reconstruction_error = free.conditioning.reconstruction_error(where(free))
    assert reconstruction_error is not None and reconstruction_error[0].count == FREE.num_dims - count
    assert reconstruction_error[0].differing == np.count_nonzero(where(free).image != original)
    assert reconstruction_error[1].differing == 0, "nothing was added to the original"
    free.navigator.play()
    free.navigator.pause()
    free_engine.serve()
    assert where(free).step >= count, "playing again starts after the observed pixels"


def test_the_mask_is_what_was_painted(free: PixelsState, free_engine: PixelEngine) -> None:
    free.condition_on(0)
    free.tools.set_tool("mask")
    free.tools.set_brush(1)
    free.tools.begin_stroke(False)
    free.tools.paint(0, 3)
    free.tools.end_stroke()
    free.conditioning.choose_preset("inpainting")
    free_engine.serve()
    assert np.argwhere(~observed_now(free)[0]).tolist() == [[0, 3]]
    free.tools.begin_stroke(False)
    free.tools.paint(2, 0)
    free.tools.end_stroke()
    free_engine.serve()
    assert np.argwhere(~observed_now(free)[0]).tolist() == [[0, 3], [2, 0]]


def test_denoising_scores_the_noisy_image_and_resamples_unlikely_pixels(
    free: PixelsState, free_engine: PixelEngine
) -> None:
    free.condition_on(2)
    free.conditioning.choose_preset("denoising")
    free.conditioning.set_noise(0.5, 1)
    free_engine.serve()
    noisy = free.conditioning.image.levels if free.conditioning.image is not None else None
    np.testing.assert_array_equal(where(free).image, noisy)
    assert free.conditioning.surprisal is not None
    free.conditioning.set_threshold(float(np.median(free.conditioning.surprisal)))
    missing = free.conditioning.unlikely
    assert missing is not None and missing.sum() == 6
    free.resample_unlikely()
    free_engine.serve()
    assert where(free).finished
    np.testing.assert_array_equal(~observed_now(free)[0], missing)
    assert noisy is not None and (where(free).image[:, ~missing] == noisy[:, ~missing]).all()
    assert free.conditioning.reconstruction_error(where(free)) is not None


def test_what_a_model_of_one_order_cannot_be_conditioned_on_says_why(session: PixelsState, engine: PixelEngine) -> None:
    session.browse()
    engine.serve()
    session.condition_on(0)
    engine.serve()
    for preset in ("inpainting", "super_resolution", "denoising"):
        assert "only on the first pixels" in session.conditioning.problem_of(preset)
        session.conditioning.choose_preset(preset)
        assert session.conditioning.preset == "completion"
    assert "grey" in session.conditioning.problem_of("colourization")


def test_another_run_begins_with_its_own_order_unconditioned(free: PixelsState, free_engine: PixelEngine) -> None:
    free.choose_order("spiral")
    free.condition_on(0)
    free_engine.serve()
    free.choose_run("/runs/other")
    free_engine.serve()
    sent = free_engine.last(OpenPixels)
    assert (sent.order, sent.levels, sent.observed, sent.label) == ("", None, None, -1)


def test_a_class_conditions_the_model_and_begins_again(free: PixelsState, free_engine: PixelEngine) -> None:
    free.navigator.draw_to(3)
    free_engine.serve()
    free.choose_label(2)
    assert free_engine.last(OpenPixels).label == 2
    free_engine.serve()
    assert free.label == -1 and free.problem, "this model has no classes, and reports that"


def test_editing_by_pointing_goes_through_the_colours(free: PixelsState, free_engine: PixelEngine) -> None:
    free.navigator.draw_to(8)
    free_engine.serve()
    free.tools.set_tool("edit")
    channels = []
    for _ in range(3):
        free.click(0, 1)
        free_engine.serve()
        assert free.navigator.editing is not None
        channels.append(where(free).place_of(free.navigator.editing.step))
    assert channels == [(0, 0, 1), (1, 0, 1), (2, 0, 1)]
    free.navigator.choose(3)
    free_engine.serve()
    assert where(free).image[2, 0, 1] == 3 and where(free).step == 8
    free.click(2, 3)
    assert free.navigator.editing is None, "that pixel is not placed yet"


def test_the_weights_of_a_kept_checkpoint_are_used(session: PixelsState, engine: PixelEngine) -> None:
    session.library.choose_checkpoint(RUN, 5)
    kinds = [type(command) for command in engine.sent[-2:]]
    assert kinds.index(ChooseCheckpoint) < kinds.index(OpenPixels)
    assert engine.last(OpenPixels).run == RUN and session.newest_step() == 5
    engine.serve()
    session.set_active(False)
    sent = len(engine.sent)
    session.library.choose_checkpoint(RUN, None)
    assert not any(isinstance(command, OpenPixels) for command in engine.sent[sent:])
    session.set_active(True)
    assert isinstance(engine.sent[-1], OpenPixels)
