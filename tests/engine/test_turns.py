"""Time that a sequence of interactive commands has between two pieces of training."""

import pytest

from gmstudio.engine.turns import (
    DRAG_SHARE,
    LONG_GRACE_S,
    MOST_S,
    REST_S,
    SHARE,
    SHORT_GRACE_S,
    SHORT_PIECE_S,
    InteractiveTurns,
)


def test_without_a_sequence_nothing_waits() -> None:
    turns = InteractiveTurns()
    turns.trained(1.0)
    assert turns.wait_s == 0.0
    turns.answered(interactive=False, seconds=0.01)
    assert turns.wait_s == 0.0


def test_several_turns_follow_a_long_piece_of_training() -> None:
    turns = InteractiveTurns()
    turns.trained(0.4)
    num_turns = 0
    turns.answered(interactive=True, seconds=0.016)
    while turns.wait_s == LONG_GRACE_S:
        num_turns += 1
        turns.answered(interactive=True, seconds=0.016)
    assert num_turns == pytest.approx(SHARE * 0.4 / 0.016, abs=2)
    assert turns.wait_s < LONG_GRACE_S, "then training goes on"


def test_commands_that_are_answered_meanwhile_earn_no_time_after_a_piece_of_training() -> None:
    turns = InteractiveTurns()
    turns.trained(0.4, alone=False)
    turns.answered(interactive=True, seconds=0.0)
    assert turns.wait_s == SHORT_GRACE_S and turns.long_training


def test_short_pieces_earn_little_and_a_long_training_earns_no_more_than_the_most() -> None:
    turns = InteractiveTurns()
    turns.trained(0.002)
    turns.answered(interactive=True, seconds=0.002)
    assert turns.wait_s == SHORT_GRACE_S
    for _ in range(10):
        turns.trained(10.0)
    assert turns.left_s == MOST_S


def test_a_command_that_does_not_come_ends_the_sequence() -> None:
    turns = InteractiveTurns()
    turns.trained(1.0)
    turns.answered(interactive=True, seconds=0.01)
    assert turns.wait_s > 0
    turns.missed()
    assert turns.wait_s == 0.0


class Clock:
    """Clock that is set by hand."""

    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def dragged(clock: Clock) -> InteractiveTurns:
    """A slider is dragged while a model trains in long steps."""
    turns = InteractiveTurns(clock)
    turns.worked(0.2, 0.2)
    clock.now_s += 60.0
    turns.answered(interactive=True, seconds=0.01, dragged=True)
    return turns


def test_long_work_waits_until_a_dragged_slider_rests(dragged: InteractiveTurns, clock: Clock) -> None:
    for _ in range(50):
        assert dragged.wait_s == pytest.approx(REST_S)
        clock.now_s += 0.03
        dragged.answered(interactive=False, seconds=0.001)
        assert dragged.wait_s == pytest.approx(REST_S - 0.03), "another command neither ends a drag nor prolongs it"
        dragged.answered(interactive=True, seconds=0.01, dragged=True)
    clock.now_s += REST_S
    dragged.missed()
    assert dragged.wait_s == 0.0


def test_a_drag_that_never_rests_lets_little_other_work_through(dragged: InteractiveTurns, clock: Clock) -> None:
    began_s, worked_s = clock.now_s, 0.0
    while clock.now_s < began_s + 100.0:
        if dragged.wait_s < 0.016:
            dragged.missed()
            clock.now_s += 0.2
            worked_s += 0.2
            dragged.worked(0.2, 0.2)
        clock.now_s += 0.016
        dragged.answered(interactive=True, seconds=0.01, dragged=True)
    assert 1.0 < worked_s < 100.0 / DRAG_SHARE


def test_short_pieces_of_work_go_on_during_a_drag(dragged: InteractiveTurns) -> None:
    for _ in range(10):
        dragged.worked(0.02, SHORT_PIECE_S / 2)  # other programs made it long by the clock
    assert dragged.wait_s == SHORT_GRACE_S
