"""Runs that another program trains: listed, opened and read as they grow, and never written."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gmstudio.engine.runs.library_handlers import RunsFeature
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.training.handlers import TrainingFeature
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import Done
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import HistoryAppended, ListRuns, OpenRun, RunInfo, RunOpened, RunsListed, TrashRun
from gmstudio.protocol.training import KeepCheckpoint
from gmstudio.runs import history_copy
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import HISTORY_NAME, History, Scalar
from gmstudio.runs.library import runs_home, summarize
from gmstudio.runs.lock import LOCK_NAME, QUIET_S
from gmstudio.runs.record import RunBusyError, new_record

WRITER = """
import sys
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Scalar
with RunFolder.open("a", write=True) as run:
    run.update(status="running")
    print(flush=True)
    for line in sys.stdin:
        step = int(line)
        run.history.append([Scalar(step, "train", "loss", 1.0 / step)])
        print(flush=True)
"""


class Other:
    """Another program, which trains the run ``a``."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", WRITER]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._wait()

    def step(self, number: int) -> None:
        assert self.process.stdin is not None
        print(number, file=self.process.stdin, flush=True)
        self._wait()

    def _wait(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "\n"

    def close(self) -> None:
        self.process.communicate(timeout=20)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path / "home"))
    record = new_record(RunSpec(family="vae", data="digits"), image=ImageSpec(1, 8, 8, 2), device="cpu")
    RunFolder.create(runs_home() / "a", record).close()
    return runs_home() / "a"


@pytest.fixture
def other(folder: Path) -> Iterator[Other]:
    found = Other()
    yield found
    found.close()


class Asked:
    """The features of an engine, asked without a process."""

    def __init__(self) -> None:
        self.sent: list[Event] = []
        context = EngineContext(self.sent.append)
        self._handlers = {**RunsFeature(context).handlers(), **TrainingFeature(context).handlers()}

    def __call__(self, command: Command) -> list[Event]:
        self.sent.clear()
        job = self._handlers[type(command)](command)
        return [*self.sent, *(event for event in job or () if event is not None)]

    def info(self, known: str = "") -> RunInfo:
        listed = self(ListRuns(known=known))[-1]
        assert isinstance(listed, RunsListed)
        return listed.runs[0]


def test_a_run_of_another_program_is_followed(other: Other) -> None:
    asked = Asked()
    other.step(1)
    info = asked.info()
    assert info.status == "running" and info.step == 1
    assert info.writer == f"process {other.process.pid} on {os.uname().nodename}"
    opened, history, *_ = asked(OpenRun(run="a"))
    assert isinstance(opened, RunOpened) and not opened.live
    assert isinstance(history, HistoryAppended) and history.reset
    other.step(2)
    other.step(3)
    assert asked.info().step == 3, "its record and checkpoints are as they were; its history has grown"
    _, tail, *_ = asked(OpenRun(run="a", since=1))
    assert isinstance(tail, HistoryAppended) and not tail.reset
    assert tail.series[0].steps.numpy().tolist() == [2, 3]


@pytest.mark.parametrize(
    "command", [TrashRun(run="a"), KeepCheckpoint(run="a", keep=False)], ids=lambda c: type(c).__name__
)
def test_what_would_write_it_is_refused(other: Other, command: Command) -> None:
    with pytest.raises(RunBusyError, match="training"):
        Asked()(command)


def test_its_end_is_seen(other: Other) -> None:
    asked = Asked()
    other.step(5)
    listed = asked(ListRuns())[-1]
    assert isinstance(listed, RunsListed) and isinstance(asked(ListRuns(known=listed.state))[-1], Done)
    other.process.kill()
    other.process.wait(20)
    info = asked.info(listed.state)
    assert info.status == "interrupted" and info.writer == ""


def test_a_history_of_another_machine_is_read_from_copies(folder: Path) -> None:
    """Its lock is not seen here, and its log has an index that is of no use here."""
    (folder / LOCK_NAME).write_text(' {"pid": 7, "host": "node7"}')
    with History(folder, write=True) as there:
        there.append([Scalar(1, "train", "loss", 0.5)])
        with History(folder) as here:
            assert here.read_scalars()["train", "loss"][0].tolist() == [1]
            place = Path(here._db.execute("PRAGMA database_list").fetchone()[2])
            assert place.parent != folder and place.parent.name.startswith("gmstudio-history-")
        there.append([Scalar(2, "train", "loss", 0.4)])
        with History(folder) as here:
            assert here.read_scalars()["train", "loss"][0].tolist() == [1, 2]
    assert not place.exists(), "the copy of before is gone"


def test_another_machine_trains_as_long_as_it_writes(folder: Path) -> None:
    with RunFolder.open(folder, write=True) as run:
        run.update(status="running")
        run.history.append([Scalar(4, "train", "loss", 0.5)])
    (folder / LOCK_NAME).write_text(' {"pid": 7, "host": "node7"}')
    summary = summarize(folder)
    assert summary.status == "running" and summary.writer == "process 7 on node7" and summary.step == 4
    old = (folder / HISTORY_NAME).stat().st_mtime - QUIET_S - 1
    os.utime(folder / HISTORY_NAME, (old, old))
    summary = summarize(folder)
    assert summary.status == "interrupted" and summary.writer == ""


def test_a_log_that_is_written_back_all_the_time_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / LOCK_NAME).write_text(' {"pid": 7, "host": "node7"}')
    copy = history_copy._copy

    def restless(path: Path) -> Path:
        with path.open("ab") as file:
            file.write(b"\0")
        return copy(path)

    monkeypatch.setattr(history_copy, "_copy", restless)
    with pytest.raises(RunBusyError, match="written by another machine"):
        History(folder)
