"""Jobs take turns, and newer ones replace older ones of their key."""

from collections.abc import Iterator

import numpy as np
import pytest

from gmstudio.engine.jobs import JobFailedError, Jobs
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.chains import RunTrajectory
from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.protocol.latents import ComputeDimensionStats, EncodeSplit, FindDirections, ProjectImage
from gmstudio.protocol.pixels import ContinuePixels

IMAGE = Array.of(np.zeros((1, 2, 2), np.uint8))


class Work:
    """A job that counts its pieces and notes that it was closed."""

    def __init__(self, command: Command, pieces: int = 1000) -> None:
        self.command = command
        self.made = 0
        self.closed = False
        self.job = self._pieces(pieces)

    def _pieces(self, pieces: int) -> Iterator[Event | None]:
        try:
            for _ in range(pieces):
                self.made += 1
                yield Done(request=self.command.request)
        finally:
            self.closed = True


@pytest.fixture
def sent() -> list[Event]:
    return []


@pytest.fixture
def jobs(sent: list[Event]) -> Jobs:
    return Jobs(sent.append)


def add(jobs: Jobs, command: Command, pieces: int = 1000) -> Work:
    work = Work(command, pieces)
    jobs.add(command, work.job)
    return work


def failures(sent: list[Event]) -> list[tuple[int, Reason]]:
    return [(event.request, event.reason) for event in sent if isinstance(event, CommandFailed)]


def test_they_take_turns(jobs: Jobs) -> None:
    first, second = add(jobs, EncodeSplit(request=1, run="a")), add(jobs, FindDirections(request=2, run="a"))
    for _ in range(6):
        jobs.advance()
    assert (first.made, second.made) == (3, 3)


def test_one_that_ends_is_gone(jobs: Jobs, sent: list[Event]) -> None:
    add(jobs, EncodeSplit(request=1, run="a"), pieces=1)
    jobs.advance()
    assert jobs
    jobs.advance()
    assert not jobs and sent == [Done(request=1)]


@pytest.mark.parametrize(
    ("older", "newer", "replaces"),
    [
        (EncodeSplit(request=1, run="a"), EncodeSplit(request=2, run="b"), True),
        (ComputeDimensionStats(request=1, run="a"), ComputeDimensionStats(request=2, run="b"), True),
        (ComputeDimensionStats(request=1, run="a"), EncodeSplit(request=2, run="a"), False),
        (ProjectImage(request=1, run="a", image=IMAGE), ProjectImage(request=2, run="a", image=IMAGE, seed=3), True),
        (ProjectImage(request=1, run="a", image=IMAGE), ProjectImage(request=2, run="b", image=IMAGE), False),
        (RunTrajectory(request=1, run="a"), RunTrajectory(request=2, run="a", steps=3), True),
        (RunTrajectory(request=1, run="a"), RunTrajectory(request=2, run="b"), False),
        (ContinuePixels(request=1, session=4), ContinuePixels(request=2, session=4), True),
        (ContinuePixels(request=1, session=4), ContinuePixels(request=2, session=5), False),
        (FindDirections(request=1, run="a"), FindDirections(request=2, run="a"), False),
    ],
)
def test_a_newer_one_of_the_same_key_replaces_an_older_one(
    jobs: Jobs, sent: list[Event], older: Command, newer: Command, replaces: bool
) -> None:
    work = add(jobs, older)
    jobs.advance()
    add(jobs, newer)
    assert failures(sent) == ([(1, Reason.SUPERSEDED)] if replaces else [])
    assert work.closed == replaces
    for _ in range(4):
        jobs.advance()
    assert work.made == (1 if replaces else 3)


def test_one_is_cancelled_by_its_request(jobs: Jobs, sent: list[Event]) -> None:
    work, other = add(jobs, FindDirections(request=1, run="a")), add(jobs, FindDirections(request=2, run="a"))
    jobs.advance()
    jobs.cancel(1)
    jobs.cancel(1)
    jobs.cancel(77)
    jobs.advance()
    assert failures(sent) == [(1, Reason.CANCELLED)] and work.closed
    assert other.made == 1 and not other.closed


def test_one_that_fails_names_its_command(jobs: Jobs) -> None:
    def job() -> Iterator[Event | None]:
        yield None
        raise ValueError("No such image.")

    command = EncodeSplit(request=5, run="a")
    jobs.add(command, job())
    jobs.advance()
    with pytest.raises(JobFailedError) as failed:
        jobs.advance()
    assert failed.value.command is command and isinstance(failed.value.error, ValueError)
    assert not jobs
