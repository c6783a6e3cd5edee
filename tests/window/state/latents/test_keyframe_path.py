"""Interpolations: keyframes, the segments between them, and playing them."""

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from gmstudio.window.state.latents.interpolation import MAX_KEYFRAMES, Interpolation, interpolate

A = np.array([1.0, 0.0, 0.0], np.float32)
B = np.array([0.0, 2.0, 0.0], np.float32)
C = np.array([0.0, 0.0, 3.0], np.float32)


@pytest.fixture
def interpolation(qtbot: QtBot) -> Interpolation:
    interpolation = Interpolation()
    interpolation.set_keyframes((A, B, C))
    return interpolation


def at(interpolation: Interpolation) -> list[float]:
    return [float(code.max()) for code in interpolation.keyframes]


def test_every_segment_is_a_path_between_two_keyframes(interpolation: Interpolation) -> None:
    for path in ("linear", "spherical"):
        interpolation.set_path(path)
        np.testing.assert_allclose(interpolation.code_at(0.25), interpolate(A, B, 0.25, path))
        np.testing.assert_allclose(interpolation.code_at(1.5), interpolate(B, C, 0.5, path))
        np.testing.assert_array_equal(interpolation.code_at(2.0), C)
    assert interpolation.segments == 2 and interpolation.duration == 2 * interpolation.seconds


def test_a_loop_returns(interpolation: Interpolation) -> None:
    interpolation.set_loop(True)
    assert interpolation.segments == 3
    np.testing.assert_allclose(interpolation.code_at(2.5), interpolate(C, A, 0.5, "linear"))
    np.testing.assert_array_equal(interpolation.code_at(3.0), A)
    codes = interpolation.codes(6)
    np.testing.assert_allclose(codes[::2], [A, B, C], atol=1e-6)
    interpolation.go_to(2.5)
    interpolation.set_loop(False)
    assert interpolation.position == 2.0


def test_the_codes_of_an_open_interpolation_end_at_its_end(interpolation: Interpolation) -> None:
    codes = interpolation.codes(5)
    np.testing.assert_allclose(codes[[0, 2, 4]], [A, B, C], atol=1e-6)


def test_keyframes_are_added_replaced_moved_and_removed(interpolation: Interpolation) -> None:
    interpolation.add(4 * A)
    assert at(interpolation) == [1, 2, 3, 4] and interpolation.current == 3 and interpolation.followed
    interpolation.move(-2)
    assert at(interpolation) == [1, 4, 2, 3] and interpolation.current == 1
    interpolation.move(-9)
    assert at(interpolation) == [4, 1, 2, 3] and interpolation.current == 0
    interpolation.go_to(1.2)
    interpolation.replace(5 * B)
    assert at(interpolation) == [4, 10, 2, 3] and interpolation.position == 1.0
    interpolation.remove()
    assert at(interpolation) == [4, 2, 3] and not interpolation.followed
    for _ in range(4):
        interpolation.remove()
    assert not interpolation.keyframes and interpolation.current == -1 and interpolation.strip_positions() == []
    interpolation.go_to(1.0)
    interpolation.play()
    interpolation.move(1)
    interpolation.replace(A)
    assert not interpolation.playing and not interpolation.keyframes


def test_one_keyframe_cannot_be_played_but_shown(interpolation: Interpolation) -> None:
    interpolation.set_keyframes((B,))
    interpolation.go_to(3.0)
    np.testing.assert_array_equal(interpolation.code(), B)
    interpolation.play()
    assert not interpolation.playing and interpolation.strip_positions() == [0.0]


def test_there_are_not_more_keyframes_than_can_be_shown(interpolation: Interpolation) -> None:
    interpolation.set_keyframes([A] * MAX_KEYFRAMES)
    assert len(interpolation.strip_positions()) == MAX_KEYFRAMES
    with pytest.raises(ValueError, match=f"at most {MAX_KEYFRAMES}"):
        interpolation.add(A)
    with pytest.raises(ValueError, match="remove one"):
        interpolation.set_keyframes([A] * (MAX_KEYFRAMES + 1))


def test_the_strip_has_every_keyframe(interpolation: Interpolation) -> None:
    assert set(interpolation.strip_positions()) >= {0.0, 1.0, 2.0}
    interpolation.set_keyframes((A, B))
    assert interpolation.strip_positions() == [index / 8 for index in range(9)]


def test_playing_goes_to_the_end_and_back(qtbot: QtBot, interpolation: Interpolation) -> None:
    interpolation.set_keyframes((A, B))
    interpolation.set_seconds(0.0)
    assert interpolation.seconds == 0.2
    seen: list[float] = []
    interpolation.moved.connect(lambda: seen.append(interpolation.position))
    interpolation.play()
    qtbot.waitUntil(lambda: len(seen) > 3 and 1.0 in seen and seen[-1] < 0.9, timeout=10_000)
    interpolation.pause()
    top = seen.index(1.0)
    assert seen[:top] == sorted(seen[:top])
    assert seen[top:] == sorted(seen[top:], reverse=True)


def test_playing_a_loop_goes_round(qtbot: QtBot, interpolation: Interpolation) -> None:
    interpolation.set_loop(True)
    interpolation.set_seconds(0.2)
    interpolation.go_to(2.9)
    interpolation.play()
    qtbot.waitUntil(lambda: interpolation.position < 2.0, timeout=10_000)
    interpolation.pause()


def test_steps_go_from_keyframe_to_keyframe(interpolation: Interpolation) -> None:
    interpolation.go_to(0.4)
    interpolation.step(1)
    assert interpolation.position == 1.0
    interpolation.step(5)
    assert interpolation.position == 2.0
    interpolation.set_loop(True)
    interpolation.step(1)
    assert interpolation.position == 0.0


def test_another_code_stops_playing(interpolation: Interpolation) -> None:
    interpolation.play()
    assert interpolation.playing and interpolation.followed
    interpolation.unfollow()
    assert not interpolation.playing and not interpolation.followed


def test_another_path_moves_the_code_that_is_followed(qtbot: QtBot, interpolation: Interpolation) -> None:
    with qtbot.assertNotEmitted(interpolation.moved):
        interpolation.set_path("spherical")
    interpolation.go_to(0.5)
    with qtbot.waitSignal(interpolation.moved):
        interpolation.set_path("linear")


def test_what_is_kept_is_restored(interpolation: Interpolation) -> None:
    interpolation.set_loop(True)
    interpolation.set_path("spherical")
    interpolation.set_seconds(1.5)
    interpolation.go_to(2.25)
    kept = interpolation.keyframe_path
    other = Interpolation()
    other.restore(kept)
    assert (other.loop, other.path, other.seconds, other.position) == (True, "spherical", 1.5, 2.25)
    np.testing.assert_array_equal(other.code(), interpolation.code())
