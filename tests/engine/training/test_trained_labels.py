"""Labels of a subset of classes: only those that training images have are offered, drawn and scored."""

from pathlib import Path

import numpy as np
import pytest
import torch
from idx_making import some_images, write_idx, write_set
from typer.testing import CliRunner

from gmstudio import cli
from gmstudio.data import load
from gmstudio.engine.evaluation.label_mixture import label_mixture
from gmstudio.engine.pixels.explorer import PixelExplorer
from gmstudio.engine.runtime.models import Loaded, ModelCache
from gmstudio.engine.sampling.grids import labels_in_turn
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.protocol.pixels import OpenPixels, PixelsOpened

SMALL = [f"--set={name}=2" for name in ("num_channels", "num_head_channels")] + ["--set=num_layers=1"]
FAST = ["--set=validation_images=4", "--set=num_samples=3", "--set=batch_size=8", "--steps=2"]


def call(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, list(arguments))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def trained(tmp_path: Path, *settings: str) -> tuple[str, Loaded]:
    run, folder = str(tmp_path / "run"), write_set(tmp_path / "data")
    call("train", "gated_pixelcnn", "--data=idx", f"--data-dir={folder}", "--out", run, *SMALL, *FAST, *settings)
    return run, ModelCache().load(run, torch.device("cpu"))


@pytest.mark.parametrize("more", [(), ("--set=num_classes=10",)])
def test_a_subset_of_two_classes_gives_two(tmp_path: Path, more: tuple[str, ...]) -> None:
    run, loaded = trained(tmp_path, "--set=classes=3,8", *more)
    model = loaded.model
    assert isinstance(model, AutoregressiveFamily) and model.labels == (3, 8)
    drawn = labels_in_turn(model, 5)
    assert drawn is not None and drawn.tolist() == [3, 8, 3, 8, 3]
    mixture = label_mixture(model, load("idx", loaded.record.data_config).train.labels)
    assert mixture is not None and mixture.labels == [3, 8]
    opened = PixelExplorer().open(model, run, loaded.step, OpenPixels(run=run))[0]
    assert isinstance(opened, PixelsOpened) and opened.classes == (3, 8)
    out = str(tmp_path / "grid.png")
    call("sample", run, "-n", "1", "-o", out, "--label", "8")
    with pytest.raises(ValueError, match="No training image had the label 5; this model was trained with 3, 8"):
        call("sample", run, "-n", "1", "-o", out, "--label", "5")


def test_validation_and_score_use_no_label_that_was_not_trained(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for word, count in (("train", 60), ("t10k", 20)):
        write_idx(folder / f"{word}-images-idx3-ubyte", some_images(count))
        write_idx(folder / f"{word}-labels-idx1-ubyte", np.arange(count) % 2 + (word == "t10k"))
    run = str(tmp_path / "run")
    call("train", "gated_pixelcnn", "--data=idx", f"--data-dir={folder}", "--out", run, *SMALL, *FAST)
    model = ModelCache().load(run, torch.device("cpu")).model
    assert isinstance(model, AutoregressiveFamily) and (model.num_classes, model.labels) == (3, (0, 1))
    with pytest.raises(ValueError, match="No training image had the label 2"):
        call("score", run, "--labels", "given")
    call("score", run)
