"""Options for data that were moved or have changed: ``--data-dir``, ``--accept-changed-data``; ``--schedule``."""

import shutil
from pathlib import Path

import pytest
from idx_making import some_images, write_idx, write_set
from typer.testing import CliRunner

from gmstudio import cli

FAST = [
    "--set",
    "validation_images=4",
    "--set",
    "num_samples=1",
    "--set",
    "batch_size=16",
    "--steps",
    "2",
    "--set",
    "schedule=constant",
]


def call(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_set(tmp_path / "data")


@pytest.fixture
def run(tmp_path: Path, folder: Path) -> str:
    path = str(tmp_path / "run")
    call("train", "vae", "--data", "idx", "--data-dir", str(folder), "--out", path, *FAST)
    return path


def test_score_and_resume_find_moved_data_where_they_are_now(tmp_path: Path, folder: Path, run: str) -> None:
    now = tmp_path / "elsewhere"
    shutil.move(folder, now)
    for arguments in (["score", run], ["train", "--resume", "--out", run, "--steps", "4"]):
        with pytest.raises(ValueError, match=r"cannot be loaded.*Option: --data-dir"):
            call(*arguments)
        call(*arguments, "--data-dir", str(now))
    call("train", "--resume", "--out", run, "--steps", "5")  # the run keeps the folder


def test_score_and_resume_use_changed_data_by_decision_only(folder: Path, run: str) -> None:
    write_idx(folder / "train-images-idx3-ubyte.gz", some_images(60, seed=99))
    for arguments in (["score", run], ["train", "--resume", "--out", run, "--steps", "4"]):
        with pytest.raises(ValueError, match=r"other training images.*Options: .*--accept-changed-data"):
            call(*arguments)
    assert "other training images" in call("score", run, "--accept-changed-data"), "it is said all the same"
    assert "finished at step 4" in call("train", "--resume", "--out", run, "--steps", "4", "--accept-changed-data")
    assert "Uses changed data from here on: other training images" in call("runs", run)


def test_another_source_is_not_compared(run: str) -> None:
    with pytest.raises(ValueError, match="The images of digits are"):
        call("score", run, "--data", "digits")


def test_the_options_of_a_resume_belong_to_it() -> None:
    with pytest.raises(ValueError, match="belong to --resume"):
        call("train", "vae", "--schedule", "restart")


def test_an_unknown_schedule_is_refused(run: str) -> None:
    with pytest.raises(ValueError, match="--schedule is 'linear'; choose one of stretch, restart, hold"):
        call("train", "--resume", "--out", run, "--schedule", "linear")
