"""IDX folders become data sets: splits, levels, sizes, subsets and classes."""

import gzip
import math
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from idx_making import some_images, write_idx, write_set

from gmstudio.data import DataError, Dataset, idx, load
from gmstudio.media.levels import quantize
from gmstudio.media.resize import resize
from gmstudio.protocol.config import ConfigError


def load_idx(folder: Path, **settings: Any) -> Dataset:
    return load("idx", {"folder": str(folder), **settings})


def rows(*arrays: np.ndarray) -> list[bytes]:
    return sorted(image.tobytes() for array in arrays for image in array)


def test_the_training_part_is_split_and_the_test_part_stays(tmp_path: Path) -> None:
    dataset = load_idx(write_set(tmp_path), levels=256)
    assert dataset.sizes == {"train": 54, "valid": 6, "test": 20}
    assert dataset.image.shape == (1, 6, 5) and dataset.image.levels == 256
    assert rows(dataset.train.images, dataset.valid.images) == rows(some_images(60, seed=60))
    np.testing.assert_array_equal(dataset.test.images[:, 0], some_images(20, seed=20))
    assert dataset.test.labels is not None and dataset.test.labels.tolist() == [*range(10)] * 2
    assert dataset.label_names == tuple("0123456789") and not dataset.resample
    np.testing.assert_array_equal(load_idx(tmp_path, levels=256).train.images, dataset.train.images)


def test_labels_stay_with_their_images(tmp_path: Path) -> None:
    dataset = load_idx(write_set(tmp_path), levels=256)
    labels = {image.tobytes(): n % 10 for n, image in enumerate(some_images(60, seed=60))}
    for split in (dataset.train, dataset.valid):
        assert split.labels is not None
        assert [labels[image.tobytes()] for image in split.images] == split.labels.tolist()


@pytest.mark.parametrize(("train", "test"), [(50, 0), (0, 50)])
def test_one_part_alone_is_split_into_three(tmp_path: Path, train: int, test: int) -> None:
    dataset = load_idx(write_set(tmp_path, train, test), levels=256, valid_percent=20)
    assert dataset.sizes == {"train": 30, "valid": 10, "test": 10}
    splits = (dataset.train.images, dataset.valid.images, dataset.test.images)
    assert rows(*splits) == rows(some_images(50, seed=50))


@pytest.mark.parametrize("levels", [2, 4, 16, 256])
def test_levels(tmp_path: Path, levels: int) -> None:
    dataset = load_idx(write_set(tmp_path), levels=levels)
    assert dataset.image.levels == levels
    np.testing.assert_array_equal(dataset.test.images[:, 0], quantize(some_images(20, seed=20), 255, levels))


def test_binarizing_by_sampling_keeps_training_images_grey(tmp_path: Path) -> None:
    dataset = load_idx(write_set(tmp_path), binarize="sample")
    assert dataset.resample and dataset.image.levels == 2
    assert set(rows(dataset.train.images)) <= set(rows(some_images(60, seed=60)))
    assert dataset.valid.images.max() == dataset.test.images.max() == dataset.view("train", [0, 1]).max() == 1


def test_resizing_keeps_the_proportions(tmp_path: Path) -> None:
    dataset = load_idx(write_set(tmp_path), size=12, levels=256)
    assert dataset.image.shape == (1, 12, 10)
    np.testing.assert_array_equal(dataset.test.images[:, 0, ::2, ::2], some_images(20, seed=20))


def test_subset_and_classes(tmp_path: Path) -> None:
    write_set(tmp_path)
    dataset = load_idx(tmp_path, subset=7)
    assert dataset.sizes == {"train": 7, "valid": 6, "test": 20}
    np.testing.assert_array_equal(dataset.train.images, load_idx(tmp_path).train.images[:7])
    chosen = load_idx(tmp_path, classes="3, 8-9")
    assert chosen.sizes == {"train": 16, "valid": 2, "test": 6}
    assert chosen.train.labels is not None and set(chosen.train.labels) == {3, 8, 9}
    assert chosen.label_names == tuple("0123456789")


def test_emnist_images_are_turned_upright(tmp_path: Path) -> None:
    write_set(tmp_path, prefix="emnist-letters-", test_word="test")
    dataset = load_idx(tmp_path, levels=256)
    np.testing.assert_array_equal(dataset.test.images[:, 0], some_images(20, seed=20).transpose(0, 2, 1))
    assert dataset.label_names[1] == "a"


def test_plain_names_in_a_folder_emnist_are_turned_upright(tmp_path: Path) -> None:
    dataset = load_idx(write_set(tmp_path / "EMNIST", train=0, test=20), levels=256)
    assert dataset.image.shape == (1, 5, 6)
    parts = (dataset.train.images, dataset.valid.images, dataset.test.images)
    assert rows(*parts) == rows(some_images(20, seed=20).transpose(0, 2, 1))


def test_letters_have_names_under_underscores_too(tmp_path: Path) -> None:
    dataset = load_idx(write_set(tmp_path, prefix="emnist_letters_", num_labels=27))
    assert dataset.label_names[1:3] == ("a", "b")


def test_without_labels_there_are_none(tmp_path: Path) -> None:
    dataset = load_idx(write_set(tmp_path, labels=False))
    assert dataset.train.labels is None and dataset.label_names == ()
    with pytest.raises(ConfigError, match="has no labels") as caught:
        load_idx(tmp_path, classes="3")
    assert caught.value.errors.keys() == {"classes"}


def test_a_set_is_chosen_by_name(tmp_path: Path) -> None:
    write_set(tmp_path / "MNIST/raw", train=30)
    write_set(tmp_path / "FashionMNIST/raw", train=40)
    assert load_idx(tmp_path, variant="fashionmnist").label_names[9] == "Ankle boot"
    assert load_idx(tmp_path, variant="MNIST").sizes["train"] == 27
    for wrong in ("", "KMNIST"):
        with pytest.raises(ConfigError, match=r"holds FashionMNIST, MNIST. Choose one") as caught:
            load_idx(tmp_path, variant=wrong)
        assert caught.value.errors.keys() == {"variant"}


def test_a_home_folder_can_be_abbreviated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    write_set(tmp_path / "sets")
    assert load("idx", {"folder": " ~/sets "}).sizes["test"] == 20


@pytest.mark.parametrize(
    ("settings", "field", "message"),
    [
        ({"folder": " "}, "folder", "Folder is empty"),
        ({"classes": "12"}, "classes", "Include classes has '12'; there are the labels 0 to 9"),
        ({"classes": "cat"}, "classes", "Include classes has 'cat'"),
        ({"size": 300}, "size", "from 0 to 256"),
        ({"levels": 3}, "levels", "one of 2, 4, 16, 256"),
        ({"valid_percent": 0}, "valid_percent", "above 0 and at most 40"),
        ({"subset": -1}, "subset", "from 0 to"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, settings: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load("idx", {"folder": str(write_set(tmp_path)), **settings})
    assert caught.value.errors.keys() == {field} and message in caught.value.errors[field]


def test_classes_that_leave_too_little_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path, train=8)
    with pytest.raises(ConfigError, match=r"no image in train-images-idx3-ubyte.gz has such a label"):
        load_idx(tmp_path, classes="9")
    with pytest.raises(DataError, match="leaves 1 image, too few"):
        load_idx(tmp_path, classes="3")


def test_files_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    write_set(tmp_path)
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", np.arange(59))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte.gz holds 59 labels, but .* 60 images"):
        load_idx(tmp_path)
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", some_images(60))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte.gz holds grey images, not labels"):
        load_idx(tmp_path)
    write_set(tmp_path)
    write_idx(tmp_path / "t10k-images-idx3-ubyte.gz", some_images(20, 9, 9))
    with pytest.raises(DataError, match=r"images of 6×5 pixels, but t10k-images-idx3-ubyte.gz of 9×9"):
        load_idx(tmp_path)


def test_images_too_large_must_be_resized(tmp_path: Path) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", some_images(5, 300, 20))
    with pytest.raises(ConfigError, match=r"height is 300 pixels; it must be 1 to 256. Resize"):
        load_idx(tmp_path)
    assert load_idx(tmp_path, size=30).image.shape == (1, 30, 2)


def test_resizing_to_more_than_memory_should_hold_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_set(tmp_path)
    monkeypatch.setattr(idx, "MAX_BYTES", 54 * 12 * 10 - 1)
    with pytest.raises(
        ConfigError, match=r"Resize to height is 12: .*Choose a smaller size or fewer training images"
    ) as caught:
        load_idx(tmp_path, size=12)
    assert caught.value.errors.keys() == {"size"}
    assert load_idx(tmp_path, size=12, subset=53).sizes["train"] == 53


def packed(shape: tuple[int, ...], content: bytes | None = None) -> bytes:
    """A gzipped IDX file of a number of zeros; 1 GiB of them takes a thousandth."""
    header = bytes([0, 0, 8, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    return gzip.compress(header + bytes(math.prod(shape)) if content is None else header + content, 1)


@pytest.mark.parametrize(
    ("images", "labels", "settings", "message"),
    [
        ((8_000, 64, 64), 60, {}, "holds 60 labels, but .* 8000 images"),
        ((8, 2000, 2000), 8, {}, "2000"),
        ((1, 1, 32_000_000), 1, {}, "at most 4096 per side"),
        ((0, 4096, 4096), 0, {}, "holds no images"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_before_anything_is_unpacked(
    tmp_path: Path, images: tuple[int, ...], labels: int, settings: dict[str, Any], message: str
) -> None:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed(images))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(packed((labels,)))
    tracemalloc.start()
    try:
        with pytest.raises((DataError, ConfigError), match=message):
            load("idx", {"folder": str(tmp_path), **settings})
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_resizing_while_reading_is_resizing(tmp_path: Path) -> None:
    images = some_images(40, 300, 450)
    write_idx(tmp_path / "train-images-idx3-ubyte", images)
    dataset = load_idx(tmp_path, size=10, levels=256)
    assert dataset.image.shape == (1, 10, 15)
    parts = [dataset.train.images, dataset.valid.images, dataset.test.images]
    assert rows(*(part[:, 0] for part in parts)) == rows(resize(images, 10, 15))
