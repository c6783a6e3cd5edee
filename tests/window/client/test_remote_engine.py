"""An engine on another machine: a real one behind a connection that is slow and is cut."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import relay
from pytestqt.qtbot import QtBot

from gmstudio.protocol.base import Event
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.protocol.runs import FetchSamples, SamplesDrawn
from gmstudio.protocol.training import StartTraining
from gmstudio.runs.folder import RunFolder
from gmstudio.window.client.engine_client import EngineClient
from gmstudio.window.client.engine_command import LOCAL, machine_of, problem_of, split_command
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.client.process_status import Timeouts
from gmstudio.window.client.request import Request
from gmstudio.window.state.connection_test import ConnectionTest
from gmstudio.window.state.studio import Studio

WAIT_MS = 60_000
DELAY_MS = 60.0
REFUSED = "Connection refused"
SPEC = RunSpec(
    family="vae",
    config={"num_latent": 2, "num_hidden": 24},
    data="digits",
    data_config={"levels": 2},
    training={"steps": 100_000, "batch_size": 32, "num_samples": 4, "validation_images": 40, "sample_every": 20},
)


@pytest.fixture
def cut(tmp_path: Path) -> Path:
    return tmp_path / "cut"


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut: Path) -> Iterator[Studio]:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path / "home"))
    client = EngineClient(relay.command(DELAY_MS, cut), timeouts=Timeouts(restart=0.05, quick_exits=2))
    found = Studio(client)
    client.start()
    yield found
    cut.unlink(missing_ok=True)
    client.close()
    qtbot.waitUntil(lambda: client.state.phase == "closed", timeout=WAIT_MS)


def start_training(studio: Studio, qtbot: QtBot) -> str:
    request = Request(studio.client, studio)
    qtbot.waitUntil(lambda: studio.library.home != "", timeout=WAIT_MS)
    request.send(StartTraining(spec=SPEC))
    qtbot.waitUntil(lambda: studio.library.live_status == "running", timeout=WAIT_MS)
    return studio.library.live


def test_a_training_outlives_a_cut_and_a_slow_line_keeps_a_slider_usable(
    studio: Studio, qtbot: QtBot, cut: Path, tmp_path: Path
) -> None:
    client, exits, continued, drawn = studio.client, [], [], []
    client.on(SamplesDrawn).connect(drawn.append)
    run = start_training(studio, qtbot)
    qtbot.waitUntil(lambda: bool(drawn), timeout=WAIT_MS)  # samples that a slider over the steps can fetch
    assert not client.is_local and client.machine and "/" not in run

    # 200 moves of a slider meet a delay of 120 ms: at most one is under way, and the last one is shown.
    replies: list[Event] = []
    slider = LatestWins(client, studio)
    slider.replied.connect(replies.append)
    for step in range(200):
        slider.submit(FetchSamples(run=run, step=step))
    qtbot.waitUntil(lambda: len(replies) >= 2 and not slider.busy, timeout=WAIT_MS)
    assert len(replies) == 2 and all(isinstance(reply, SamplesDrawn) for reply in replies)

    studio.engine.died.connect(exits.append)
    studio.continued.connect(continued.append)
    cut.write_text(REFUSED)
    qtbot.waitUntil(lambda: len(exits) >= 3, timeout=WAIT_MS)  # more than the quick exits that end a local engine
    assert client.state.phase == "dead" and studio.library.live == ""
    assert "connection to" in exits[0].sentence and "accepts no ssh connection" in exits[1].sentence
    cut.unlink()
    qtbot.waitUntil(lambda: studio.library.live == run, timeout=WAIT_MS)
    (info,) = continued
    assert info.run == run and info.checkpoint_steps
    client.close()
    qtbot.waitUntil(lambda: client.state.phase == "closed", timeout=WAIT_MS)
    with RunFolder.open(tmp_path / "home" / "runs" / run) as folder:
        steps, _values = folder.history.read_scalars()["train", "loss"]
        assert folder.record.status == "stopped" and folder.record.step >= max(info.checkpoint_steps)
        assert list(steps) == list(range(steps[0], steps[0] + len(steps))), "a step was lost at the cut"


def test_the_window_goes_on_with_another_engine_and_back(studio: Studio, qtbot: QtBot) -> None:
    client = studio.client
    qtbot.waitUntil(lambda: studio.library.home != "", timeout=WAIT_MS)
    assert "The runs are on" in studio.library.elsewhere and studio.library.home in studio.library.elsewhere
    catalogs: list[object] = []
    studio.library.catalog_arrived.connect(lambda: catalogs.append(client.machine))
    client.connect_to(LOCAL)
    qtbot.waitUntil(lambda: catalogs == [""], timeout=WAIT_MS)
    assert client.is_local and studio.library.elsewhere == "" and client.state.process_exit is None


def test_a_connection_is_tested_before_it_is_used(
    qtbot: QtBot, cut: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path / "home"))
    test = ConnectionTest()
    test.start(relay.command(0, cut))
    assert test.running and "Connecting to" in test.text
    qtbot.waitUntil(lambda: not test.running, timeout=WAIT_MS)
    assert test.ok and "Found gmstudio" in test.text and str(tmp_path / "home" / "runs") in test.text
    cut.write_text(REFUSED)
    test.start(relay.command(0, cut))
    qtbot.waitUntil(lambda: not test.running, timeout=WAIT_MS)
    assert not test.ok and "accepts no ssh connection" in test.text
    test.start(["gmstudio-no-such-program"])
    qtbot.waitUntil(lambda: not test.running, timeout=WAIT_MS)
    assert not test.ok and "could not be started" in test.text
    qtbot.waitUntil(lambda: not test.findChildren(EngineClient), timeout=WAIT_MS)


def test_machines_are_read_off_commands() -> None:
    assert machine_of(LOCAL) == ""
    assert machine_of(split_command("ssh gpu-box gmstudio engine")) == "gpu-box"
    assert machine_of(split_command("ssh -p 2222 -i key -C me@gpu-box:1 gmstudio engine")) == "gpu-box"
    assert machine_of(split_command("/opt/launch --to node7")) == "launch"
    assert split_command("gpu-box") == ["ssh", "gpu-box", "gmstudio", "engine"]
    with pytest.raises(ValueError, match="close the quotation mark"):
        split_command("ssh 'box")
    with pytest.raises(ValueError, match="Write a machine"):
        split_command("  ")


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Host key verification failed.", "Connect once in a terminal by ssh gpu-box"),
        ("me@gpu-box: Permission denied (publickey,password).", "ssh-agent"),
        ("ssh: Could not resolve hostname gpu-box: Name or service not known", "no machine gpu-box"),
        ("bash: line 1: gmstudio: command not found", "no command gmstudio"),
        ("ssh: connect to host gpu-box port 22: Connection timed out", "does not answer"),
    ],
)
def test_what_ssh_says_becomes_a_sentence_with_the_remedy(said: str, remedy: str) -> None:
    assert remedy in problem_of(split_command("ssh gpu-box gmstudio engine"), f"some banner\n{said}\n")
    assert problem_of(LOCAL, said) == ""
