"""The studio with a fake engine: state of the engine, and the interrupted run."""

import os
import signal
from pathlib import Path

import fake_engine
from pytestqt.qtbot import QtBot
from studio_fixture import WAIT_MS, StartStudio, start_studio, train, wait_ready

from gmstudio.protocol.engine import CommandFailed, Done, EngineReported, Reason
from gmstudio.protocol.training import StopTraining

__all__ = ["start_studio"]


def test_an_interrupted_run_is_remembered_and_resumed(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio("--listed")
    train(qtbot, studio)
    os.kill(studio.engine.state.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: studio.interrupted is not None, timeout=2000)
    assert studio.library.live == ""
    wait_ready(qtbot, studio)
    assert studio.interrupted is not None
    assert studio.interrupted.status == "interrupted"
    studio.resume_interrupted()
    qtbot.waitUntil(lambda: studio.library.live == fake_engine.RUN.run, timeout=WAIT_MS)
    assert studio.interrupted is None


def test_an_idle_engine_that_dies_interrupts_nothing(qtbot: QtBot, start_studio: StartStudio, tmp_path: Path) -> None:
    studio = start_studio("--die-at", "StopTraining", "--counter", str(tmp_path / "starts"))
    wait_ready(qtbot, studio)
    studio.client.send(StopTraining())
    qtbot.waitUntil(lambda: studio.engine.process_exit is not None, timeout=WAIT_MS)
    assert studio.interrupted is None


def test_the_chosen_device_is_sent_to_a_new_engine(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    studio.engine.choose_device("cpu")  # before the catalog: kept
    done = []
    studio.client.on(Done).connect(done.append)
    qtbot.waitUntil(lambda: len(done) == 1, timeout=WAIT_MS)
    assert studio.engine.device == "cpu"
    os.kill(studio.engine.state.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: len(done) == 2, timeout=WAIT_MS)
    assert studio.engine.device == "cpu"


def test_a_device_that_is_not_there_is_not_requested(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    wait_ready(qtbot, studio)
    studio.engine.choose_device("mps")
    assert studio.engine.device == "auto"


def test_reports_of_a_dead_engine_are_forgotten(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    wait_ready(qtbot, studio)
    studio.client.deliver(EngineReported(state="training", device="CPU", memory_bytes=1))
    assert studio.engine.training
    os.kill(studio.engine.state.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: studio.engine.process_exit is not None, timeout=WAIT_MS)
    assert studio.engine.report is None


def test_a_resume_that_fails_is_a_problem(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio("--listed")
    train(qtbot, studio)
    os.kill(studio.engine.state.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: studio.interrupted is not None, timeout=WAIT_MS)
    wait_ready(qtbot, studio)
    problems: list[str] = []
    studio.engine.problem.connect(lambda sentence, _detail: problems.append(sentence))
    studio.resume_interrupted()
    request = studio.client._last_request
    studio.client.deliver(CommandFailed(request=request, command="ResumeRun", message="The checkpoint is damaged."))
    assert problems == ["The checkpoint is damaged."]
    assert studio.interrupted is not None


def test_only_what_no_panel_shows_is_a_problem(qtbot: QtBot, start_studio: StartStudio) -> None:
    studio = start_studio()
    problems: list[tuple[str, str]] = []
    studio.engine.problem.connect(lambda sentence, detail: problems.append((sentence, detail)))
    listing = studio.client._last_request + 1
    studio.library.refresh()
    for request, command, reason, message, detail in (
        (99, "DescribeModel", Reason.BAD_SETTING, "Width is 0.", ""),
        (listing, "ListRuns", Reason.FILE_SYSTEM, "The folder cannot be read.", ""),
        (99, "Decode", Reason.INTERNAL, "The engine failed here.", "Traceback"),
        (99, "OpenPixels", Reason.ENGINE_GONE, "The engine ended.", ""),
    ):
        failure = CommandFailed(request=request, command=command, reason=reason, message=message, detail=detail)
        studio.client.deliver(failure)
    assert problems == [("The folder cannot be read.", ""), ("The engine failed here.", "Traceback")]
