"""Navigation of a generation: edits and breakpoints."""

import numpy as np
import pytest
from navigator_fixture import END, engine, in_flight, navigator, where
from pixel_engine import RUN, PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.protocol.pixels import (
    EditPixel,
    OpenPixels,
)
from gmstudio.window.state.pixels.breakpoints import Breakpoints
from gmstudio.window.state.pixels.generation_link import NewGeneration
from gmstudio.window.state.pixels.navigator import PixelNavigator
from gmstudio.window.state.pixels.snapshot import PixelSnapshot, entropy_nats

__all__ = ["engine", "navigator"]


# ---- editing ---------------------------------------------------------------------------------------------------------


def values(state: PixelSnapshot) -> list[int]:
    """Levels of the placed sub-pixels, in order."""
    channel, row, column = state.order[: state.step].T
    return state.image[channel, row, column].tolist()


def test_editing_shows_the_conditional_of_that_pixel_and_keeps_the_image_in_sight(
    navigator: PixelNavigator, engine: PixelEngine
) -> None:
    navigator.draw_to(9)
    engine.serve()
    whole = values(where(navigator))
    navigator.edit(4)
    engine.serve()
    assert navigator.editing is not None and where(navigator).step == 4
    assert navigator.shown is not None and values(navigator.shown) == whole and navigator.target == 9
    assert navigator.upcoming() == whole[4], "its present value is marked"
    navigator.leave_edit()
    engine.serve()
    assert navigator.editing is None and values(where(navigator)) == whole and navigator.chosen == frozenset()


def test_an_edit_keeps_what_follows_and_scores_it_anew(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.draw_to(9)
    engine.serve()
    before, nats = values(where(navigator)), where(navigator).nats
    navigator.edit(4)
    engine.serve()
    other = (before[4] + 1) % 4
    navigator.choose(other)
    engine.serve()
    assert engine.last(EditPixel).keep and navigator.editing is None
    assert values(where(navigator)) == [*before[:4], other, *before[5:]]
    assert navigator.chosen == {4}
    np.testing.assert_array_equal(where(navigator).nats[:4], nats[:4])
    assert not np.allclose(where(navigator).nats[5:], nats[5:])


def test_an_edit_draws_what_follows_again_from_the_same_uniforms(
    navigator: PixelNavigator, engine: PixelEngine
) -> None:
    navigator.choose(2)
    navigator.draw_to(9)
    engine.serve()
    before = values(where(navigator))
    navigator.set_keep_following(False)
    navigator.edit(4)
    engine.serve()
    navigator.choose(before[4])
    engine.serve()
    assert not engine.last(EditPixel).keep
    assert values(where(navigator)) == before, "the same value and the same uniforms"
    assert navigator.chosen == {0, 4}


def test_after_a_new_seed_an_edit_draws_what_follows_with_it(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.draw_to(END)
    engine.serve()
    before = values(where(navigator))
    navigator.set_keep_following(False)
    navigator.set_seed(99)
    navigator.edit(1)
    engine.serve()
    navigator.choose(before[1])
    engine.serve()
    assert where(navigator).finished and values(where(navigator))[:2] == before[:2]
    assert values(where(navigator)) != before


def test_moving_on_leaves_an_edit_and_counts_from_where_it_stood(
    navigator: PixelNavigator, engine: PixelEngine
) -> None:
    navigator.draw_to(7)
    engine.serve()
    before = values(where(navigator))
    navigator.edit(2)
    engine.serve()
    navigator.forward()
    engine.serve()
    assert navigator.editing is None and where(navigator).step == 8 and values(where(navigator))[:7] == before
    navigator.edit(2)
    navigator.back()  # before the engine has answered
    engine.serve()
    assert where(navigator).step == 7


def test_only_placed_pixels_are_edited(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.draw_to(3)
    engine.serve()
    for step in (3, -1):
        navigator.edit(step)
        assert navigator.editing is None


# ---- breakpoints -----------------------------------------------------------------------------------------------------


def expected_stops(engine: PixelEngine, points: Breakpoints) -> list[int]:
    """Steps at which finishing without breakpoints passes one, counted on the finished image."""
    free = PixelNavigator(engine)
    free.open(NewGeneration(OpenPixels(run=RUN)))
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
    navigator: PixelNavigator, engine: PixelEngine, points: Breakpoints
) -> None:
    wanted = expected_stops(engine, points)
    assert 2 <= len(wanted) < END, "the example says something"
    navigator.set_breakpoints(points)
    stops = []
    while not where(navigator).finished:
        navigator.finish()
        engine.serve()
        assert not navigator.finishing
        if navigator.stop is not None:
            stops.append(where(navigator).step)
    assert stops == wanted


def test_playing_a_pixel_at_a_time_stops_and_says_why(
    qtbot: QtBot, navigator: PixelNavigator, engine: PixelEngine
) -> None:
    points = Breakpoints(entropy=1.1, entropy_on=True)
    wanted = expected_stops(engine, points)
    navigator.set_breakpoints(points)
    for step in wanted[:2]:
        navigator.play()
        while navigator.playing:
            engine.serve()
            qtbot.waitUntil(lambda: in_flight(engine) > 0 or not navigator.playing, timeout=2000)
        assert where(navigator).step == step
        assert navigator.stop is not None and navigator.stop.kind == "entropy" and navigator.stop.step == step
        assert (
            navigator.stop.value == pytest.approx(entropy_nats(where(navigator).conditional))
            and navigator.stop.value > 1.1
        )
    navigator.forward()
    engine.serve()
    assert navigator.stop is None and where(navigator).step == wanted[1] + 1, "a single step goes on"


def test_a_breakpoint_that_is_switched_off_stops_nothing(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.set_breakpoints(Breakpoints(entropy=0.0, probability=1.0))
    navigator.finish()
    engine.serve()
    assert where(navigator).finished and navigator.stop is None
