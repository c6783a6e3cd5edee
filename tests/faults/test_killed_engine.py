"""Fault 1: kill -9 of the engine in the midst of an epoch: resuming equals an uninterrupted run bit for bit."""

import sys
from pathlib import Path

import pytest
from engine_process import EngineProcess
from fault_engine import assert_same, folder_in, learned, start, status

from gmstudio.protocol.runs import ListRuns, RunOpened, RunsListed, SamplesDrawn
from gmstudio.protocol.training import CheckpointSaved, ResumeRun
from gmstudio.runs.lock import is_locked

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]

LENGTH = {"steps": 450, "checkpoint_every": 50, "validate_every": 40, "sample_every": 60}
"""An epoch has 45 steps, so that every checkpoint lies in the midst of one."""


def kill(engine: EngineProcess) -> None:
    engine.process.kill()
    assert engine.process.wait(10) == -9


def test_a_run_that_was_killed_twice_equals_one_that_was_not(home: Path) -> None:
    with EngineProcess(home) as engine:
        whole = start(engine, **LENGTH)
        assert status(engine, "finished").step == LENGTH["steps"]
        run = start(engine, **LENGTH)
        saved = engine.wait(CheckpointSaved, lambda event: event.step >= 50)
        kill(engine)
    folder = folder_in(home, run)
    assert not is_locked(folder)
    with EngineProcess(home) as engine:
        (info,) = [info for info in engine.ask(ListRuns(), RunsListed).runs if info.run == run]
        assert info.status == "interrupted" and info.step >= saved.step, "never behind what was acknowledged"
        opened = engine.ask(ResumeRun(run=run), RunOpened)
        assert saved.step <= opened.info.step < LENGTH["steps"]
        later = engine.wait(CheckpointSaved, lambda event: event.step > saved.step)
        engine.wait(SamplesDrawn)
        kill(engine)
    with EngineProcess(home) as engine:
        opened = engine.ask(ResumeRun(run=run), RunOpened)
        assert later.step <= opened.info.step < LENGTH["steps"]
        assert status(engine, "finished").step == LENGTH["steps"]
    assert_same(learned(folder), learned(folder_in(home, whole)))
