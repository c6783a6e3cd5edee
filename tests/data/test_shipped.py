"""MNIST and Fashion-MNIST of the program: balanced, disjoint, unchanged, and refused when damaged."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gmstudio.data import DataError, load, shipped
from gmstudio.media.levels import draw_binary
from gmstudio.protocol.config import ConfigError
from gmstudio.system.resources import resource_path

SETS = ("mnist", "fashion_mnist")
SPLITS = {"train": 6000, "valid": 1000, "test": 1000}
DIGESTS = {
    "mnist": "76d3d8df7c1b8dad",
    "fashion_mnist": "40b54da13b828422",
}


def archive_of(name: str) -> dict[str, np.ndarray]:
    with np.load(resource_path(f"data/{name}.npz"), allow_pickle=False) as archive:
        return {key: archive[key] for key in archive.files}


@pytest.mark.parametrize("name", SETS)
def test_the_images_never_change(name: str) -> None:
    digest = hashlib.sha256()
    for key, array in sorted(archive_of(name).items()):
        digest.update(f"{key} {array.dtype.str} {array.shape}".encode() + array.tobytes())
    assert digest.hexdigest()[:16] == DIGESTS[name]


@pytest.mark.parametrize("name", SETS)
def test_every_split_is_balanced_also_in_part_and_no_image_is_in_two(name: str) -> None:
    dataset = load(name, {"levels": 256, "subset": 50})
    assert np.bincount(dataset.train.labels).tolist() == [5] * 10
    dataset = load(name, {"levels": 256})
    assert dataset.sizes == SPLITS and dataset.image.shape == (1, 28, 28)
    for split, count in SPLITS.items():
        assert np.bincount(dataset.split(split).labels).tolist() == [count // 10] * 10
    archive = archive_of(name)
    training_part = np.concatenate([archive["train_index"], archive["valid_index"]])
    assert len(np.unique(training_part)) == 7000 and len(np.unique(archive["test_index"])) == 1000


def test_labels_belong_to_their_images() -> None:
    """Means of the classes tell the digits of the test images apart well above chance (82 % for the true labels)."""
    digits = load("mnist", {"levels": 256})
    means = np.stack([digits.train.images[digits.train.labels == label].mean(0).ravel() for label in range(10)])
    flat = digits.test.images.reshape(1000, -1).astype(float)
    nearest = ((flat[:, None] - means[None]) ** 2).sum(2).argmin(1)
    assert 0.75 < (nearest == digits.test.labels).mean() < 0.9


def test_levels_binarization_size_and_classes() -> None:
    grey = load("mnist", {"levels": 256})
    black = load("mnist", {})
    np.testing.assert_array_equal(black.valid.images, (grey.valid.images >= 128).astype(np.uint8))
    assert black.config == {"levels": 2, "binarize": "threshold", "size": 0, "subset": 0, "classes": ""}
    drawn = load("mnist", {"binarize": "sample"})
    assert drawn.resample and not black.resample
    np.testing.assert_array_equal(drawn.train.images, grey.train.images)
    np.testing.assert_array_equal(drawn.test.images, draw_binary(grey.test.images))
    small = load("fashion_mnist", {"levels": 4, "size": 14, "classes": "Coat, 9"})
    assert small.image.shape == (1, 14, 14) and small.train.images.max() == 3
    assert small.sizes == {"train": 1200, "valid": 200, "test": 200}
    assert set(small.test.labels) == {4, 9} and small.label_names[9] == "Ankle boot"
    halves = load("mnist", {"levels": 256, "size": 14}).test.images.astype(int)
    means = grey.test.images.reshape(1000, 1, 14, 2, 14, 2).mean((3, 5))
    assert np.abs(halves - means).max() <= 0.5


def test_wrong_classes_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"Include classes has 'hat'; there are 0 \(T-shirt/top\)"):
        load("fashion_mnist", {"classes": "hat"})
    with pytest.raises(ConfigError, match="must be a whole number from 0 to 6,000"):
        load("mnist", {"subset": 6001})


@pytest.mark.parametrize("damage", ["cut", "no zip", "wrong shape", "missing", "pickle"])
def test_a_damaged_archive_is_named(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mnist.npz"
    content = resource_path("data/mnist.npz").read_bytes()
    match damage:
        case "cut":
            path.write_bytes(content[:400_000])
        case "no zip":
            path.write_bytes(b"PK" + bytes(100))
        case "wrong shape":
            np.savez(path, **{**archive_of("mnist"), "test_images": np.zeros((1000, 27, 28), np.uint8)})
        case "missing":
            arrays = archive_of("mnist")
            del arrays["valid_labels"]
            np.savez(path, **arrays)
        case "pickle":
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("train_images.npy", b"\x80\x04N.")
    monkeypatch.setattr(shipped, "resource_path", lambda name: tmp_path / Path(name).name)
    with pytest.raises(
        DataError, match=r"mnist\.npz is damaged .*Install gmstudio again|mnist\.npz is damaged: its test"
    ):
        load("mnist", {})
