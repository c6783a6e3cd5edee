"""A request for more memory than there is fails with a sentence, and no process is killed."""

import subprocess
import sys

import pytest
import torch

from gmstudio.engine.runtime.errors import error_sentence
from gmstudio.engine.runtime.memory import available_memory, is_out_of_memory, limit_memory

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux grants memory that is not there")
TOO_LARGE = """
import sys
from pathlib import Path
import torch
from gmstudio.engine.training import job as training_job
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.run_spec import RunSpec

def small_machine(device):
    limit_memory(device, room=150 * 2**20)

limit_memory, training_job.limit_memory = training_job.limit_memory, small_machine
events, cpu = [], torch.device("cpu")
training = {"batch_size": 1437, "validation_images": 1, "num_samples": 1, "sample_every": 1000}
config = {"num_blocks": 1, "num_channels": 256}
spec = RunSpec(family="pixelcnn", config=config, data="digits", training=training)
plan = plan_run(DatasetCache(), spec, cpu)
job = training_job.start_training(plan, sys.argv[1], cpu, events.append)
while job.running:
    job.advance()
print(events[-1].status, events[-1].message)
"""


@linux_only
def test_a_batch_too_large_for_the_machine_ends_the_training_in_a_sentence(tmp_path):
    command = [sys.executable, "-c", TOO_LARGE, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("failed There is not enough memory for this; make the batch, the images or")


@linux_only
def test_the_limit_leaves_some_of_what_is_there(monkeypatch):
    import resource

    assert 2**20 < available_memory() < 2**50
    found = []
    monkeypatch.setattr("resource.setrlimit", lambda which, limits: found.append((which, *limits)))
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit_memory(torch.device("cpu"), room=10**9)
    limit_memory(torch.device("cuda"))
    assert [which for which, _, _ in found] == [resource.RLIMIT_DATA] * 2
    assert 10**9 < found[0][1] < 10**13 and found[1][1:] == (hard, hard)


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("[enforce fail] can't allocate memory: 12 bytes")])
def test_a_lack_of_memory_is_recognized(error):
    assert is_out_of_memory(error) and "not enough memory" in error_sentence(error)
    assert not is_out_of_memory(ValueError("can't allocate memory"))
