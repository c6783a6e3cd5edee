"""The benchmark of anomalies: runs are trained and told apart, kept runs are used again."""

from pathlib import Path

import numpy as np
import pytest
from idx_making import write_idx

from benchmarks import ood
from gmstudio.runs.record import read_record


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Two small sets: bright noise, whose training images are in an archive, and dark noise as IDX files."""
    random = np.random.default_rng(0)
    for name, low, high in (("FashionMNIST", 128, 256), ("MNIST", 0, 64)):
        raw = tmp_path / name / "raw"
        raw.mkdir(parents=True)
        for part, count in (("train", 60), ("t10k", 30)):
            images = random.integers(low, high, (count, 28, 28)).astype(np.uint8)
            labels = (np.arange(count) % 10).astype(np.uint8)
            if (name, part) == ("FashionMNIST", "train"):
                np.savez(raw / "train.npz", x=images, y=labels)
            else:
                write_idx(raw / f"{part}-images-idx3-ubyte", images)
                write_idx(raw / f"{part}-labels-idx1-ubyte", labels)
    return tmp_path


def test_both_directions_are_told_apart_and_runs_are_used_again(
    data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ood.CONFIGS, "vae", {"num_hidden": 8, "num_latent": 2})
    out = tmp_path / "runs"
    found = ood.measure(str(data_dir), ["vae"], 0.2, 3, str(out), 20)
    assert [(row["trained_on"], row["against"], row["family"]) for row in found["rows"]] == [
        ("fashion", "mnist", "vae"),
        ("mnist", "fashion", "vae"),
    ]
    for row in found["rows"]:
        assert row["seconds"] > 0 and row["background_seconds"] > 0
        for statistic in ood.STATISTICS:
            values = row[statistic]
            assert 0 <= values["auroc_low"] <= values["auroc"] <= values["auroc_high"] <= 1
    model, noised = (read_record(out / f"mnist-vae{suffix}") for suffix in ("", "-background"))
    assert (model.training.mutation, noised.training.mutation) == (0.0, ood.MUTATION)
    assert model.training.steps == noised.training.steps and model.config == noised.config
    assert model.training.seed == 3
    again = ood.measure(str(data_dir), ["vae"], 5.0, 3, str(out), 20)
    for row, before in zip(again["rows"], found["rows"], strict=True):
        assert row["seconds"] == row["background_seconds"] == 0.0
        assert all(row[statistic] == before[statistic] for statistic in ood.STATISTICS)


def test_a_family_without_settings_is_refused(data_dir: Path) -> None:
    with pytest.raises(ValueError, match="--families gan: choose from pixelcnn, vae, realnvp"):
        ood.measure(str(data_dir), ["gan"], 1.0, 0)


def test_a_folder_without_training_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has neither train-images-idx3-ubyte nor train"):
        ood.measure(str(tmp_path), ["vae"], 1.0, 0)
