"""Fault 14: two engines on one library, two starts of one run, and the lock of a process that was killed."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_process import EngineProcess
from fault_engine import ENDLESS, folder_in, learned, same_curves, start, status

from gmstudio.protocol.base import Event
from gmstudio.protocol.engine import CommandFailed, Done, Reason
from gmstudio.protocol.runs import HistoryAppended, ListRuns, OpenRun, RunOpened, RunsListed, TrashRun
from gmstudio.protocol.training import KeepCheckpoint, ResumeRun, StopTraining
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.lock import LOCK_NAME, is_locked

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")]


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EngineProcess, EngineProcess]]:
    """Engines of two windows on one library."""
    home = tmp_path_factory.mktemp("shared")
    with EngineProcess(home) as first, EngineProcess(home) as second:
        yield first, second


def trained_for(engine: EngineProcess, step: int) -> None:
    """Wait until the run in training has made some steps."""
    engine.wait(HistoryAppended, lambda e: any(s.split == "train" and s.steps.numpy()[-1] > step for s in e.series))


def whole(folder: Path) -> None:
    """Hold a run to one point for each step."""
    with RunFolder.open(folder) as run:
        last = run.record.step
    if last:  # else it was stopped before its first step
        same_curves(learned(folder), last)


def test_two_windows_share_a_library_and_each_run_has_one_writer(windows: tuple[EngineProcess, EngineProcess]) -> None:
    first, second = windows
    run = start(first, **ENDLESS)
    trained_for(first, 30)
    (info,) = [info for info in second.ask(ListRuns(), RunsListed).runs if not info.example]
    assert info.run == run and f"process {first.process.pid}" in info.writer, "the other window says who writes it"
    assert second.ask(OpenRun(run=run), RunOpened).info.status == "running"
    for command in (ResumeRun(run=run), TrashRun(run=run), KeepCheckpoint(run=run)):
        failed = second.ask(command, CommandFailed)
        assert failed.reason in (Reason.RUN_UNUSABLE, Reason.NOT_POSSIBLE), failed
        assert f"process {first.process.pid}" in failed.message or "in training" in failed.message, failed
    other = start(second, **ENDLESS)
    assert other != run, "each gets a folder of its own"
    first.ask(StopTraining(), Done)
    second.ask(StopTraining(), Done)
    opened = second.ask(ResumeRun(run=run), RunOpened)
    assert opened.live, "now it can be resumed by the other"
    second.ask(StopTraining(), Done)
    for name in (run, other):
        whole(folder_in(first.home, name))


def test_of_two_starts_of_one_run_one_is_refused(windows: tuple[EngineProcess, EngineProcess]) -> None:
    first, second = windows
    run = start(first, steps=20)
    status(first, "finished")
    again = ResumeRun(run=run, steps=1_000_000, schedule="stretch")
    asked = [(engine, engine.send(again)) for engine in (first, second)]
    answers = [
        engine.wait(Event, lambda e, number=number: e.request == number and isinstance(e, RunOpened | CommandFailed))
        for engine, number in asked
    ]
    (failed,) = [answer for answer in answers if isinstance(answer, CommandFailed)]
    assert failed.reason is Reason.RUN_UNUSABLE and "is being written by process" in failed.message
    winner = first if isinstance(answers[0], RunOpened) else second
    assert f"process {winner.process.pid}" in failed.message
    winner.ask(StopTraining(), Done)
    whole(folder_in(first.home, run))


def test_the_lock_of_a_killed_engine_locks_nothing_even_where_another_has_its_number(home: Path) -> None:
    with EngineProcess(home) as engine:
        run = start(engine, **ENDLESS)
        trained_for(engine, 20)
        os.kill(engine.process.pid, signal.SIGKILL)
        engine.process.wait(10)
    folder = folder_in(home, run)
    lock = folder / LOCK_NAME
    content = json.loads(lock.read_bytes()[1:])
    assert content["pid"] == engine.process.pid, "the killed engine left its file"
    lock.write_bytes(b" " + json.dumps({**content, "pid": os.getpid()}).encode())  # a number that lives
    assert not is_locked(folder)
    with EngineProcess(home) as engine:
        (info,) = engine.ask(ListRuns(), RunsListed).runs
        assert info.status == "interrupted" and not info.writer
        engine.ask(ResumeRun(run=run), RunOpened)
        assert json.loads(lock.read_bytes()[1:])["pid"] == engine.process.pid
        engine.ask(StopTraining(), Done)
    whole(folder)
