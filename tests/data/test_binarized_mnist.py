"""Three NumPy files of zeros and ones become fixed splits; other files are refused with a reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gmstudio.data import DataError, Dataset, load
from gmstudio.protocol.config import ConfigError

COUNTS = {"train": 20, "valid": 5, "test": 6}


def ones_and_zeros(count: int, side: int = 28) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 2, (count, side, side), dtype=np.uint8)


def write(folder: Path, split: str, array: np.ndarray, **settings: Any) -> Path:
    path = folder / f"binarized_mnist_{split}.npy"
    np.save(path, array, **settings)
    return path


def write_all(folder: Path) -> Path:
    for split, count in COUNTS.items():
        write(folder, split, ones_and_zeros(count))
    return folder


def load_from(folder: Path, **settings: Any) -> Dataset:
    return load("binarized_mnist", {"folder": str(folder), **settings})


@pytest.mark.parametrize("shape", [(-1, 28, 28), (-1, 784), (-1, 1, 28, 28)])
@pytest.mark.parametrize("dtype", [np.uint8, bool, np.float32, np.float64, np.int64])
def test_the_files_are_the_splits(tmp_path: Path, shape: tuple[int, ...], dtype: type) -> None:
    for split, count in COUNTS.items():
        write(tmp_path, split, ones_and_zeros(count).reshape(shape).astype(dtype))
    dataset = load_from(tmp_path)
    assert dataset.image.shape == (1, 28, 28) and dataset.image.levels == 2
    assert not dataset.resample and dataset.sizes == COUNTS
    for split, count in COUNTS.items():
        assert dataset.split(split).labels is None
        np.testing.assert_array_equal(dataset.split(split).images[:, 0], ones_and_zeros(count))


def test_a_subset_shortens_training_only(tmp_path: Path) -> None:
    dataset = load_from(write_all(tmp_path), subset=3)
    assert dataset.sizes == {**COUNTS, "train": 3}
    np.testing.assert_array_equal(dataset.train.images[:, 0], ones_and_zeros(COUNTS["train"])[:3])


def test_fortran_order_and_other_sides(tmp_path: Path) -> None:
    for split, count in COUNTS.items():
        write(tmp_path, split, np.asfortranarray(np.random.default_rng(count).integers(0, 2, (count, 6, 4))))
    dataset = load_from(tmp_path)
    assert dataset.image.shape == (1, 6, 4)
    expected = np.random.default_rng(COUNTS["test"]).integers(0, 2, (COUNTS["test"], 6, 4))
    np.testing.assert_array_equal(dataset.test.images[:, 0], expected)


@pytest.mark.parametrize("folder", ["", " ", "nowhere", "~nobody-of-that-name/x", "a\0b", "x" * 5000])
def test_a_folder_that_cannot_be_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(ConfigError, match=r"[Ff]older") as caught:
        load("binarized_mnist", {"folder": folder if not folder.isalpha() else str(tmp_path / folder)})
    assert caught.value.errors.keys() == {"folder"}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_all(tmp_path)
    (tmp_path / "binarized_mnist_valid.npy").unlink()
    with pytest.raises(DataError, match=r"binarized_mnist_valid.npy could not be read .*All three files"):
        load_from(tmp_path)


@pytest.mark.parametrize(
    "shape", [(5,), (5, 783), (0, 28, 28), (5, 3, 28, 28), (5, 2, 2, 2, 2), (5, 0, 28), (5, 300, 4), ()]
)
def test_another_shape_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    write(write_all(tmp_path), "test", np.zeros(shape, np.uint8))
    with pytest.raises(DataError, match=r"binarized_mnist_test.npy has the shape .* it must be \(images, 28, 28\)"):
        load_from(tmp_path)


@pytest.mark.parametrize("value", [2, 255, -1, 0.5, np.nan, np.inf])
def test_another_value_is_named(tmp_path: Path, value: float) -> None:
    images = ones_and_zeros(20).astype(np.float64)
    images[7, 3, 2] = value
    write(write_all(tmp_path), "train", images)
    with pytest.raises(DataError, match=rf"binarized_mnist_train.npy has a pixel of value {float(value)}; .* 0 and 1"):
        load_from(tmp_path)


def test_splits_of_different_sizes_are_refused(tmp_path: Path) -> None:
    write(write_all(tmp_path), "valid", ones_and_zeros(5, side=14))
    with pytest.raises(DataError, match=r"valid.npy holds images of 14×14 pixels, but .*train.npy of 28×28"):
        load_from(tmp_path)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    images = np.empty((5, 28, 28), dtype=object)
    images[...] = Trap()
    write(write_all(tmp_path), "train", images, allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects, which are pickled and not read"):
        load_from(tmp_path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("array", [np.full((5, 28, 28), "1"), np.zeros((5, 28, 28), complex)])
def test_values_that_are_no_plain_numbers_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    write(write_all(tmp_path), "train", array)
    with pytest.raises(DataError, match=r"holds values of type .*; save an array of 0 and 1"):
        load_from(tmp_path)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = write(write_all(tmp_path), "train", ones_and_zeros(20))
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(DataError, match="is cut short: it holds 15,679 of 15,680 bytes"):
        load_from(tmp_path)
    for content in (b"", b"\x93NUM", b"PK\x03\x04" + whole, whole[:20], whole[:6] + b"\x07" + whole[7:]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"train.npy is no NumPy file"):
            load_from(tmp_path)


def test_absurd_sizes_are_refused_before_they_are_read(tmp_path: Path) -> None:
    path = write_all(tmp_path) / "binarized_mnist_train.npy"
    header = {"descr": "|u1", "fortran_order": False, "shape": (10**12, 28, 28)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
    with pytest.raises(DataError, match=r"is cut short"):
        load_from(tmp_path)


@pytest.mark.parametrize("shape", [(-3, 28, 28), (3, -28, -28), (3, -784), (-(10**30), 28, 28)])
def test_negative_sizes_are_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = write_all(tmp_path) / "binarized_mnist_train.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        file.write(bytes(3 * 784))
    with pytest.raises(DataError, match=r"train.npy is damaged: its header promises the shape"):
        load_from(tmp_path)


@pytest.mark.parametrize("version", [(0, 0), (4, 0), (9, 0), (1, 7)])
def test_unknown_versions_are_named(tmp_path: Path, version: tuple[int, int]) -> None:
    path = write_all(tmp_path) / "binarized_mnist_train.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:6] + bytes(version) + whole[8:])
    with pytest.raises(DataError, match=rf"its format has version {version[0]}\.{version[1]}"):
        load_from(tmp_path)


def test_a_deeply_nested_header_is_refused(tmp_path: Path) -> None:
    path = write_all(tmp_path) / "binarized_mnist_train.npy"
    header = b"(" * 5000 + b")" * 5000
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(DataError, match=r"train.npy is no NumPy file"):
        load_from(tmp_path)
