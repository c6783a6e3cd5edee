"""CIFAR-10's binary files become colour data sets; other files are refused with a reason."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmstudio.data import DataError, Dataset, load
from gmstudio.protocol.config import ConfigError

RECORD = 3073


def write(folder: Path, name: str, count: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    records = random.integers(0, 256, (count, RECORD), dtype=np.uint8)
    records[:, 0] = np.arange(count) % 10
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(records.tobytes())
    return records


def write_all(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    train = np.concatenate([write(folder, f"data_batch_{n}.bin", 20, n) for n in (1, 2)])
    return train, write(folder, "test_batch.bin", 10, 9)


def load_cifar(folder: Path, **settings: Any) -> Dataset:
    return load("cifar10", {"folder": str(folder), **settings})


@pytest.mark.parametrize("below", ["", "cifar-10-batches-bin"])
def test_pixels_colours_and_labels_arrive(tmp_path: Path, below: str) -> None:
    train, test = write_all(tmp_path / below)
    dataset = load_cifar(tmp_path)
    assert dataset.image.shape == (3, 32, 32) and dataset.image.levels == 256
    assert dataset.sizes == {"train": 36, "valid": 4, "test": 10}
    np.testing.assert_array_equal(dataset.test.images[3, 1].reshape(-1), test[3, 1 + 1024 : 1 + 2048])
    label_of = {row[1:].tobytes(): int(row[0]) for row in train}
    for split in (dataset.train, dataset.valid):
        assert split.labels is not None
        assert [label_of[image.tobytes()] for image in split.images] == split.labels.tolist()
    assert dataset.label_names[3] == "cat"


def test_levels_sizes_subsets_and_classes(tmp_path: Path) -> None:
    write_all(tmp_path)
    dataset = load_cifar(tmp_path, levels=4, size=8, subset=5, classes="cat,8-9")
    assert dataset.image.shape == (3, 8, 8)
    assert len(dataset.train) == 5
    assert dataset.train.labels is not None and set(dataset.train.labels.tolist()) <= {3, 8, 9}
    assert dataset.train.images.max() <= 3


@pytest.mark.parametrize("levels", [2, 16])
def test_quantized_levels_are_all_used(tmp_path: Path, levels: int) -> None:
    write_all(tmp_path)
    assert set(np.unique(load_cifar(tmp_path, levels=levels).train.images)) == set(range(levels))


def test_what_is_no_such_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Folder is empty"):
        load("cifar10", {})
    with pytest.raises(ConfigError, match="is no folder"):
        load_cifar(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"holds no data_batch_1\.bin"):
        load_cifar(tmp_path)
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x04")
    with pytest.raises(DataError, match=r"Python version\. Read it as images of your own"):
        load_cifar(tmp_path)


def test_damaged_files_are_refused_by_name(tmp_path: Path) -> None:
    write_all(tmp_path)
    whole = (tmp_path / "data_batch_2.bin").read_bytes()
    (tmp_path / "data_batch_2.bin").write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"data_batch_2\.bin has 61,459 bytes"):
        load_cifar(tmp_path)
    (tmp_path / "data_batch_2.bin").write_bytes(b"\x63" + whole[1:])
    with pytest.raises(DataError, match="label 99"):
        load_cifar(tmp_path)
    (tmp_path / "data_batch_2.bin").write_bytes(b"")
    with pytest.raises(DataError, match="0 bytes"):
        load_cifar(tmp_path)
    (tmp_path / "data_batch_2.bin").write_bytes(whole)
    (tmp_path / "test_batch.bin").unlink()
    with pytest.raises(DataError, match=r"test_batch\.bin could not be read"):
        load_cifar(tmp_path)
    with pytest.raises(ConfigError, match="Include classes has 'whale'"):
        write(tmp_path, "test_batch.bin", 10, 9)
        load_cifar(tmp_path, classes="whale")


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
def test_links_to_themselves_and_attributes_of_macos_are_passed_over(tmp_path: Path) -> None:
    write_all(tmp_path)
    (tmp_path / "data_batch_3.bin").symlink_to("data_batch_3.bin")
    (tmp_path / "data_batch_4.bin").symlink_to("nowhere")
    (tmp_path / "._data_batch_5.bin").write_bytes(b"\0\5\x16\7")
    assert load_cifar(tmp_path).sizes == {"train": 36, "valid": 4, "test": 10}
