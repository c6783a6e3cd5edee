"""Checkpoints for time travel: at regular steps, within a share of the time of training."""

import itertools

import pytest

from gmstudio.engine.training import travel_checkpoints
from gmstudio.engine.training.travel_checkpoints import ALLOWANCE_S, SHARE, TravelCheckpoints
from gmstudio.protocol.training_settings import Training


class Writer:
    """What the decision reads of a ``CheckpointWriter``."""

    busy = False
    spent_s = 0.0


@pytest.fixture
def writer() -> Writer:
    return Writer()


def due_steps(writer: Writer, training: Training) -> list[int]:
    travel = TravelCheckpoints(writer)  # type: ignore[arg-type]
    return [step for step in range(1, training.steps + 1) if travel.due(step, training)]


def test_a_short_training_has_a_dozen_of_them(writer: Writer) -> None:
    steps = due_steps(writer, Training(steps=1500, checkpoint_every=1000))
    assert len(steps) >= 12
    assert {later - step for step, later in itertools.pairwise(steps)} == {1500 // 13}


def test_they_are_not_closer_than_fifty_steps(writer: Writer) -> None:
    assert due_steps(writer, Training(steps=200)) == [50, 100, 150]


def test_none_is_due_where_none_is_kept(writer: Writer) -> None:
    assert due_steps(writer, Training(steps=1500, travel_checkpoints=0)) == []


def test_none_is_due_while_another_is_written(writer: Writer) -> None:
    writer.busy = True
    assert due_steps(writer, Training(steps=1500)) == []


def test_all_of_them_take_a_share_of_the_training(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(travel_checkpoints.time, "thread_time", lambda: now)
    travel = TravelCheckpoints(writer)  # type: ignore[arg-type]
    writer.spent_s = ALLOWANCE_S + 0.1
    training = Training(steps=1000)
    assert not travel.due(76, training)
    now = 0.1 / SHARE + 1e-6
    assert travel.due(76, training)
