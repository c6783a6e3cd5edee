"""``gmstudio train --resume-or-start``, and notices of a scheduler that a job ends."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest
from forked_process import DEVNULL, PIPE, start
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.runs.folder import RunFolder

TINY = ["--set", "num_hidden=8", "--set", "num_latent=2", "--set", "validation_images=4", "--set", "num_samples=1"]
SCRIPT = ["train", "vae", "--data", "digits", "--resume-or-start", "--seed", "3", *TINY]
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def _losses(run: Path) -> list[float]:
    with RunFolder.open(run) as folder:
        return list(folder.history.read_scalars()["train", "loss"][1])


def test_the_same_command_starts_continues_and_ends_a_run(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert CliRunner().invoke(cli.app, [*SCRIPT, "--steps", "6", "--out", str(whole)]).exit_code == 0
    steady = ["--set", "schedule=constant"]
    for steps, said in (("3", "finished at step 3"), ("6", "finished at step 6"), ("6", "finished at step 6")):
        result = CliRunner().invoke(cli.app, [*SCRIPT, *steady, "--steps", steps, "--out", str(parts)])
        assert result.exit_code == 0 and said in result.output, result.output
        assert "keeps its settings" not in result.output
    assert len(_losses(parts)) == 6 and _losses(parts)[0] == _losses(whole)[0]


def test_other_settings_are_named_and_other_runs_refused(tmp_path: Path) -> None:
    run = tmp_path / "run"
    CliRunner().invoke(cli.app, [*SCRIPT, "--steps", "2", "--out", str(run)])
    result = CliRunner().invoke(cli.app, [*SCRIPT, "--steps", "3", "--set", "beta=4", "--out", str(run)])
    assert result.exit_code == 0 and "config.beta is 1.0, not 4.0" in " ".join(result.output.split())
    for words, sentence in (
        (["train", "gan", "--data", "digits"], "has the family vae, not gan"),
        (["train", "vae", "--data", "shapes"], "has the data digits, not shapes"),
        (["train", "vae", "--seed", "4"], "has the seed 3, not 4"),
    ):
        refused = CliRunner().invoke(cli.app, [*words, "--resume-or-start", "--out", str(run)])
        assert isinstance(refused.exception, ValueError) and sentence in str(refused.exception)
    alone = CliRunner().invoke(cli.app, ["train", "vae", "--resume-or-start"])
    assert isinstance(alone.exception, ValueError) and "--out RUN" in str(alone.exception)


SLOW = """
import sys, time
from gmstudio.families.variational.vae import VAE
loss, calls = VAE.loss, []

def slow(self, *arguments):
    if self.training:
        calls.append(1)
        if len(calls) == 2:
            print("busy", file=sys.stderr, flush=True)
        time.sleep(1.0)
    return loss(self, *arguments)

VAE.loss = slow
from gmstudio.cli import main
main()
"""


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGUSR1"])
def test_notice_of_the_end_leaves_a_checkpoint_of_the_present_step_within_ten_seconds(
    tmp_path: Path, name: str
) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-c", SLOW, *SCRIPT, "--steps", "500", "--out", str(run)]
    with start(command, os.environ, (DEVNULL, PIPE)) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"busy\n"
        began = time.monotonic()
        process.send_signal(getattr(signal, name))
        if name == "SIGUSR1":
            process.stderr.readline()
            process.send_signal(signal.SIGUSR1)  # a scheduler may repeat itself
        process.stderr.read()
        assert process.wait(20) == 0
        assert time.monotonic() - began < 10
    with RunFolder.open(run) as folder:
        assert folder.record.status == "stopped"
        assert folder.checkpoints.load().step == folder.record.step >= 2, "the step was completed, and no epoch"
