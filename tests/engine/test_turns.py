"""Time that a sequence of interactive commands has between two pieces of training."""

import pytest

from gmstudio.engine.turns import LONG_GRACE_S, MOST_S, SHARE, SHORT_GRACE_S, InteractiveTurns


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
