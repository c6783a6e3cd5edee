"""Trainings on a device: graphs change nothing, a resumed one continues bit for bit, and one without memory ends."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from device_stage import DEVICE, SMALL, chosen, little_memory
from numpy.typing import NDArray

from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.families import FAMILIES
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder

pytestmark = pytest.mark.cuda
QUICK = {
    "steps": 6,
    "batch_size": 8,
    "validate_every": 100,
    "sample_every": 100,
    "checkpoint_every": 100,
    "num_samples": 1,
    "validation_images": 8,
}
EXACT = {"vae": {"architecture": "mlp", "num_hidden": 16}, "made": {"num_hidden": 16}, "gan": {}}
"""Families of dense layers: the sums of a convolution's gradients may have another order on a GPU each time."""
LARGE = {"num_channels": 256, "num_blocks": 1}


def start(path: Path, family: str, config: dict[str, Any], **training: Any) -> TrainingJob:
    settings = {**QUICK, **training}
    spec = RunSpec(family=family, config=config, data="digits", data_config={"levels": 2}, training=settings)
    return start_training(plan_run(DatasetCache(), spec, DEVICE), str(path), DEVICE, lambda event: None)


def finish(job: TrainingJob) -> TrainingJob:
    while job.running:
        job.advance()
    return job


def losses(path: Path) -> NDArray[np.float64]:
    """The last loss of each step; of a GAN that of its discriminator."""
    with RunFolder.open(path) as run:
        curves = run.history.read_scalars()
    name = next(name for split, name in curves if split == "train" and "loss" in name)
    return curves["train", name][1]


def weights(path: Path) -> dict[str, bytes]:
    """All that the last checkpoint has, as bytes."""
    with RunFolder.open(path) as run:
        tensors = run.checkpoints.load().tensors
    return {f"{group}/{name}": array.tobytes() for group, arrays in tensors.items() for name, array in arrays.items()}


@pytest.mark.parametrize("family", chosen(FAMILIES))
def test_a_training_with_graphs_is_one_without(tmp_path: Path, family: str) -> None:
    for graphs in ("off", "auto"):
        finish(start(tmp_path / graphs, family, SMALL.get(family, {}), cuda_graphs=graphs))
    assert len(losses(tmp_path / "off")) == QUICK["steps"]
    np.testing.assert_allclose(losses(tmp_path / "auto"), losses(tmp_path / "off"), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("family", EXACT)
def test_a_resumed_training_continues_bit_for_bit(tmp_path: Path, family: str, precision: str) -> None:
    settings = {"precision": precision, "cuda_graphs": "off"}
    finish(start(tmp_path / "whole", family, EXACT[family], **settings))
    job = start(tmp_path / "parts", family, EXACT[family], **settings)
    while job.trainer.step < 3:
        job.advance()
    job.stop()
    finish(resume_run(str(tmp_path / "parts"), Continuation(), DatasetCache(), DEVICE, lambda event: None))
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    assert losses(tmp_path / "parts").tobytes() == losses(tmp_path / "whole").tobytes()


def test_a_training_without_memory_ends_in_words_and_the_next_one_trains(tmp_path: Path) -> None:
    job = start(tmp_path / "large", "pixelcnn", LARGE, batch_size=1024)
    with little_memory(DEVICE):
        finish(job)
    with RunFolder.open(tmp_path / "large") as run:
        assert run.record.status == "failed" and "not enough memory" in run.record.message
    finish(start(tmp_path / "small", "pixelcnn", LARGE, steps=2))
    assert np.isfinite(losses(tmp_path / "small")).all() and len(losses(tmp_path / "small")) == 2
