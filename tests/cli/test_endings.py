"""Ways in which a training in the terminal ends: what was trained is in a checkpoint first."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from forked_process import DEVNULL, PIPE, start
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.cli import watcher
from gmstudio.engine.training import trainer
from gmstudio.engine.training.trainer import Trainer
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import History
from gmstudio.runs.record import RunError

FAST = ["--set", "validation_images=20", "--set", "num_samples=1", "--set", "batch_size=16"]
LONG = ["train", "vae", "--data", "digits", "--steps", "1000000", *FAST]
GMSTUDIO = [sys.executable, "-m", "gmstudio"]
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and devices")


def saved(run: Path) -> tuple[str, int, int]:
    """Status, recorded step, and step of the checkpoint that a resumed run starts from."""
    with RunFolder.open(run) as folder:
        return folder.record.status, folder.record.step, folder.checkpoints.load().step


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_a_full_output_device_ends_with_a_checkpoint_and_a_sentence(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [*GMSTUDIO, *LONG, "--out", str(run)], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120
        )
    status, step, kept = saved(run)
    assert (status, step) == ("stopped", kept)
    assert ended.returncode == 1 and "No space left on device. Free some space" in ended.stderr
    assert "Traceback" not in ended.stderr


@posix
def test_a_closed_terminal_keeps_the_steps(tmp_path: Path) -> None:
    run = tmp_path / "run"
    leader, follower = os.openpty()
    process = subprocess.Popen(
        [*GMSTUDIO, *LONG, "--out", str(run)], stdin=follower, stdout=follower, stderr=follower, start_new_session=True
    )
    os.close(follower)
    seen = b""
    while b"loss" not in seen:
        seen += os.read(leader, 65536)
    os.close(leader)  # from now on nothing can be printed
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    process.wait(60)
    status, step, kept = saved(run)
    assert status == "stopped" and step == kept > 0


class _Broken:
    """A text stream that takes a limited number of characters."""

    encoding = "utf-8"

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, text: str) -> int:
        self.room -= len(text)
        if self.room < 0:
            raise BrokenPipeError(32, "Broken pipe")
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("room", [0, 60, 400, 4000])
def test_an_output_that_breaks_ends_with_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    from rich.console import Console

    monkeypatch.setattr(watcher, "new_console", lambda: Console(file=_Broken(room), markup=False))  # type: ignore[arg-type]
    run = tmp_path / "run"
    assert CliRunner().invoke(cli.app, [*LONG, "--out", str(run)]).exit_code == 1
    status, step, kept = saved(run)
    assert (status, step) == ("stopped", kept)


def test_a_history_that_stays_locked_keeps_the_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = History.append, []

    def locked(self: History, **rows: Any) -> None:
        calls.append(rows)
        if len(calls) > 5:
            raise RunError("The history is locked by another program.")
        real(self, **rows)

    monkeypatch.setattr(History, "append", locked)
    run = tmp_path / "run"
    ended = CliRunner().invoke(cli.app, [*LONG, "--out", str(run)])
    status, step, kept = saved(run)
    assert status in ("paused", "stopped") and step == kept > 0
    assert ended.exit_code == 1 and "locked by another program" in ended.output


@posix
def test_ignored_hang_ups_stay_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    advance = Trainer._advance

    def hang_up(self: Trainer) -> bool:
        went_on = advance(self)
        signal.raise_signal(signal.SIGHUP)
        return went_on

    monkeypatch.setattr(Trainer, "_advance", hang_up)
    try:
        ended = CliRunner().invoke(
            cli.app, ["train", "vae", "--data", "digits", "--steps", "3", *FAST, "--out", str(tmp_path / "run")]
        )
    finally:
        signal.signal(signal.SIGHUP, before)
    assert "finished at step 3" in ended.output


def test_at_most_half_a_minute_can_be_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, advance, saves = [time.monotonic()], Trainer._advance, []
    begin = Trainer._begin_checkpoint

    def slow(self: Trainer) -> bool:
        went_on = advance(self)
        clock[0] += 7
        return went_on

    def record(self: Trainer) -> None:
        saves.append(self.step)
        begin(self)

    monkeypatch.setattr(trainer.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(Trainer, "_advance", slow)
    monkeypatch.setattr(Trainer, "_begin_checkpoint", record)
    settings = ["--steps", "12", "--set", "checkpoint_every=1000", *FAST]
    CliRunner().invoke(cli.app, ["train", "vae", "--data", "digits", *settings, "--out", str(tmp_path / "run")])
    assert saves == [0, 5, 10, 12], "five steps of seven seconds between two checkpoints"


@posix
def test_a_signal_while_a_run_starts_ends_it_with_a_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began = trainer.Trainer.__init__

    def interrupted(self: Trainer, *arguments: Any, **named: Any) -> None:
        assert (tmp_path / "run" / "run.json").is_file()
        os.kill(os.getpid(), signal.SIGINT)
        began(self, *arguments, **named)

    monkeypatch.setattr(trainer.Trainer, "__init__", interrupted)
    result = CliRunner().invoke(cli.app, [*LONG, "--out", str(tmp_path / "run")])
    assert result.exit_code == 0 and "stopped at step" in result.output
    assert saved(tmp_path / "run")[0] == "stopped"


BUSY = """
import sys, time
from gmstudio.families.variational.vae import VAE
loss, calls = VAE.loss, []

def slow(self, *arguments):
    if self.training:
        calls.append(1)
    if len(calls) == 5:
        print("busy", file=sys.stderr, flush=True)
        for _ in range(6000):  # not one sleep: a signal just before it begins would be handled at its end
            time.sleep(0.1)
    return loss(self, *arguments)

VAE.loss = slow
from gmstudio.cli import main
main()
"""


@posix
def test_a_second_signal_within_a_step_of_minutes_ends_at_once_without_harm(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-c", BUSY, *LONG, "--set", "checkpoint_every=2", "--out", str(run)]
    with start(command, os.environ, (DEVNULL, PIPE)) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"busy\n"
        process.send_signal(signal.SIGTERM)
        said = process.stderr.readline() + process.stderr.readline()
        assert b"Ending after the present step, with a checkpoint. Interrupt again to end at once" in said
        assert process.poll() is None, "the step goes on"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) != 0
    with RunFolder.open(run) as folder:
        assert folder.checkpoints.load().step == 4, "the last checkpoint is whole"
    assert not [path for path in run.rglob("*") if "writing" in path.name]
    result = CliRunner().invoke(cli.app, ["train", "--resume", "--out", str(run), "--steps", "6", "--schedule", "hold"])
    assert result.exit_code == 0 and saved(run) == ("finished", 6, 6), result.output


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device")
def test_sampling_to_a_full_output_device_ends_in_a_sentence(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert (
        CliRunner()
        .invoke(cli.app, ["train", "vae", "--data", "digits", "--steps", "1", "--out", str(run), *FAST])
        .exit_code
        == 0
    )
    with Path("/dev/full").open("w") as full:
        command = [*GMSTUDIO, "sample", str(run), "-n", "2", "-o", str(tmp_path / "a.png")]
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert ended.returncode == 1 and "No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("command", [["sample", "run", "-o", "a.png"], ["score", "run"], ["train", "vae"]])
def test_a_seed_that_is_too_large_is_named_with_its_limit(command: list[str]) -> None:
    result = CliRunner().invoke(cli.app, [*command, "--seed", "99999999999999999999999"], env={"COLUMNS": "200"})
    assert result.exit_code == 2 and "--seed" in result.output and "2,147,483,647" in result.output
