"""Data of a run that were moved, or have changed since it was trained."""

import shutil
from pathlib import Path

import msgspec
import pytest
import torch
from idx_making import some_images, write_idx, write_set

from gmstudio.data.dataset import DataError
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.errors import reason_of
from gmstudio.engine.runtime.run_data import DataChangedError, DataUnavailableError, load_run_data
from gmstudio.engine.training.job import TrainingJob, start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.engine import Reason
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")
QUICK = {"steps": 2, "batch_size": 8, "validation_images": 4, "num_samples": 1, "schedule": "constant"}
FAMILIES = {
    "pixelcnn": {"num_channels": 4, "num_blocks": 1},
    "gated_pixelcnn": {"num_channels": 2, "num_head_channels": 2, "num_layers": 1},
    "ddpm": {"num_channels": 4, "num_timesteps": 20},
    "vae": {"num_hidden": 4},
}


def finish(job: TrainingJob) -> None:
    while job.running:
        job.advance()


def train(path: Path, folder: Path | str, family: str = "vae", **data: object) -> None:
    spec = RunSpec(
        family=family,
        config=FAMILIES[family],
        data="idx",
        data_config={"folder": str(folder), **data},
        training=QUICK,
    )
    finish(start_training(plan_run(DatasetCache(), spec, CPU), str(path), CPU, lambda _: None))


def resume(path: Path, choices: Continuation) -> None:
    finish(resume_run(str(path), choices, DatasetCache(), CPU, lambda _: None))


def replace_images(folder: Path, train: int = 60, height: int = 6, seed: int = 99) -> None:
    """Put other images in the place of those of a set."""
    shutil.rmtree(folder)
    write_set(folder, train=train)
    for word, count in (("train", train), ("t10k", 20)):
        write_idx(folder / f"{word}-images-idx3-ubyte.gz", some_images(count, height=height, seed=seed))


@pytest.mark.parametrize("family", FAMILIES)
def test_images_of_another_shape_are_refused_by_all_families(tmp_path: Path, family: str) -> None:
    folder = write_set(tmp_path / "data")
    train(tmp_path / "run", folder, family)
    before = (tmp_path / "run" / "run.json").read_bytes()
    replace_images(folder, height=7)
    for accepted in (False, True):
        with pytest.raises(DataUnavailableError, match=r"now has images of 7×5 grey.*trained on 6×5 grey"):
            resume(tmp_path / "run", Continuation(4, accept_changed_data=accepted))
    assert (tmp_path / "run" / "run.json").read_bytes() == before


def test_changed_data_are_used_by_decision_only(tmp_path: Path) -> None:
    folder, run = write_set(tmp_path / "data"), tmp_path / "run"
    train(run, folder)
    resume(run, Continuation(3))  # the same data need no decision
    replace_images(folder, train=50)
    with pytest.raises(DataChangedError, match="45 training images instead of 54; 5 validation images instead of 6"):
        resume(run, Continuation(4))
    with pytest.raises(DataChangedError), RunFolder.open(run) as opened:
        load_run_data(DatasetCache(), opened.record)
    resume(run, Continuation(4, accept_changed_data=True))
    resume(run, Continuation(5))  # the decision is kept
    with RunFolder.open(run) as opened:
        texts = [event.text for event in opened.history.read_events() if event.kind == "data"]
        assert opened.record.fingerprint is not None and opened.record.fingerprint.sizes["train"] == 45
    assert len(texts) == 1 and "45 training images instead of 54" in texts[0] and "test images or labels" in texts[0]


def test_the_same_number_of_other_images_is_noticed(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "data")
    train(tmp_path / "run", folder)
    replace_images(folder)
    with pytest.raises(DataChangedError, match="other training images or labels"):
        resume(tmp_path / "run", Continuation(4))


def test_labels_beyond_those_of_the_model_are_refused(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "data", num_labels=3)
    train(tmp_path / "run", folder, "gated_pixelcnn")
    shutil.rmtree(folder)
    write_set(folder, num_labels=10)
    with pytest.raises(DataUnavailableError, match="labels up to 9, the model was made for labels 0 to 2"):
        resume(tmp_path / "run", Continuation(4, accept_changed_data=True))


def test_a_run_without_fingerprint_is_resumed_and_gets_one(tmp_path: Path) -> None:
    folder, run = write_set(tmp_path / "data"), tmp_path / "run"
    train(run, folder)
    record = msgspec.json.decode((run / "run.json").read_bytes())
    del record["fingerprint"]
    (run / "run.json").write_bytes(msgspec.json.encode(record))
    replace_images(folder)
    resume(run, Continuation(4))
    with RunFolder.open(run) as opened:
        assert opened.record.fingerprint is not None


def test_a_relative_folder_is_found_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_set(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    train(tmp_path / "run", "data")
    monkeypatch.chdir(folder)
    resume(tmp_path / "run", Continuation(4))
    with RunFolder.open(tmp_path / "run") as run:
        assert run.record.data_config["folder"] == str(folder)


def test_moved_data_are_found_in_the_folder_that_is_named(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(run, write_set(tmp_path / "data"))
    shutil.move(tmp_path / "data", tmp_path / "elsewhere")
    with pytest.raises(DataUnavailableError, match=r"cannot be loaded.*data") as caught:
        resume(run, Continuation(4))
    assert reason_of(caught.value) is Reason.DATA_UNAVAILABLE
    resume(run, Continuation(4, data_folder=str(tmp_path / "elsewhere")))
    resume(run, Continuation(5))  # where they are is kept


def test_a_source_without_folder_takes_none(tmp_path: Path) -> None:
    spec = RunSpec(family="vae", config=FAMILIES["vae"], data="digits", training=QUICK)
    finish(start_training(plan_run(DatasetCache(), spec, CPU), str(tmp_path / "run"), CPU, lambda _: None))
    with pytest.raises(DataError, match="come with gmstudio"):
        resume(tmp_path / "run", Continuation(4, data_folder=str(tmp_path)))
