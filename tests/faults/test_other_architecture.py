"""Fault 11: a checkpoint of another architecture or version: the differences are listed, nothing is half loaded."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fault_engine import TrainedEngine, assert_same, folder_in, learned, start, status
from numpy.typing import NDArray

from gmstudio.protocol.array import Array
from gmstudio.protocol.engine import Reason
from gmstudio.protocol.latents import Decode
from gmstudio.protocol.runs import OpenRun, RunOpened
from gmstudio.protocol.training import ResumeRun
from gmstudio.runs.checkpoints import CheckpointStore
from gmstudio.runs.manifest import Manifest, read_manifest, write_manifest

pytestmark = pytest.mark.slow
Arrays = dict[str, NDArray[Any]]
CODE = Array.of(np.zeros((1, 2), np.float32))
DEEPER = {"num_latent": 2, "num_hidden": 24, "num_layers": 2}
WIDER = {"num_latent": 2, "num_hidden": 32}


def with_checkpoints_of(trained: TrainedEngine, folder: Path, config: dict[str, int]) -> None:
    other = folder_in(trained.home, start(trained, config, steps=2))
    status(trained, "finished")
    shutil.rmtree(folder / "checkpoints")
    shutil.copytree(other / "checkpoints", folder / "checkpoints")
    shutil.rmtree(other)


@pytest.mark.parametrize(
    ("config", "differences"),
    [
        (WIDER, ("weight is (32, 64) instead of (24, 64)",)),
        (DEEPER, ("with ", "which the model has not", "instead of")),
    ],
)
def test_weights_of_another_architecture_are_refused_by_name(
    trained: TrainedEngine, folder: Path, config: dict[str, int], differences: tuple[str, ...]
) -> None:
    with_checkpoints_of(trained, folder, config)
    before = learned(folder)
    for command in (Decode(run=str(folder), codes=CODE), ResumeRun(run=str(folder), steps=80, schedule="stretch")):
        failed = trained.refused(command)
        assert failed.reason is Reason.NOT_POSSIBLE and not failed.detail
        assert "model.safetensors does not fit the VAE of this version" in failed.message
        assert all(difference in failed.message for difference in differences), failed.message
        assert "Open the run with the version that trained it, or train it again" in failed.message
    assert_same(learned(folder), before)
    assert trained.ask(OpenRun(run=str(folder)), RunOpened).info.status == "finished", "curves and samples stay"
    assert trained.decoded(trained.original).step == 60


def test_weights_that_lack_some_leave_the_model_as_it_was(trained: TrainedEngine, folder: Path) -> None:
    """The latest has other names for half of its arrays: the one before is used whole, not mixed with it."""
    store = CheckpointStore(folder)
    found = store.load()
    half = {f"{name}_renamed" if n % 2 else name: a for n, (name, a) in enumerate(found.tensors["model"].items())}
    store.save(found.step, {**found.tensors, "model": half}, found.state)
    older = trained.decoded(folder)
    assert older.step == 40
    assert "_renamed" in trained.warnings() and "The checkpoint of step 40 is used in its place" in trained.warnings()


def cut_moments(optimizer: Arrays, random: Arrays) -> None:
    optimizer.update({name: a[..., :-1].copy() for name, a in optimizer.items() if a.ndim})


def other_moments(optimizer: Arrays, random: Arrays) -> None:
    optimizer.update({name: a.astype(np.int64) for name, a in optimizer.items()})


def half_of_them(optimizer: Arrays, random: Arrays) -> None:
    for name in [name for name in optimizer if name.endswith("/exp_avg")]:
        del optimizer[name]


def unknown_parameter(optimizer: Arrays, random: Arrays) -> None:
    (phase,) = {name.split("/")[0] for name in optimizer}
    optimizer[f"{phase}/99/exp_avg"] = np.zeros(3, np.float32)


def odd_names(optimizer: Arrays, random: Arrays) -> None:
    (phase,) = {name.split("/")[0] for name in optimizer}
    optimizer[f"{phase}/-1/exp_avg/more"] = np.zeros(3, np.float32)


def wild_generator(optimizer: Arrays, random: Arrays) -> None:
    random["generator"] = np.full_like(random["generator"], 0xFF)


def short_random_state(optimizer: Arrays, random: Arrays) -> None:
    random["torch"] = random["torch"][:7].copy()


@pytest.mark.parametrize(
    "change",
    [cut_moments, other_moments, half_of_them, unknown_parameter, odd_names, wild_generator, short_random_state],
)
def test_an_optimizer_of_another_model_is_refused_before_training(
    trained: TrainedEngine, folder: Path, change: Callable[[Arrays, Arrays], None]
) -> None:
    """Moments that are too small would be read and written beyond their end, which ends a process at best."""
    store = CheckpointStore(folder)
    found = store.load()
    change(found.tensors["optimizer"], found.tensors["random"])
    store.save(found.step, found.tensors, found.state)
    before = (folder / "run.json").read_bytes()
    failed = trained.refused(ResumeRun(run=str(folder), steps=80, schedule="stretch"))
    assert failed.reason is Reason.NOT_POSSIBLE and not failed.detail, failed
    assert "in the checkpoint" in failed.message and "another checkpoint, or train it again" in failed.message
    assert (folder / "run.json").read_bytes() == before
    assert trained.decoded(folder).step == 60, "its weights are whole and can be explored"


def test_a_newer_format_says_which_version_reads_it(trained: TrainedEngine, folder: Path) -> None:
    for path in folder.glob("checkpoints/step-*"):
        manifest = read_manifest(path, int(path.name.removeprefix("step-")))
        write_manifest(path, Manifest(manifest.step, manifest.order, manifest.files, manifest.state, format_version=99))
    failed = trained.refused(Decode(run=str(folder), codes=CODE))
    assert failed.reason is Reason.RUN_UNUSABLE
    assert "has format 99" in failed.message and "Open it with a newer one" in failed.message
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps({**record, "format_version": 99}), encoding="utf-8")
    failed = trained.refused(OpenRun(run=str(folder)))
    assert failed.reason is Reason.RUN_UNUSABLE and "has format 99" in failed.message


def test_a_family_that_is_not_there_is_named(trained: TrainedEngine, folder: Path) -> None:
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps({**record, "family": "from_elsewhere"}), encoding="utf-8")
    for command in (OpenRun(run=str(folder)), ResumeRun(run=str(folder)), Decode(run=str(folder), codes=CODE)):
        failed = trained.refused(command)
        assert "from_elsewhere" in failed.message and failed.reason is not Reason.INTERNAL, failed
