"""How an engine that is a process ends, by request, signal, damage or force; and what leads out of it."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from engine_process import EngineProcess
from server_scene import start

from gmstudio.protocol.engine import (
    Catalog,
    Done,
    Shutdown,
)
from gmstudio.protocol.frames import FrameReader, decode_event, frame
from gmstudio.protocol.runs import (
    HistoryAppended,
    ListRuns,
    OpenRun,
    RunOpened,
    RunsListed,
)
from gmstudio.protocol.training import (
    CheckpointSaved,
    ResumeRun,
)
from gmstudio.runs.folder import RunFolder


@pytest.fixture
def own_engine(home: Path) -> Any:
    """An engine that the test may end."""
    with EngineProcess(home) as process:
        yield process


def test_end_of_input_ends_the_engine(own_engine: EngineProcess) -> None:
    assert own_engine.close() == 0


@pytest.mark.parametrize(
    "body",
    [
        b"\x91" * 100_000,
        b"\x81\xa4type\xa2\xff\xfe",
        b"\x82\xa4type\xaaBrowseData\xabdata_config" + b"\x81\xa1a" * 50_000,
    ],
    ids=["lists", "no UTF-8", "nested without end"],
)
def test_a_hostile_command_ends_the_engine_instead_of_its_reader(own_engine: EngineProcess, body: bytes) -> None:
    assert own_engine.process.stdin is not None
    own_engine.process.stdin.write(len(body).to_bytes(4, "little") + body)
    own_engine.process.stdin.flush()
    assert own_engine.process.wait(20) == 0
    assert "not a gmstudio window" in own_engine.stderr()


def test_shutdown_while_training_keeps_what_was_learned(own_engine: EngineProcess) -> None:
    run = start(own_engine, "vae")
    own_engine.wait(HistoryAppended, lambda event: any(series.steps.numpy()[-1] > 0 for series in event.series))
    own_engine.ask(Shutdown(), Done)
    assert own_engine.process.wait(20) == 0
    with RunFolder.open(own_engine.folder(run)) as folder:
        assert folder.record.status == "stopped"
        assert folder.checkpoints.load().step == folder.record.step > 0


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_a_signal_to_end_keeps_what_was_learned(own_engine: EngineProcess, name: str) -> None:
    run = start(own_engine, "vae")
    own_engine.wait(HistoryAppended, lambda event: not event.reset)
    own_engine.process.send_signal(getattr(signal, name))
    assert own_engine.process.wait(20) == 0
    with RunFolder.open(own_engine.folder(run)) as folder:
        assert folder.record.status == "stopped"


def test_a_second_sigterm_ends_at_once_what_the_first_waits_for(home: Path) -> None:
    code = (
        "import time, gmstudio.engine.__main__ as e, gmstudio.engine.runs.library_handlers as h\n"
        "def step(self, command): print('busy', flush=True); [time.sleep(0.1) for _ in range(6000)]\n"
        "step.__annotations__ = h.RunsFeature._on_open_run.__annotations__\n"
        "h.RunsFeature._on_open_run = step; raise SystemExit(e.main())"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    environment = {**os.environ, "GMSTUDIO_HOME": str(home)}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes) as process:
        assert process.stdin is not None and process.stderr is not None
        process.stdin.write(frame(OpenRun(run="/runs/a")))
        process.stdin.flush()
        assert process.stderr.readline() == b"busy\n"
        process.send_signal(signal.SIGTERM)
        assert b"A second SIGTERM ends at once" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM


def test_print_goes_to_standard_error_not_into_the_frames(home: Path) -> None:
    code = (
        "import gmstudio.engine.__main__ as e, gmstudio.engine.catalog as c; build = c.build_catalog\n"
        "def noisy(device): print('a family prints'); return build(device)\n"
        "c.build_catalog = noisy; raise SystemExit(e.main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        env={**os.environ, "GMSTUDIO_HOME": str(home)},
        check=True,
    )
    (catalog, _) = [decode_event(body) for body in FrameReader().feed(done.stdout)]
    assert isinstance(catalog, Catalog)
    assert "a family prints" in done.stderr.decode()


def test_garbage_on_standard_input_ends_the_engine_in_words(own_engine: EngineProcess) -> None:
    assert own_engine.process.stdin is not None
    own_engine.process.stdin.write(b"\xff" * 64)
    own_engine.process.stdin.flush()
    assert own_engine.process.wait(20) == 0
    assert "not a gmstudio window" in own_engine.stderr()


def test_a_killed_run_is_interrupted_and_resumes(home: Path) -> None:
    with EngineProcess(home) as engine:
        run = start(engine, "vae")
        saved = engine.wait(CheckpointSaved)
        engine.process.kill()
        engine.process.wait(10)
    with EngineProcess(home) as engine:
        listed = engine.ask(ListRuns(), RunsListed)
        assert [(info.run, info.status) for info in listed.runs] == [(run, "interrupted")]
        opened = engine.ask(ResumeRun(run=run), RunOpened)
        assert opened.live and opened.info.step >= saved.step
        assert engine.wait(HistoryAppended).reset
        grown = engine.wait(HistoryAppended, lambda event: not event.reset)
        assert all(series.steps.numpy()[0] > saved.step for series in grown.series)
