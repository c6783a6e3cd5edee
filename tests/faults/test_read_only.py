"""Fault 8: a run or a library that cannot be written is refused before training, and can be explored as ever.

The folder is mounted read-only for the engine alone, since permissions bind no root.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from confined_engine import ConfinedEngine, can_confine
from fault_engine import folder_in, learned, start, status, train_vae

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.protocol.latents import Decode, Decoded
from gmstudio.protocol.runs import (
    AnnotateRun,
    FetchSamples,
    HistoryAppended,
    ListRuns,
    OpenRun,
    RunOpened,
    RunsListed,
    SamplesDrawn,
)
from gmstudio.protocol.training import PauseTraining, ResumeRun, ResumeTraining, StopTraining, TrainingChanged

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not can_confine(), reason="this system allows no mount namespace, not even to root"),
]
CODE = Array.of(np.zeros((1, 2), np.float32))


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConfinedEngine]:
    with ConfinedEngine(tmp_path_factory.mktemp("small")) as engine:
        yield engine


@pytest.fixture(scope="module")
def run(confined: ConfinedEngine) -> str:
    """A run that is trained."""
    run = start(confined)
    status(confined, "finished")
    return run


def refused(engine: ConfinedEngine, command: Command) -> CommandFailed:
    failed = engine.ask(command, CommandFailed)
    assert failed.reason is Reason.RUN_UNUSABLE and not failed.detail, failed
    assert "Read-only file system" in failed.message
    return failed


def test_a_read_only_library_refuses_a_new_run(confined: ConfinedEngine, run: str) -> None:
    before = len(confined.ask(ListRuns(), RunsListed).runs)
    with confined.read_only(confined.home):
        failed = refused(confined, train_vae())
        assert str(confined.home / "runs") in failed.message and "Choose a folder you may write" in failed.message
        assert len(confined.ask(ListRuns(), RunsListed).runs) == before
    assert status_of_new_run(confined) == "finished", "as soon as it can be written"


def status_of_new_run(engine: ConfinedEngine) -> str:
    start(engine, steps=2)
    return status(engine, "finished").status


def test_a_read_only_run_is_refused_before_training_and_explored(confined: ConfinedEngine, run: str) -> None:
    folder = folder_in(confined.home, run)
    with confined.read_only(folder):
        failed = refused(confined, ResumeRun(run=run, steps=70, schedule="stretch"))
        assert str(folder) in failed.message and "Choose a folder you may write" in failed.message
        refused(confined, AnnotateRun(run=run, name="another"))
        opened = confined.ask(OpenRun(run=run), RunOpened)
        assert opened.info.status == "finished" and opened.sample_steps[-1] == 60
        assert len(confined.wait(HistoryAppended, lambda event: event.reset).series) > 3
        assert confined.ask(FetchSamples(run=run), SamplesDrawn).step == 60
        assert confined.ask(decode_of(run), Decoded).step == 60
    confined.ask(ResumeRun(run=run, steps=70, schedule="stretch"), RunOpened)
    assert status(confined, "finished").step == 70


def decode_of(run: str) -> Decode:
    return Decode(run=run, codes=CODE)


def test_a_run_that_was_interrupted_is_opened_read_only(confined: ConfinedEngine) -> None:
    """Its history still has a log beside it, which SQLite would merge if it could write."""
    run = start(confined, steps=100_000)
    confined.wait(HistoryAppended, lambda event: any(series.split == "train" for series in event.series))
    confined.ask(PauseTraining(), Done)
    folder = folder_in(confined.home, run)
    copy = confined.copy_in(folder, "copied while it trains")
    confined.ask(StopTraining(), Done)
    with confined.read_only(copy):
        opened = confined.ask(OpenRun(run=str(copy)), RunOpened)
        assert opened.info.status == "interrupted"
        assert confined.ask(decode_of(str(copy)), Decoded).step >= 0


def test_a_disk_that_becomes_read_only_while_training_pauses_it(confined: ConfinedEngine, tmp_path: Path) -> None:
    run = start(confined, steps=400, checkpoint_every=50)
    confined.send(PauseTraining())  # so that the disk changes before the training is over, however busy the machine
    status(confined, "paused")
    with confined.read_only(folder_in(confined.home, run)):
        confined.send(ResumeTraining())
        paused = confined.wait(TrainingChanged, lambda event: event.status == "paused" and event.message != "")
        assert "Read-only file system" in paused.message and "Check" in paused.message
    confined.send(ResumeTraining())
    assert status(confined, "running").step == paused.step
    assert status(confined, "finished").step == 400
    assert learned(confined.copy_out(folder_in(confined.home, run), tmp_path / "run"))["train/loss"].shape == (400,)
