"""Journeys: keyframes, the way through them, and playing it."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gmstudio.window.state.latents.interpolation import MAX_KEYFRAMES, Journey, interpolate

A = np.array([1.0, 0.0, 0.0], np.float32)
B = np.array([0.0, 2.0, 0.0], np.float32)
C = np.array([0.0, 0.0, 3.0], np.float32)


@pytest.fixture
def journey(qtbot: QtBot) -> Journey:
    journey = Journey()
    journey.set_keyframes((A, B, C))
    return journey


def at(journey: Journey) -> list[float]:
    return [float(code.max()) for code in journey.keyframes]


def test_every_leg_is_a_path_between_two_keyframes(journey: Journey) -> None:
    for path in ("linear", "spherical"):
        journey.set_path(path)
        np.testing.assert_allclose(journey.code_at(0.25), interpolate(A, B, 0.25, path))
        np.testing.assert_allclose(journey.code_at(1.5), interpolate(B, C, 0.5, path))
        np.testing.assert_array_equal(journey.code_at(2.0), C)
    assert journey.legs == 2 and journey.duration == 2 * journey.seconds


def test_a_closed_journey_returns(journey: Journey) -> None:
    journey.set_closed(True)
    assert journey.legs == 3
    np.testing.assert_allclose(journey.code_at(2.5), interpolate(C, A, 0.5, "linear"))
    np.testing.assert_array_equal(journey.code_at(3.0), A)
    codes = journey.codes(6)
    np.testing.assert_allclose(codes[::2], [A, B, C], atol=1e-6)
    journey.go_to(2.5)
    journey.set_closed(False)
    assert journey.position == 2.0


def test_an_open_journeys_codes_end_at_its_end(journey: Journey) -> None:
    codes = journey.codes(5)
    np.testing.assert_allclose(codes[[0, 2, 4]], [A, B, C], atol=1e-6)


def test_keyframes_are_added_replaced_moved_and_removed(journey: Journey) -> None:
    journey.add(4 * A)
    assert at(journey) == [1, 2, 3, 4] and journey.current == 3 and journey.followed
    journey.move(-2)
    assert at(journey) == [1, 4, 2, 3] and journey.current == 1
    journey.move(-9)
    assert at(journey) == [4, 1, 2, 3] and journey.current == 0
    journey.go_to(1.2)
    journey.replace(5 * B)
    assert at(journey) == [4, 10, 2, 3] and journey.position == 1.0
    journey.remove()
    assert at(journey) == [4, 2, 3] and not journey.followed
    for _ in range(4):
        journey.remove()
    assert not journey.keyframes and journey.current == -1 and journey.strip_positions() == []
    journey.go_to(1.0)
    journey.play()
    journey.move(1)
    journey.replace(A)
    assert not journey.playing and not journey.keyframes


def test_one_keyframe_is_no_way_to_play_but_can_be_gone_to(journey: Journey) -> None:
    journey.set_keyframes((B,))
    journey.go_to(3.0)
    np.testing.assert_array_equal(journey.code(), B)
    journey.play()
    assert not journey.playing and journey.strip_positions() == [0.0]


def test_there_are_not_more_keyframes_than_can_be_shown(journey: Journey) -> None:
    journey.set_keyframes([A] * MAX_KEYFRAMES)
    assert len(journey.strip_positions()) == MAX_KEYFRAMES
    with pytest.raises(ValueError, match=f"at most {MAX_KEYFRAMES}"):
        journey.add(A)
    with pytest.raises(ValueError, match="remove one"):
        journey.set_keyframes([A] * (MAX_KEYFRAMES + 1))


def test_the_strip_has_every_keyframe(journey: Journey) -> None:
    assert set(journey.strip_positions()) >= {0.0, 1.0, 2.0}
    journey.set_keyframes((A, B))
    assert journey.strip_positions() == [index / 8 for index in range(9)]


def test_playing_goes_to_the_end_and_back(qtbot: QtBot, journey: Journey) -> None:
    journey.set_keyframes((A, B))
    journey.set_seconds(0.0)
    assert journey.seconds == 0.2
    seen: list[float] = []
    journey.moved.connect(lambda: seen.append(journey.position))
    journey.play()
    qtbot.waitUntil(lambda: len(seen) > 3 and 1.0 in seen and seen[-1] < 0.9, timeout=10_000)
    journey.pause()
    top = seen.index(1.0)
    assert seen[:top] == sorted(seen[:top])
    assert seen[top:] == sorted(seen[top:], reverse=True)


def test_playing_a_closed_journey_goes_round(qtbot: QtBot, journey: Journey) -> None:
    journey.set_closed(True)
    journey.set_seconds(0.2)
    journey.go_to(2.9)
    journey.play()
    qtbot.waitUntil(lambda: journey.position < 2.0, timeout=10_000)
    journey.pause()


def test_steps_go_from_keyframe_to_keyframe(journey: Journey) -> None:
    journey.go_to(0.4)
    journey.step(1)
    assert journey.position == 1.0
    journey.step(5)
    assert journey.position == 2.0
    journey.set_closed(True)
    journey.step(1)
    assert journey.position == 0.0


def test_leaving_stops_playing(journey: Journey) -> None:
    journey.play()
    assert journey.playing and journey.followed
    journey.leave()
    assert not journey.playing and not journey.followed


def test_another_path_moves_the_code_that_is_followed(qtbot: QtBot, journey: Journey) -> None:
    with qtbot.assertNotEmitted(journey.moved):
        journey.set_path("spherical")
    journey.go_to(0.5)
    with qtbot.waitSignal(journey.moved):
        journey.set_path("linear")


def test_what_is_kept_is_restored(journey: Journey) -> None:
    journey.set_closed(True)
    journey.set_path("spherical")
    journey.set_seconds(1.5)
    journey.go_to(2.25)
    kept = journey.itinerary
    other = Journey()
    other.restore(kept)
    assert (other.closed, other.path, other.seconds, other.position) == (True, "spherical", 1.5, 2.25)
    np.testing.assert_array_equal(other.code(), journey.code())
