"""Walking through a generation: one request in flight, nothing lost, the newest aim wins."""

import numpy as np
import pytest
from pixel_engine import RUN, SPEC, PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.pixels import (
    AdvancePixels,
    ClosePixels,
    EditPixel,
    ForgetPath,
    OpenPixels,
    PlacePixel,
    RewindPixels,
)
from gmstudio.window.state.pixels.breakpoints import Breakpoints
from gmstudio.window.state.pixels.navigator import PixelWalk
from gmstudio.window.state.pixels.requests import Opening
from gmstudio.window.state.pixels.snapshot import PixelState, entropy_nats

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
    qtbot.waitUntil(lambda: walk.clock.due > 20, timeout=2000)
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


# ---- editing ---------------------------------------------------------------------------------------------------------


def values(state: PixelState) -> list[int]:
    """Levels of the placed sub-pixels, in order."""
    channel, row, column = state.order[: state.step].T
    return state.image[channel, row, column].tolist()


def test_editing_shows_the_conditional_of_that_pixel_and_keeps_the_image_in_sight(
    walk: PixelWalk, engine: PixelEngine
) -> None:
    walk.draw_to(9)
    engine.serve()
    whole = values(where(walk))
    walk.edit(4)
    engine.serve()
    assert walk.editing is not None and where(walk).step == 4
    assert walk.shown is not None and values(walk.shown) == whole and walk.heading == 9
    assert walk.upcoming() == whole[4], "its present value is marked"
    walk.leave_edit()
    engine.serve()
    assert walk.editing is None and values(where(walk)) == whole and walk.chosen == frozenset()


def test_an_edit_keeps_what_follows_and_scores_it_anew(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.draw_to(9)
    engine.serve()
    before, nats = values(where(walk)), where(walk).nats
    walk.edit(4)
    engine.serve()
    other = (before[4] + 1) % 4
    walk.choose(other)
    engine.serve()
    assert engine.last(EditPixel).keep and walk.editing is None
    assert values(where(walk)) == [*before[:4], other, *before[5:]]
    assert walk.chosen == {4}
    np.testing.assert_array_equal(where(walk).nats[:4], nats[:4])
    assert not np.allclose(where(walk).nats[5:], nats[5:])


def test_an_edit_draws_what_follows_again_from_the_same_uniforms(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.choose(2)
    walk.draw_to(9)
    engine.serve()
    before = values(where(walk))
    walk.set_keep_following(False)
    walk.edit(4)
    engine.serve()
    walk.choose(before[4])
    engine.serve()
    assert not engine.last(EditPixel).keep
    assert values(where(walk)) == before, "the same value and the same uniforms"
    assert walk.chosen == {0, 4}


def test_after_a_new_seed_an_edit_draws_what_follows_with_it(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.draw_to(END)
    engine.serve()
    before = values(where(walk))
    walk.set_keep_following(False)
    walk.set_seed(99)
    walk.edit(1)
    engine.serve()
    walk.choose(before[1])
    engine.serve()
    assert where(walk).finished and values(where(walk))[:2] == before[:2]
    assert values(where(walk)) != before


def test_moving_on_leaves_an_edit_and_counts_from_where_it_stood(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.draw_to(7)
    engine.serve()
    before = values(where(walk))
    walk.edit(2)
    engine.serve()
    walk.forward()
    engine.serve()
    assert walk.editing is None and where(walk).step == 8 and values(where(walk))[:7] == before
    walk.edit(2)
    walk.back()  # before the engine has answered
    engine.serve()
    assert where(walk).step == 7


def test_only_placed_pixels_are_edited(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.draw_to(3)
    engine.serve()
    for step in (3, -1):
        walk.edit(step)
        assert walk.editing is None


# ---- breakpoints -----------------------------------------------------------------------------------------------------


def expected_stops(engine: PixelEngine, points: Breakpoints) -> list[int]:
    """Where finishing in one go, without breakpoints, passes one: counted on the whole image's numbers."""
    free = PixelWalk(engine)
    free.open(Opening(OpenPixels(run=RUN)))
    engine.serve()
    free.finish()
    engine.serve()
    state = where(free)
    uncertain = {s for s in range(1, END) if points.entropy_on and state.entropies[s] > points.entropy}
    unlikely = {s + 1 for s in range(END) if points.probability_on and np.exp(-state.nats[s]) < points.probability}
    return sorted(uncertain | unlikely)


@pytest.mark.parametrize(
    "points",
    [
        Breakpoints(entropy=1.1, entropy_on=True),
        Breakpoints(probability=0.25, probability_on=True),
        Breakpoints(entropy=1.1, entropy_on=True, probability=0.25, probability_on=True),
    ],
)
def test_finishing_stops_at_breakpoints_and_goes_on_the_next_time(
    walk: PixelWalk, engine: PixelEngine, points: Breakpoints
) -> None:
    wanted = expected_stops(engine, points)
    assert 2 <= len(wanted) < END, "the example says something"
    walk.set_breakpoints(points)
    stops = []
    while not where(walk).finished:
        walk.finish()
        engine.serve()
        assert not walk.finishing
        if walk.stop is not None:
            stops.append(where(walk).step)
    assert stops == wanted


def test_playing_a_pixel_at_a_time_stops_and_says_why(qtbot: QtBot, walk: PixelWalk, engine: PixelEngine) -> None:
    points = Breakpoints(entropy=1.1, entropy_on=True)
    wanted = expected_stops(engine, points)
    walk.set_breakpoints(points)
    for step in wanted[:2]:
        walk.play()
        while walk.playing:
            engine.serve()
            qtbot.waitUntil(lambda: in_flight(engine) > 0 or not walk.playing, timeout=2000)
        assert where(walk).step == step
        assert walk.stop is not None and walk.stop.kind == "entropy" and walk.stop.step == step
        assert walk.stop.value == pytest.approx(entropy_nats(where(walk).conditional)) and walk.stop.value > 1.1
    walk.forward()
    engine.serve()
    assert walk.stop is None and where(walk).step == wanted[1] + 1, "a single step goes on"


def test_a_breakpoint_that_is_switched_off_stops_nothing(walk: PixelWalk, engine: PixelEngine) -> None:
    walk.set_breakpoints(Breakpoints(entropy=0.0, probability=1.0))
    walk.finish()
    engine.serve()
    assert where(walk).finished and walk.stop is None
