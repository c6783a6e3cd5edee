"""Budgets: the pause follows from the time that the last piece took."""

import pytest

from gmstudio.window.client import budget as module
from gmstudio.window.client.budget import Budget


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_the_first_piece_need_not_wait(clock: Clock) -> None:
    assert Budget(0.1).wait_s == 0.0


@pytest.mark.parametrize(("share", "took_s", "pause_s"), [(0.5, 2.0, 2.0), (0.1, 1.0, 9.0), (1.0, 5.0, 0.0)])
def test_work_takes_its_share_of_the_time(clock: Clock, share: float, took_s: float, pause_s: float) -> None:
    budget = Budget(share)
    budget.begin()
    clock.now += took_s
    assert budget.end() == pytest.approx(pause_s)
    assert budget.wait_s == pytest.approx(pause_s)
    assert took_s / (took_s + pause_s) == pytest.approx(share)
    clock.now += pause_s
    assert budget.wait_s == 0.0


def test_a_pause_has_a_least_and_a_longest_length(clock: Clock) -> None:
    budget = Budget(0.1, gap_s=3.0, longest_s=20.0)
    assert budget.end(0.001) == 3.0
    assert budget.end(1000.0) == 20.0


def test_reset_forgets_the_last_piece(clock: Clock) -> None:
    budget = Budget(0.1)
    budget.end(5.0)
    budget.reset()
    assert budget.wait_s == 0.0
