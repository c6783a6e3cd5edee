"""State of pixel-by-pixel generation: orders, classes and observed pixels."""

import numpy as np
import pytest
from pixel_engine import RUN, PixelEngine
from pixels_state_fixture import engine, session, where
from pytestqt.qtbot import QtBot

from gmstudio.families import FAMILIES
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.pixels import OpenPixels
from gmstudio.protocol.runs import ChooseCheckpoint
from gmstudio.window.state.pixels.conditioning import Preset
from gmstudio.window.state.pixels.order import PAINTED, pixel_path
from gmstudio.window.state.pixels.state import PixelsState
from gmstudio.window.state.runs.library import RunLibrary

__all__ = ["engine", "session"]


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
    session.library.checkpoints.choose(RUN, 5)
    kinds = [type(command) for command in engine.sent[-2:]]
    assert kinds.index(ChooseCheckpoint) < kinds.index(OpenPixels)
    assert engine.last(OpenPixels).run == RUN and session.weights.step == 5
    engine.serve()
    session.set_active(False)
    sent = len(engine.sent)
    session.library.checkpoints.choose(RUN, None)
    assert not any(isinstance(command, OpenPixels) for command in engine.sent[sent:])
    session.set_active(True)
    assert isinstance(engine.sent[-1], OpenPixels)
