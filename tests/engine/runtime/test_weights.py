"""Weights that do not fit the model: what differs is named, and an older checkpoint that fits is used."""

from pathlib import Path

import pytest
import torch
from idx_making import write_set

from gmstudio import scripting
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.models import ModelCache
from gmstudio.engine.runtime.weights import UnfitWeightsError
from gmstudio.engine.training.job import start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with checkpoints of steps 2 and 4."""
    folder = write_set(tmp_path / "data")
    training = {"steps": 4, "checkpoint_every": 2, "batch_size": 8, "validation_images": 4, "num_samples": 1}
    spec = RunSpec(
        family="vae",
        config={"num_hidden": 4},
        data="idx",
        data_config={"folder": str(folder)},
        training={**training, "schedule": "constant"},
    )
    job = start_training(plan_run(DatasetCache(), spec, CPU), str(tmp_path / "run"), CPU, lambda _: None)
    while job.running:
        job.advance()
    return tmp_path / "run"


def change(run: Path, *steps: int) -> None:
    """Write checkpoints whose arrays have other names and shapes."""
    with RunFolder.open(run, write=True) as folder:
        for step in steps:
            found = folder.checkpoints.load(step)
            arrays = found.tensors["model"]  # the order of a file's arrays is random
            wide, renamed = [name for name in sorted(arrays) if arrays[name].shape == (4,)][:2]
            arrays["renamed"] = arrays.pop(renamed)
            arrays[wide] = arrays[wide][:1]
            folder.checkpoints.save(step, found.tensors, found.state)


def test_an_older_checkpoint_that_fits_is_used_with_a_warning(run: Path) -> None:
    change(run, 4)
    loaded = ModelCache().load(str(run), CPU)
    (warning,) = loaded.warnings
    assert loaded.step == 2 and "step-4/model.safetensors does not fit the VAE" in warning
    assert "with renamed, which the model has not" in warning and "instead of (4,)" in warning
    assert "The checkpoint of step 2 is used in its place." in warning
    job = resume_run(str(run), Continuation(), DatasetCache(), CPU, lambda _: None)
    assert job.step == 2 and job.trainer.warnings == loaded.warnings
    job.stop()


def test_where_none_fits_the_file_and_the_differences_are_named(run: Path) -> None:
    change(run, 2, 4)
    with pytest.raises(UnfitWeightsError, match=r"step-4/model\.safetensors does not fit .* without .*renamed"):
        ModelCache().load(str(run), CPU)


def test_the_home_of_an_unknown_user_is_a_sentence() -> None:
    with pytest.raises(ValueError, match="names the home of a user who is not known here"):
        scripting.open_run("~nosuchuser/run")
