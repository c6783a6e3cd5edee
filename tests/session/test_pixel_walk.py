"""Walking through a generation: one request in flight, nothing lost, the newest aim wins."""

import numpy as np
import pytest
from pixel_engine import RUN, SPEC, PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.messages import (
    AdvancePixels,
    Array,
    ClosePixels,
    ForgetPath,
    OpenPixels,
    PlacePixel,
    RewindPixels,
)
from gmstudio.session.pixel_state import PixelState
from gmstudio.session.pixel_walk import Opening, PixelWalk

END = SPEC.num_dims


@pytest.fixture
def engine() -> PixelEngine:
    return PixelEngine()


@pytest.fixture
def walk(qtbot: QtBot, engine: PixelEngine) -> PixelWalk:
    walk = PixelWalk(engine)
    walk.open(Opening(OpenPixels(run=RUN)))
    engine.serve()
    return walk


def where(walk: PixelWalk) -> PixelState:
    assert walk.state is not None
    return walk.state


def in_flight(engine: PixelEngine) -> int:
    return len([c for c in engine.sent[engine.answered :] if not isinstance(c, ClosePixels)])


def test_opening_shows_the_start(walk: PixelWalk) -> None:
    assert (where(walk).step, where(walk).weights_step, walk.usable) == (0, 400, True)


def test_steps_add_up_with_one_request_in_flight(walk: PixelWalk, engine: PixelEngine) -> None:
    for _ in range(5):
        walk.forward()
        assert in_flight(engine) == 1
    engine.serve()
    assert where(walk).step == 5
    walk.back()
    walk.back()
    walk.forward()
    engine.serve()
    assert (where(walk).step, where(walk).path) == (4, 5)


def test_steps_asked_for_while_playing_count_from_where_it_stops(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.play()
    walk.forward(2)
    assert not walk.playing
    engine.serve()
    assert where(walk).step == 3


def test_scrubbing_is_latest_wins(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.draw_to(END)
    engine.serve()
    before = len(engine.sent)
    for step in (9, 8, 7, 2, 5):
        walk.go_to(step)
    engine.serve()
    assert [c.step for c in engine.sent[before:] if isinstance(c, RewindPixels)] == [9, 5]
    assert where(walk).step == 5


def test_scrubbing_stays_on_the_path(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.forward(3)
    engine.serve()
    walk.go_to(END)
    engine.serve()
    assert where(walk).step == 3


def test_choosing_places_the_value_where_it_was_seen(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.draw_to(4)
    engine.serve()
    channel, row, column = where(walk).place_of(4)
    other = (walk.upcoming() or 0) + 1 & 3
    walk.play()  # a request is on its way, yet what the user sees is step 4
    walk.choose(other)
    engine.serve()
    assert not walk.playing
    assert (where(walk).step, where(walk).path) == (5, 5)
    assert where(walk).image[channel, row, column] == other
    assert walk.chosen == {4}


def test_a_choice_off_the_path_is_forgotten(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.choose(3)
    walk.choose(2)
    engine.serve()
    walk.go_to(0)
    engine.serve()
    assert walk.chosen == {0}
    assert walk.upcoming() == 2, "the path remembers what was chosen, not what the uniform would draw"
    walk.choose(1)
    engine.serve()
    assert walk.chosen == {0} and where(walk).image[0, 0, 0] == 1


def test_a_level_that_does_not_exist_is_not_sent(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.choose(4)
    with pytest.raises(AssertionError, match="no PlacePixel"):
        engine.last(PlacePixel)


def test_what_is_announced_is_what_comes(walk: PixelWalk, engine: PixelEngine) -> None:
    for temperature in (1.0, 0.3, 2.0, 0.0):
        walk.set_temperature(temperature)
        channel, row, column = where(walk).place_of(where(walk).step)
        announced = walk.upcoming()
        walk.forward()
        engine.serve()
        assert where(walk).image[channel, row, column] == announced


def test_a_new_temperature_draws_the_rest_anew_only_when_it_is_gone_over(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.draw_to(END)
    engine.serve()
    walk.go_to(4)
    walk.set_temperature(0.5)
    engine.serve()
    assert where(walk).path == END
    walk.go_to(8)
    engine.serve()
    assert (where(walk).step, where(walk).path) == (8, END)
    walk.forward()
    engine.serve()
    assert (where(walk).step, where(walk).path) == (9, 9)
    assert engine.last(AdvancePixels).temperature == 0.5


def test_a_new_seed_at_the_end_of_the_path_counts_at_once(walk: PixelWalk, engine: PixelEngine) -> None:
    before = where(walk).uniform
    walk.set_seed(77)
    engine.serve()
    assert engine.last(ForgetPath).seed == 77
    assert where(walk).uniform != before


def test_after_a_new_seed_going_over_old_pixels_draws_them_anew(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.draw_to(END)
    engine.serve()
    walk.set_seed(77)
    walk.go_to(6)
    walk.draw_to(END)
    engine.serve()
    ahead = where(walk).image
    walk.open(Opening(OpenPixels(run=RUN, seed=77, given=Array.of(ahead), first=6)))
    engine.serve()
    walk.draw_to(END)
    engine.serve()
    np.testing.assert_array_equal(where(walk).image, ahead)


def test_playing_goes_at_its_speed_and_stops_at_the_end(qtbot: QtBot, walk: PixelWalk, engine: PixelEngine) -> None:
    walk.set_speed(1000.0)
    walk.play()
    while walk.playing:
        engine.serve()
        qtbot.waitUntil(lambda: in_flight(engine) > 0 or not walk.playing, timeout=2000)
    assert where(walk).finished
    walk.play()
    engine.serve()
    assert where(walk).step <= 1, "playing again starts from the start"
    assert engine.last(RewindPixels).step == 0
    walk.pause()


def test_playing_keeps_one_request_in_flight(qtbot: QtBot, walk: PixelWalk, engine: PixelEngine) -> None:
    walk.set_speed(1000.0)
    walk.play()
    qtbot.waitUntil(lambda: walk._due > 20, timeout=2000)
    assert in_flight(engine) == 1
    walk.pause()


def test_finishing_goes_on_until_the_end_and_can_be_stopped(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.finish()
    assert walk.finishing and engine.last(AdvancePixels).count == END
    walk.pause()
    assert not walk.finishing
    engine.serve()
    walk.go_to(2)
    engine.serve()
    walk.finish()
    engine.serve()
    assert where(walk).finished and not walk.finishing


def test_given_pixels_are_gone_through_until_the_aim(walk: PixelWalk, engine: PixelEngine) -> None:
    given = Array.of(engine.data[0])
    walk.open(Opening(OpenPixels(run=RUN, given=given, first=END), aim=5, stale=True, same_weights=True))
    shown: list[int] = []
    walk.moved.connect(lambda: shown.append(where(walk).step))
    engine.serve()
    assert engine.last(OpenPixels).weights_of == 1
    assert (where(walk).step, where(walk).path) == (5, END)
    assert shown[-1] == max(shown) == 5, "the whole image flashed up"
    walk.forward()
    engine.serve()
    assert where(walk).path == 6, "going on generates"
    channel, row, column = where(walk).order[:5].T
    np.testing.assert_array_equal(where(walk).image[channel, row, column], engine.data[0][channel, row, column])


def test_opening_another_closes_the_one_before(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.forward()
    walk.open(Opening(OpenPixels(run=RUN), same_weights=True))
    walk.open(Opening(OpenPixels(run=RUN, seed=3), same_weights=True))
    engine.serve()
    assert engine.last(ClosePixels).session == 1
    assert (where(walk).session, where(walk).step, engine.last(OpenPixels).seed) == (2, 0, 3)


def test_a_refusal_is_told_and_the_generation_stays(qtbot: QtBot, walk: PixelWalk, engine: PixelEngine) -> None:
    with qtbot.waitSignal(walk.failed) as refused:
        walk.open(Opening(OpenPixels(run=RUN, first=3)))
        engine.serve()
    assert "no image came" in refused.args[0]
    assert walk.usable
    walk.forward()
    engine.serve()
    assert where(walk).step == 1


def test_a_lost_engine_stops_everything_and_leaves_the_picture(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.forward(4)
    engine.serve()
    walk.play()
    walk.lose()
    assert not (walk.playing or walk.usable or walk.busy)
    assert where(walk).step == 4
    walk.forward()
    walk.choose(0)
    assert in_flight(engine) == 1, "only what was sent before"


def test_it_heads_for_what_was_asked_for_last(walk: PixelWalk, engine: PixelEngine) -> None:
    for _ in range(2):  # before the engine has answered the first
        walk.draw_to(where(walk).row_end(walk.heading))
    assert walk.heading == 6
    engine.serve()
    assert walk.heading == where(walk).step == 6
    for _ in range(2):
        walk.go_to(where(walk).row_start(walk.heading))
    engine.serve()
    assert where(walk).step == 0
