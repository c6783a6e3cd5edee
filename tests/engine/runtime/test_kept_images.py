"""A run on the user's own images notices changed and lost files, and finds the images that it was trained on."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gmstudio.data.importing.kept_sets import imports_home, list_imports
from gmstudio.engine.runtime.datasets import DatasetCache
from gmstudio.engine.runtime.run_data import DataChangedError, DataUnavailableError
from gmstudio.engine.training.job import start_training
from gmstudio.engine.training.plan import plan_run
from gmstudio.engine.training.resume import Continuation, resume_run
from gmstudio.protocol.run_spec import RunSpec
from gmstudio.runs.folder import RunFolder

CPU = torch.device("cpu")
QUICK = {"steps": 2, "batch_size": 8, "validation_images": 4, "num_samples": 1, "schedule": "constant"}


def write_pictures(folder: Path, side: int = 6) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(30):
        pixels = np.random.RandomState(number).randint(0, 256, (side, side), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
    return folder


def resume(run: Path, steps: int, folder: Path | None = None) -> None:
    choices = Continuation(steps, data_folder="" if folder is None else str(folder))
    job = resume_run(str(run), choices, DatasetCache(), CPU, lambda _: None)
    while job.running:
        job.advance()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GMSTUDIO_HOME", str(tmp_path / "home"))
    folder = write_pictures(tmp_path / "pics")
    spec = RunSpec(
        family="vae", config={"num_hidden": 4}, data="images", data_config={"folder": str(folder)}, training=QUICK
    )
    job = start_training(plan_run(DatasetCache(), spec, CPU), str(tmp_path / "run"), CPU, lambda _: None)
    while job.running:
        job.advance()
    return tmp_path / "run"


def test_the_record_names_the_set(run: Path) -> None:
    (kept,) = list_imports(imports_home())
    with RunFolder.open(run) as opened:
        assert opened.record.fingerprint is not None
        assert opened.record.fingerprint.origin == kept.record.sha256
    resume(run, 3)


@pytest.mark.parametrize("side", [6, 9])
def test_changed_files_are_noticed_and_the_images_of_before_are_named(run: Path, tmp_path: Path, side: int) -> None:
    (kept,) = list_imports(imports_home())
    shutil.rmtree(tmp_path / "pics")
    write_pictures(tmp_path / "pics", side)
    Image.new("L", (side, side)).save(tmp_path / "pics" / "00.png")
    error = DataChangedError if side == 6 else DataUnavailableError
    with pytest.raises(error, match=f"are kept in {kept.folder}"):
        resume(run, 3)
    resume(run, 3, kept.folder)
    resume(run, 4)  # the run knows the place now


def test_lost_files_are_not_needed(run: Path, tmp_path: Path) -> None:
    (kept,) = list_imports(imports_home())
    shutil.rmtree(tmp_path / "pics")
    with pytest.raises(DataUnavailableError, match=f"no file or folder.*kept in {kept.folder}"):
        resume(run, 3)
    shutil.move(kept.folder, tmp_path / "moved")
    with pytest.raises(DataUnavailableError) as caught:
        resume(run, 3)
    assert "kept in" not in str(caught.value)
    resume(run, 3, tmp_path / "moved")
