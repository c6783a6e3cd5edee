"""A data set of one image trains every family that could stumble over it: batches of one have no spread."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gmstudio.data.dataset import Split
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.training.job import start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")
SMALL: dict[str, dict[str, Any]] = {
    "autoencoder": {"num_hidden": 8},
    "vae": {"num_hidden": 8},
    "gan": {"num_hidden": 8},
    "rbm": {"num_hidden": 8},
    "gsn": {"num_hidden": 8},
    "realnvp": {"num_channels": 2, "num_couplings": 1},
    "ddpm": {"num_channels": 4, "num_timesteps": 4},
}
QUICK = {"steps": 2, "validate_every": 1, "sample_every": 2, "num_samples": 2, "validation_images": 3}


@pytest.mark.parametrize("to_validate", [180, 0])
@pytest.mark.parametrize("family", SMALL)
def test_one_image_is_enough_to_train_on(tmp_path: Path, family: str, to_validate: int) -> None:
    spec = RunSpec(family=family, config=SMALL[family], data="digits", data_config={"levels": 2}, training=QUICK)
    plan = plan_run(DatasetCache(), spec, CPU)
    train = plan.dataset.train
    assert train.labels is not None
    one = Split(train.images[:1], train.labels[:1])
    valid = Split(plan.dataset.valid.images[:to_validate])
    plan = replace(plan, dataset=replace(plan.dataset, train=one, valid=valid))
    job = start_training(plan, str(tmp_path / "run"), CPU, lambda _: None)
    while not job.over:
        job.advance()
    with RunFolder.open(tmp_path / "run") as run:
        assert run.record.status == "finished", run.record.message
        curves = run.history.read_scalars()
    validated = {name for split, name in curves if split == "valid"}
    assert bool(
        validated - {f"samples_{share}" for share in ("precision", "recall", "density", "coverage", "classes")}
    ) == bool(to_validate)
    assert ("samples_precision" in validated) == (family in ("gan", "gsn")), "samples need no validation images"
    assert all(np.isfinite(values).all() for _, values in curves.values())
    assert all(bool(torch.isfinite(parameter).all()) for parameter in job.trainer.model.parameters())
