"""Moving through a generation: one request in flight, nothing lost, the newest target wins."""

import msgspec
import numpy as np
import pytest
from navigator_fixture import END, engine, in_flight, navigator, where
from pixel_engine import RUN, PixelEngine
from pytestqt.qtbot import QtBot

from gmstudio.protocol.array import Array
from gmstudio.protocol.pixels import (
    AdvancePixels,
    ClosePixels,
    ForgetPath,
    OpenPixels,
    PlacePixel,
    RewindPixels,
)
from gmstudio.window.state.pixels.generation_link import NewGeneration
from gmstudio.window.state.pixels.navigator import PixelNavigator

__all__ = ["engine", "navigator"]


def test_opening_shows_the_start(navigator: PixelNavigator) -> None:
    assert (where(navigator).step, where(navigator).weights_step, navigator.usable) == (0, 400, True)


def test_steps_add_up_with_one_request_in_flight(navigator: PixelNavigator, engine: PixelEngine) -> None:
    for _ in range(5):
        navigator.forward()
        assert in_flight(engine) == 1
    engine.serve()
    assert where(navigator).step == 5
    navigator.back()
    navigator.back()
    navigator.forward()
    engine.serve()
    assert (where(navigator).step, where(navigator).path) == (4, 5)


def test_steps_asked_for_while_playing_count_from_where_it_stops(
    navigator: PixelNavigator, engine: PixelEngine
) -> None:
    navigator.play()
    navigator.forward(2)
    assert not navigator.playing
    engine.serve()
    assert where(navigator).step == 3


def test_scrubbing_is_latest_wins(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.draw_to(END)
    engine.serve()
    before = len(engine.sent)
    for step in (9, 8, 7, 2, 5):
        navigator.go_to(step)
    engine.serve()
    assert [c.step for c in engine.sent[before:] if isinstance(c, RewindPixels)] == [9, 5]
    assert where(navigator).step == 5


def test_scrubbing_stays_on_the_path(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.forward(3)
    engine.serve()
    navigator.go_to(END)
    engine.serve()
    assert where(navigator).step == 3


def test_choosing_places_the_value_where_it_was_seen(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.draw_to(4)
    engine.serve()
    channel, row, column = where(navigator).place_of(4)
    other = (navigator.upcoming() or 0) + 1 & 3
    navigator.play()  # a request is on its way, yet what the user sees is step 4
    navigator.choose(other)
    engine.serve()
    assert not navigator.playing
    assert (where(navigator).step, where(navigator).path) == (5, 5)
    assert where(navigator).image[channel, row, column] == other
    assert navigator.chosen == {4}


def test_a_choice_off_the_path_is_forgotten(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.choose(3)
    navigator.choose(2)
    engine.serve()
    navigator.go_to(0)
    engine.serve()
    assert navigator.chosen == {0}
    assert navigator.upcoming() == 2, "the path remembers what was chosen, not what the uniform would draw"
    navigator.choose(1)
    engine.serve()
    assert navigator.chosen == {0} and where(navigator).image[0, 0, 0] == 1


def test_a_level_that_does_not_exist_is_not_sent(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.choose(4)
    with pytest.raises(AssertionError, match="no PlacePixel"):
        engine.last(PlacePixel)


def test_what_is_announced_is_what_comes(navigator: PixelNavigator, engine: PixelEngine) -> None:
    for temperature in (1.0, 0.3, 2.0, 0.0):
        navigator.set_temperature(temperature)
        channel, row, column = where(navigator).place_of(where(navigator).step)
        announced = navigator.upcoming()
        navigator.forward()
        engine.serve()
        assert where(navigator).image[channel, row, column] == announced


def test_a_new_temperature_draws_the_rest_anew_only_when_it_is_gone_over(
    navigator: PixelNavigator, engine: PixelEngine
) -> None:
    navigator.draw_to(END)
    engine.serve()
    navigator.go_to(4)
    navigator.set_temperature(0.5)
    engine.serve()
    assert where(navigator).path == END
    navigator.go_to(8)
    engine.serve()
    assert (where(navigator).step, where(navigator).path) == (8, END)
    navigator.forward()
    engine.serve()
    assert (where(navigator).step, where(navigator).path) == (9, 9)
    assert engine.last(AdvancePixels).temperature == 0.5


def test_a_new_seed_at_the_end_of_the_path_counts_at_once(navigator: PixelNavigator, engine: PixelEngine) -> None:
    before = where(navigator).uniform
    navigator.set_seed(77)
    engine.serve()
    assert engine.last(ForgetPath).seed == 77
    assert where(navigator).uniform != before


def test_after_a_new_seed_going_over_old_pixels_draws_them_anew(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.draw_to(END)
    engine.serve()
    navigator.set_seed(77)
    navigator.go_to(6)
    navigator.draw_to(END)
    engine.serve()
    ahead = where(navigator).image
    navigator.open(NewGeneration(OpenPixels(run=RUN, seed=77, levels=Array.of(ahead), num_placed=6)))
    engine.serve()
    navigator.draw_to(END)
    engine.serve()
    np.testing.assert_array_equal(where(navigator).image, ahead)


def test_playing_goes_at_its_speed_and_stops_at_the_end(
    qtbot: QtBot, navigator: PixelNavigator, engine: PixelEngine
) -> None:
    navigator.set_speed(1000.0)
    navigator.play()
    while navigator.playing:
        engine.serve()
        qtbot.waitUntil(lambda: in_flight(engine) > 0 or not navigator.playing, timeout=2000)
    assert where(navigator).finished
    navigator.play()
    engine.serve()
    assert where(navigator).step <= 1, "playing again starts from the start"
    assert engine.last(RewindPixels).step == 0
    navigator.pause()


def test_playing_keeps_one_request_in_flight(qtbot: QtBot, navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.set_speed(1000.0)
    navigator.play()
    qtbot.waitUntil(lambda: navigator.clock.due > 20, timeout=2000)
    assert in_flight(engine) == 1
    navigator.pause()


def test_what_one_command_has_no_time_for_stays_due(
    qtbot: QtBot, navigator: PixelNavigator, engine: PixelEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    navigator.set_speed(1000.0)
    navigator.play()
    qtbot.waitUntil(lambda: navigator.clock.due > 5, timeout=2000)
    engine.serve()
    qtbot.waitUntil(lambda: engine.last(AdvancePixels).count > 3, timeout=2000)
    sent = engine.last(AdvancePixels)
    advance = engine.explorer.advance
    monkeypatch.setattr(engine.explorer, "advance", lambda command: advance(msgspec.structs.replace(command, count=1)))
    before = navigator.clock.due
    engine.serve()
    assert navigator.clock.due - before >= sent.count - 1
    navigator.set_speed(2.0)
    assert navigator.clock.due <= 1.0, "they were due at another speed"
    navigator.pause()


def test_finishing_goes_on_until_the_end_and_can_be_stopped(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.finish()
    assert navigator.finishing and engine.last(AdvancePixels).count == END
    navigator.pause()
    assert not navigator.finishing
    engine.serve()
    navigator.go_to(2)
    engine.serve()
    navigator.finish()
    engine.serve()
    assert where(navigator).finished and not navigator.finishing


def test_observed_pixels_are_passed_up_to_the_target(navigator: PixelNavigator, engine: PixelEngine) -> None:
    levels = Array.of(engine.data[0])
    navigator.open(
        NewGeneration(OpenPixels(run=RUN, levels=levels, num_placed=END), target=5, stale=True, same_weights=True)
    )
    shown: list[int] = []
    navigator.moved.connect(lambda: shown.append(where(navigator).step))
    engine.serve()
    assert engine.last(OpenPixels).weights_of == 1
    assert (where(navigator).step, where(navigator).path) == (5, END)
    assert shown[-1] == max(shown) == 5, "the whole image was shown in between"
    navigator.forward()
    engine.serve()
    assert where(navigator).path == 6, "going on generates"
    channel, row, column = where(navigator).order[:5].T
    np.testing.assert_array_equal(where(navigator).image[channel, row, column], engine.data[0][channel, row, column])


def test_opening_another_closes_the_one_before(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.forward()
    navigator.open(NewGeneration(OpenPixels(run=RUN), same_weights=True))
    navigator.open(NewGeneration(OpenPixels(run=RUN, seed=3), same_weights=True))
    engine.serve()
    assert engine.last(ClosePixels).session == 1
    assert (where(navigator).session, where(navigator).step, engine.last(OpenPixels).seed) == (2, 0, 3)


def test_a_refusal_is_reported_and_the_generation_stays(
    qtbot: QtBot, navigator: PixelNavigator, engine: PixelEngine
) -> None:
    with qtbot.waitSignal(navigator.failed) as refused:
        navigator.open(NewGeneration(OpenPixels(run=RUN, num_placed=3)))
        engine.serve()
    assert "there is no image" in refused.args[0]
    assert navigator.usable
    navigator.forward()
    engine.serve()
    assert where(navigator).step == 1


def test_a_lost_engine_stops_everything_and_leaves_the_picture(navigator: PixelNavigator, engine: PixelEngine) -> None:
    navigator.forward(4)
    engine.serve()
    navigator.play()
    navigator.lose()
    assert not (navigator.playing or navigator.usable or navigator.busy)
    assert where(navigator).step == 4
    navigator.forward()
    navigator.choose(0)
    assert in_flight(engine) == 1, "only what was sent before"


def test_repeated_moves_count_from_the_newest_target(navigator: PixelNavigator, engine: PixelEngine) -> None:
    for _ in range(2):  # before the engine has answered the first
        navigator.draw_to(where(navigator).row_end(navigator.target))
    assert navigator.target == 6
    engine.serve()
    assert navigator.target == where(navigator).step == 6
    for _ in range(2):
        navigator.go_to(where(navigator).row_start(navigator.target))
    engine.serve()
    assert where(navigator).step == 0
