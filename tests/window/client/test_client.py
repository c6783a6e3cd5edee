"""The client with a real child process that fails, is slow or falls silent."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fake_engine
import pytest
from pytestqt.qtbot import QtBot

from gmstudio.protocol.engine import Catalog, ChooseDevice, CommandFailed, EngineReported, Pong, Reason
from gmstudio.protocol.runs import ListRuns, OpenRun, RunsListed
from gmstudio.protocol.training import StopTraining
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.client.process_status import ProcessStatus, Timeouts

WAIT_MS = 20_000
QUICK = Timeouts(ping=0.1, silence=0.4, startup=30.0, quick=15.0, restart=0.01, close=5.0, kill=0.3)
StartClient = Callable[..., EngineClient]


@pytest.fixture
def start(qtbot: QtBot) -> Iterator[StartClient]:
    """Start a client of a fake engine; closed after the test."""
    clients: list[EngineClient] = []

    def make(*options: str, command: list[str] | None = None, timeouts: Timeouts = QUICK) -> EngineClient:
        client = EngineClient(command or fake_engine.command(*options), timeouts=timeouts)
        client.seen = []  # type: ignore[attr-defined]
        client.state_changed.connect(client.seen.append)  # type: ignore[attr-defined]
        clients.append(client)
        client.start()
        return client

    yield make
    for client in clients:
        client.close()
        client.close()
        qtbot.waitUntil(lambda client=client: client.state.phase == "closed", timeout=WAIT_MS)


def wait_for(qtbot: QtBot, client: EngineClient, phase: str) -> ProcessStatus:
    qtbot.waitUntil(lambda: client.state.phase == phase, timeout=WAIT_MS)
    return client.state


def seen(client: EngineClient) -> list[ProcessStatus]:
    found: list[ProcessStatus] = client.seen  # type: ignore[attr-defined]
    return found


def process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def collect(signal_instance: Any) -> list[Any]:
    got: list[Any] = []
    signal_instance.connect(got.append)
    return got


def test_the_catalog_makes_it_ready(qtbot: QtBot, start: StartClient) -> None:
    client = start()
    catalogs = collect(client.on(Catalog))
    assert client.state.phase == "starting"
    state = wait_for(qtbot, client, "ready")
    assert catalogs[0].families[0].card.name == "toy"
    assert state.answers
    assert state.pid == catalogs[0].pid


def test_a_reply_names_the_request(qtbot: QtBot, start: StartClient) -> None:
    client = start()
    listed = collect(client.on(RunsListed))
    request = client.send(ListRuns())  # also before the catalog: it waits in the pipe
    qtbot.waitUntil(lambda: bool(listed), timeout=WAIT_MS)
    assert listed[0].request == request


def test_killed_engine_is_reported_and_restarted(qtbot: QtBot, start: StartClient) -> None:
    client = start()
    pid = wait_for(qtbot, client, "ready").pid
    os.kill(pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: any(s.phase == "dead" for s in seen(client)), timeout=2000)
    process_exit = next(s.process_exit for s in seen(client) if s.phase == "dead")
    assert process_exit is not None
    assert (process_exit.exit_code, process_exit.signal) == (0, signal.SIGKILL)
    assert "signal 9 (SIGKILL)" in process_exit.sentence
    assert wait_for(qtbot, client, "ready").pid != pid


def test_death_at_a_command_fails_every_unanswered_request(qtbot: QtBot, start: StartClient, tmp_path: Path) -> None:
    client = start("--die-at", "StopTraining", "--exit-code", "7", "--counter", str(tmp_path / "starts"))
    failures: list[CommandFailed] = collect(client.on(CommandFailed))
    wait_for(qtbot, client, "ready")
    first, second = client.send(StopTraining()), client.send(OpenRun(run="/runs/toy"))
    qtbot.waitUntil(lambda: len(failures) == 2, timeout=WAIT_MS)
    assert [(f.request, f.command, f.reason) for f in failures] == [
        (first, "StopTraining", Reason.ENGINE_GONE),
        (second, "OpenRun", Reason.ENGINE_GONE),
    ]
    process_exit = next(s.process_exit for s in seen(client) if s.phase == "dead")
    assert process_exit is not None
    assert process_exit.exit_code == 7
    assert "out of memory" in process_exit.stderr
    assert wait_for(qtbot, client, "ready").process_exit is None


def test_three_quick_exits_give_up_and_a_button_starts_again(qtbot: QtBot, start: StartClient, tmp_path: Path) -> None:
    counter = tmp_path / "starts"
    client = start("--die-before-catalog", "1", "--counter", str(counter), "--failures", "3")
    state = wait_for(qtbot, client, "given up")
    assert counter.read_text() == "3"
    assert state.process_exit is not None
    assert "while starting" in state.process_exit.sentence
    assert "exit code 1" in state.process_exit.sentence
    assert "No module named 'torch'" in state.process_exit.stderr
    failures = collect(client.on(CommandFailed))
    client.send(ListRuns())
    qtbot.waitUntil(lambda: len(failures) == 1, timeout=WAIT_MS)
    client.restart()
    wait_for(qtbot, client, "ready")


def test_a_program_that_is_not_there(qtbot: QtBot, start: StartClient) -> None:
    client = start(command=["/no/such/engine"])
    state = wait_for(qtbot, client, "given up")
    assert state.process_exit is not None
    assert "could not be started" in state.process_exit.sentence
    assert "/no/such/engine" in state.process_exit.sentence


def test_an_import_error_of_the_real_interpreter(qtbot: QtBot, start: StartClient) -> None:
    client = start(command=[sys.executable, "-c", "import no_such_module_of_ours"])
    state = wait_for(qtbot, client, "given up")
    assert state.process_exit is not None
    assert "no_such_module_of_ours" in state.process_exit.stderr


def test_stopped_engine_is_not_responding_and_recovers(qtbot: QtBot, start: StartClient) -> None:
    client = start()
    pid = wait_for(qtbot, client, "ready").pid
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(qtbot, client, "not responding")
        assert client.state.pid == pid
    finally:
        os.kill(pid, signal.SIGCONT)
    assert wait_for(qtbot, client, "ready").pid == pid


def test_an_idle_engine_stays_ready(qtbot: QtBot, start: StartClient) -> None:
    client = start()
    pongs = collect(client.on(Pong))
    wait_for(qtbot, client, "ready")
    qtbot.waitUntil(lambda: len(pongs) >= 4, timeout=WAIT_MS)
    assert [s.phase for s in seen(client)] == ["starting", "ready"]


def test_an_engine_without_a_catalog_is_not_responding(qtbot: QtBot, start: StartClient) -> None:
    timeouts = Timeouts(ping=0.05, silence=0.2, startup=0.2, restart=0.01, kill=0.2)
    client = start("--silent", timeouts=timeouts)
    wait_for(qtbot, client, "not responding")


def test_an_engine_that_sends_garbage_is_killed_and_reported(qtbot: QtBot, start: StartClient) -> None:
    client = start("--garbage")
    state = wait_for(qtbot, client, "given up")
    assert state.process_exit is not None
    assert "sent invalid data" in state.process_exit.sentence
    assert [s.phase for s in seen(client)].count("dead") == 2


def test_another_protocol_is_given_up_at_once(qtbot: QtBot, start: StartClient) -> None:
    client = start("--protocol", "99")
    state = wait_for(qtbot, client, "given up")
    assert state.process_exit is not None
    assert "protocol 99" in state.process_exit.sentence
    assert "install the same gmstudio" in state.process_exit.sentence
    assert "dead" not in [s.phase for s in seen(client)]


def test_a_flood_arrives_whole_and_in_order(qtbot: QtBot, start: StartClient) -> None:
    client = start("--flood", "5000")
    reports = collect(client.on(EngineReported))
    qtbot.waitUntil(lambda: len(reports) == 5000, timeout=WAIT_MS)
    assert [r.memory_bytes for r in reports] == list(range(5000))


def test_close_lets_it_save(qtbot: QtBot, start: StartClient, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    client = start("--saved", str(saved), "--saving-s", "0.2")
    pid = wait_for(qtbot, client, "ready").pid
    client.close()
    assert client.state.phase == "closing"
    wait_for(qtbot, client, "closed")
    assert saved.read_text() == "saved"
    assert not process_exists(pid)
    assert "dead" not in [s.phase for s in seen(client)]


@pytest.mark.parametrize("stopped", [False, True])
def test_close_ends_an_engine_that_does_not_listen(qtbot: QtBot, start: StartClient, stopped: bool) -> None:
    client = start("--deaf", timeouts=Timeouts(ping=0.1, silence=0.3, close=0.3, kill=0.2))
    pid = wait_for(qtbot, client, "ready").pid
    if stopped:
        os.kill(pid, signal.SIGSTOP)
        wait_for(qtbot, client, "not responding")
    client.close()
    wait_for(qtbot, client, "closed")
    assert not process_exists(pid)


def test_closing_twice_does_not_wait(qtbot: QtBot, start: StartClient) -> None:
    client = start("--deaf", timeouts=Timeouts(close=1000.0))
    pid = wait_for(qtbot, client, "ready").pid
    client.close()
    client.close()
    wait_for(qtbot, client, "closed")
    assert not process_exists(pid)


def test_restart_lets_a_living_engine_save(qtbot: QtBot, start: StartClient, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    client = start("--saved", str(saved))
    pid = wait_for(qtbot, client, "ready").pid
    client.restart()
    failures = collect(client.on(CommandFailed))
    request = client.send(ListRuns())  # too late for the old one, too early for the new one
    qtbot.waitUntil(lambda: client.state.phase == "ready" and client.state.pid != pid, timeout=WAIT_MS)
    assert saved.exists()
    assert not process_exists(pid)
    assert [s.phase for s in seen(client)] == ["starting", "ready", "restarting", "starting", "ready"]
    assert [(f.request, f.reason) for f in failures] == [(request, Reason.ENGINE_GONE)]


def test_closing_while_restarting(qtbot: QtBot, start: StartClient) -> None:
    client = start("--saving-s", "0.2")
    wait_for(qtbot, client, "ready")
    client.restart()
    client.close()
    assert wait_for(qtbot, client, "closed").process_exit is None


def test_an_engine_that_answers_no_shutdown_is_killed_and_restarted(qtbot: QtBot, start: StartClient) -> None:
    client = start("--deaf", timeouts=Timeouts(close=0.1, kill=0.1, restart=0.01))
    pid = wait_for(qtbot, client, "ready").pid
    client.restart()
    qtbot.waitUntil(lambda: client.state.phase == "ready" and client.state.pid != pid, timeout=WAIT_MS)
    process_exit = next(s.process_exit for s in seen(client) if s.phase == "dead")
    assert process_exit is not None
    assert "did not exit within 0.1 s" in process_exit.sentence


def test_choosing_a_device_that_is_not_there_fails_in_words(qtbot: QtBot, start: StartClient) -> None:
    client = start()
    failures = collect(client.on(CommandFailed))
    client.send(ChooseDevice(device="cuda"))
    qtbot.waitUntil(lambda: bool(failures), timeout=WAIT_MS)
    assert failures[0].message == "There is no cuda here."


def test_an_orderly_end_leaves_no_ending(qtbot: QtBot, start: StartClient) -> None:
    client = start()
    wait_for(qtbot, client, "ready")
    client.close()
    assert wait_for(qtbot, client, "closed").process_exit is None


def test_a_forced_end_says_what_is_lost(qtbot: QtBot, start: StartClient) -> None:
    client = start("--deaf", timeouts=Timeouts(close=0.1, kill=0.1))
    wait_for(qtbot, client, "ready")
    client.close()
    process_exit = wait_for(qtbot, client, "closed").process_exit
    assert process_exit is not None
    assert "did not exit within 0.1 s" in process_exit.sentence


def test_closing_before_hello_is_quick_and_in_order(qtbot: QtBot, start: StartClient) -> None:
    client = start("--silent", timeouts=Timeouts(close=1000.0, kill=1000.0))
    client.close()
    assert wait_for(qtbot, client, "closed").process_exit is None


def test_close_while_waiting_to_restart(qtbot: QtBot, start: StartClient) -> None:
    client = start("--die-before-catalog", "1", timeouts=Timeouts(restart=1000.0))
    wait_for(qtbot, client, "dead")
    client.close()
    assert client.state.phase == "closed"
