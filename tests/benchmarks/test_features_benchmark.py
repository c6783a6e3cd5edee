"""The benchmark of features: a ready model beside the baselines, fine-tuned against scratch, on files of its own."""

from pathlib import Path

import numpy as np
import pytest
from idx_making import write_idx

from benchmarks import features


@pytest.fixture(autouse=True)
def _ready_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models that come with gmstudio."""
    monkeypatch.delenv("GMSTUDIO_EXAMPLES", raising=False)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Ten classes of noise, each bright in rows of its own, as IDX files."""
    random, raw = np.random.default_rng(0), tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 200), ("t10k", 40)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        images = random.integers(0, 100, (count, 28, 28)).astype(np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[2 * label : 2 * label + 6] += 150
        write_idx(raw / f"{part}-images-idx3-ubyte", images)
        write_idx(raw / f"{part}-labels-idx1-ubyte", labels)
    return tmp_path


def test_a_family_is_measured_beside_pixels_and_components(data_dir: Path) -> None:
    found = features.measure(str(data_dir), seeds=2, test_images=0, steps=4, tuned_seeds=1, families=["vae"])
    (row,) = found["probes"]
    assert (row["family"], row["layer"], row["levels"], row["features"]) == ("vae", "code", 2, 10)
    assert row["pixels"][0] > 0.9 and 0.0 <= row["linear"][0] <= 1.0 and len(row["pca"]) == 2
    (tuned,) = found["tuned"]
    assert tuned["title"] == "VAE, Posterior mean" and {"fine_tuned", "frozen", "scratch"} < set(tuned)


def test_a_folder_without_mnist_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no IDX files of MNIST"):
        features.measure(str(tmp_path), seeds=1, test_images=0, steps=0, tuned_seeds=1, families=["vae"])
