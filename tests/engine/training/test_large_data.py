"""Data sets larger than the memory that the process may take, and larger than that of a device."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from gmstudio.data.dataset import Dataset, Split
from gmstudio.engine.training import batches
from gmstudio.engine.training.batches import Batches
from gmstudio.protocol.images import ImageSpec

TRAIN = """
import sys
import numpy as np
import torch
import torch._dynamo  # which the first optimizer imports
from gmstudio.data import images_preparation
from gmstudio.engine.runtime import memory
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training import job as jobs
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.run_spec import RunSpec

folder, out = sys.argv[1:]
images_preparation.MAX_IN_MEMORY = 1 << 20
torch.set_num_threads(1)
array = np.lib.format.open_memmap(folder + "/set.npy", "w+", np.uint8, (40_000, 64, 64))
for start in range(0, len(array), 1000):
    array[start : start + 1000] = np.random.default_rng(start).integers(0, 256, (1000, 64, 64), np.uint8)
del array
limit, rooms = jobs.limit_memory, []

def narrow(device, room=None):
    limit(device, 96 << 20)

jobs.limit_memory = narrow
narrow(torch.device("cpu"))
try:
    bytearray(150 << 20)
except MemoryError:
    print("limited")
training = {"steps": 20, "validation_images": 8, "num_samples": 1}
place = {"folder": folder + "/set.npy", "levels": 2}
spec = RunSpec(family="vae", config={"num_hidden": 8}, data="images", data_config=place, training=training)
plan = plan_run(DatasetCache(), spec, torch.device("cpu"))
print(sum(split.images.nbytes for split in (plan.dataset.train, plan.dataset.valid, plan.dataset.test)))
job = jobs.start_training(plan, out, torch.device("cpu"), lambda event: None)
while job.running:
    job.advance()
print(job.record.status, job.record.message)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits on the memory of a process")
def test_a_set_larger_than_the_allowed_memory_is_imported_and_trained_on(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRAIN, str(tmp_path), str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    limited, size, status = done.stdout.splitlines()
    assert limited == "limited", "96 MiB more than the process has is the limit"
    assert int(size) > 150 << 20
    assert status.split() == ["finished"]


def _dataset(count: int) -> Dataset:
    image = ImageSpec(1, 4, 4, 16)
    images = np.random.default_rng(0).integers(0, 16, (count, 1, 4, 4), np.uint8)
    split = Split(images, np.arange(count) % 3)
    return Dataset("digits", {}, image, split, split, split)


def test_what_does_not_fit_on_a_device_stays_on_the_host_and_is_sent_in_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batches, "fits", lambda size, device: False)
    meta = Batches(_dataset(64), 16, 0, torch.device("meta"))
    assert meta._train.device.type == "cpu"
    generator = torch.Generator()
    batch, labels = meta.train(0, generator), meta.train_labels(0)
    assert batch.shape == (16, 1, 4, 4) and batch.device.type == "meta"
    assert labels is not None and labels.device.type == "meta"
    assert {part.device.type for part in meta.valid(20)} == {"meta"}
    here = Batches(_dataset(64), 16, 0, torch.device("cpu"))
    there = Batches(_dataset(64), 16, 0, torch.device("cpu"))
    assert torch.equal(here.train(3, generator), there.train(3, generator))


def test_arrays_are_indexed_where_they_are() -> None:
    dataset = _dataset(64)
    of_cpu = Batches(dataset, 16, 0, torch.device("cpu"))
    assert of_cpu._train.data_ptr() == dataset.train.images.ctypes.data
