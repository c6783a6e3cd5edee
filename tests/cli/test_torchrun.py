"""Processes that train one run from the command line, as torchrun starts them: signals, and one that dies."""

import signal
import sys
from pathlib import Path

import pytest
from forked_process import PIPE, STDOUT, Process, start
from ranked_training import environment, free_port

from gmstudio.runs.folder import RunFolder

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
TINY = ["--set", "num_hidden=8", "--set", "num_latent=2", "--set", "validation_images=4", "--set", "num_samples=1"]
ENDLESS = ["train", "vae", "--data", "digits", "--steps", "1000000", "--set", "checkpoint_every=20", *TINY]
BUSY = """
from gmstudio.families.variational.vae import VAE
loss, calls = VAE.loss, []

def counted(self, *arguments):
    calls.append(self.training)
    if sum(calls) == 100:
        print("busy", flush=True)
    return loss(self, *arguments)

VAE.loss = counted
from gmstudio.cli import main
main()
"""


def _ranks(out: Path) -> list[Process]:
    """Start two ranks that train; both have made steps when this returns."""
    port = free_port()
    command = [sys.executable, "-c", BUSY, *ENDLESS, "--out", str(out)]
    ranks = [start(command, environment(rank, 2, port), (PIPE, STDOUT), text=True) for rank in range(2)]
    for process in ranks:
        assert process.stdout is not None
        assert any("busy" in line for line in process.stdout)
    return ranks


def _ended(ranks: list[Process]) -> tuple[list[int], str]:
    """Wait for the ranks; exit codes, and what rank 0 has said."""
    said = []
    for process in ranks:
        with process:
            assert process.stdout is not None
            said.append(process.stdout.read())
    return [process.wait(100) for process in ranks], " ".join(said[0].split())


def test_a_signal_to_any_process_ends_all_with_a_checkpoint_and_exit_code_0(tmp_path: Path) -> None:
    ranks = _ranks(tmp_path / "run")
    ranks[1].send_signal(signal.SIGTERM)
    codes, said = _ended(ranks)
    assert codes == [0, 0], said
    with RunFolder.open(tmp_path / "run") as run:
        assert run.record.status == "stopped" and run.checkpoints.load().step == run.record.step > 50


def test_a_process_that_dies_ends_the_other_with_a_sentence_and_a_whole_checkpoint(tmp_path: Path) -> None:
    ranks = _ranks(tmp_path / "run")
    ranks[1].kill()
    codes, said = _ended(ranks)
    assert codes[0] == 1
    assert "Another process of this training has ended" in said and "can resume it" in said
    assert "Traceback" not in said
    with RunFolder.open(tmp_path / "run") as run:
        assert run.record.status == "failed" and run.checkpoints.load().step >= 20
