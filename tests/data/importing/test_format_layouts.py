"""The same images in every layout that people have give the same array as the plainest one."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from cifar_making import cifar_batch_pickle, write_tar
from idx_making import write_idx

from gmstudio.data.importing.formats.choosing import open_format
from gmstudio.data.importing.formats.format_set import FormatSet
from gmstudio.data.importing.settings import ReadSettings

COUNT, SIDE = 12, 8


def grey() -> np.ndarray:
    """(12, 8, 8) images with every intensity from 0 to 255."""
    images = np.random.RandomState(1).permutation(COUNT * SIDE * SIDE) * 255 // (COUNT * SIDE * SIDE - 1)
    return images.reshape(COUNT, SIDE, SIDE).astype(np.uint8)


def colour() -> np.ndarray:
    """(12, 8, 8, 3) images."""
    values = np.random.RandomState(2).permutation(COUNT * SIDE * SIDE * 3) * 255 // (COUNT * SIDE * SIDE * 3 - 1)
    return values.reshape(COUNT, SIDE, SIDE, 3).astype(np.uint8)


LABELS = np.arange(COUNT) % 3


def read(path: Path, **settings: object) -> FormatSet:
    raw = open_format(path, ReadSettings(**settings))  # type: ignore[arg-type]
    assert raw is not None
    return raw


def pixels(raw: FormatSet) -> np.ndarray:
    return np.stack([raw.read(index) for index in range(len(raw))])


def npy(array: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        np.save(folder / "pictures.npy", array)
        return folder / "pictures.npy"

    return write


def npz(packed: bool = False, **arrays: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (np.savez_compressed if packed else np.savez)(folder / "pictures.npz", **arrays)
        return folder / "pictures.npz"

    return write


def mat(packed: bool = True, **arrays: np.ndarray) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        scipy.io.savemat(folder / "pictures.mat", arrays, do_compression=packed)
        return folder / "pictures.mat"

    return write


def text(name: str, delimiter: str, *, label: str = "", header: str = "", values: np.ndarray | None = None) -> Callable:
    def write(folder: Path) -> Path:
        rows = (grey() if values is None else values).reshape(COUNT, -1)
        lines = [header] if header else []
        for row, number in zip(rows, LABELS, strict=True):
            fields = [f"{value:g}" for value in row]
            fields = [str(number), *fields] if label == "first" else fields
            fields = [*fields, str(number)] if label == "last" else fields
            lines.append(delimiter.join(fields))
        content = ("\n".join(lines) + "\n").encode()
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return folder / name

    return write


def idx(name: str, images: np.ndarray, labels: bool = True) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = write_idx(folder / name, images)
        if labels:
            write_idx(path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1")), LABELS)
        (path.parent / ("._" + path.name)).write_bytes(b"\0\5\x16\7")
        return folder

    return write


UNIT = grey() / 255
KAGGLE = "label," + ",".join(f"pixel{n}" for n in range(SIDE * SIDE))
TRANSPOSED = grey().transpose(0, 2, 1)
ROWS_BY_COLUMN = TRANSPOSED.reshape(COUNT, -1)

GREY: dict[str, Callable[[Path], Path]] = {
    "npy": npy(grey()),
    "npy Fortran": npy(np.asfortranarray(grey())),
    "npy one channel last": npy(grey()[..., None]),
    "npy one channel first": npy(grey()[:, None]),
    "npy rows": npy(grey().reshape(COUNT, -1)),
    "npy int64": npy(grey().astype(np.int64)),
    "npy big-endian int16": npy(grey().astype(">i2")),
    "npy float32 0…1": npy(UNIT.astype(np.float32)),
    "npy float16 0…1": npy(UNIT.astype(np.float16)),
    "npy float64 0…255": npy(grey().astype(float)),
    "npy float 0…0.5": npy(UNIT / 2),
    "npy float −1…1": npy(UNIT * 2 - 1),
    "npy float −0.5…0.5": npy(UNIT - 0.5),
    "npz x, y": npz(x=grey(), y=LABELS),
    "npz packed": npz(True, images=grey(), labels=LABELS),
    "npz packed float": npz(True, images=UNIT, labels=LABELS),
    "npz Fortran": npz(images=np.asfortranarray(UNIT), labels=LABELS),
    "npz without names": npz(arr_0=grey(), arr_1=LABELS),
    "npz column of labels": npz(x=grey(), y=LABELS[:, None]),
    "npz one-hot": npz(x=grey(), y=np.eye(3)[LABELS]),
    "npz splits": npz(x_train=grey()[:7], y_train=LABELS[:7], x_test=grey()[7:], y_test=LABELS[7:]),
    "npz splits, other words": npz(
        trainX=grey()[:7], trainY=LABELS[:7], X_valid=grey()[7:9], Y_valid=LABELS[7:9], Xte=grey()[9:], Yte=LABELS[9:]
    ),
    "npz images and labels": npz(
        train_images=grey()[:7], train_labels=LABELS[:7], test_images=grey()[7:], test_labels=LABELS[7:]
    ),
    "mat rows": mat(X=ROWS_BY_COLUMN, Y=LABELS),
    "mat not packed": mat(False, X=ROWS_BY_COLUMN, Y=LABELS),
    "mat doubles": mat(X=ROWS_BY_COLUMN / 255, y=LABELS[:, None].astype(float)),
    "mat images last": mat(X=np.moveaxis(grey(), 0, -1), y=LABELS[:, None]),
    "mat silhouettes": mat(
        train_data=ROWS_BY_COLUMN[:7],
        train_labels=LABELS[:7, None],
        val_data=ROWS_BY_COLUMN[7:9],
        val_labels=LABELS[7:9, None],
        test_data=ROWS_BY_COLUMN[9:],
        test_labels=LABELS[9:, None],
    ),
    "csv": text("a.csv", ","),
    "csv Kaggle": text("a.csv", ",", label="first", header=KAGGLE),
    "csv label first": text("a.csv", ",", label="first"),
    "csv label last": text("a.csv", ",", label="last"),
    "csv semicolons": text("a.csv", ";", label="first"),
    "csv gzipped": text("a.csv.gz", ",", label="first", header=KAGGLE),
    "csv unit": text("a.csv", ",", values=np.round(UNIT, 4)),
    "tsv": text("a.tsv", "\t"),
    "amat": text("a.amat", " "),
    "amat with labels": text("a.amat", " ", label="last", values=np.round(UNIT, 4)),
    "amat with wide blanks": text("a.amat", "   ", label="last", values=np.round(UNIT, 4)),
    "idx": idx("train-images-idx3-ubyte", grey()),
    "idx gz below raw": idx("MNIST/raw/train-images-idx3-ubyte.gz", grey()),
    "idx emnist": idx("emnist-letters-train-images-idx3-ubyte.gz", TRANSPOSED),
    "idx emnist with underscores": idx("emnist_letters_train_images_idx3_ubyte", TRANSPOSED),
    "idx emnist without a type": idx("emnist_letters_train_images", TRANSPOSED),
    "idx in a folder EMNIST": idx("EMNIST/train-images-idx3-ubyte", TRANSPOSED),
    "idx in a folder emnist/raw": idx("emnist/raw/train-images-idx3-ubyte.gz", TRANSPOSED),
    "idx MNIST beside EMNIST": idx("EMNIST and MNIST/MNIST/raw/train-images-idx3-ubyte.gz", grey()),
}
UNLABELLED = ("csv", "csv unit", "tsv", "amat")


@pytest.mark.parametrize("layout", GREY)
def test_grey_images_are_the_same_in_every_layout(tmp_path: Path, layout: str) -> None:
    folder = tmp_path / "mein Ordner — ß"
    folder.mkdir()
    raw = read(GREY[layout](folder))
    assert np.array_equal(pixels(raw)[..., 0], grey()), layout
    assert (raw.labels is None) == (layout.startswith("npy") or layout in UNLABELLED)
    assert raw.labels is None or np.array_equal(raw.labels, LABELS)


COLOUR: dict[str, Callable[[Path], Path]] = {
    "channels last": npy(colour()),
    "channels first": npy(colour().transpose(0, 3, 1, 2)),
    "Fortran": npy(np.asfortranarray(colour())),
    "float": npz(x=colour() / 255, y=LABELS),
    "planes in rows": npy(colour().transpose(0, 3, 1, 2).reshape(COUNT, -1)),
    "SVHN": mat(X=colour().transpose(1, 2, 3, 0), y=LABELS[:, None]),
    "SVHN without labels": mat(X=colour().transpose(1, 2, 3, 0)),
}


@pytest.mark.parametrize("layout", COLOUR)
def test_colour_images_are_the_same_in_every_layout(tmp_path: Path, layout: str) -> None:
    assert np.array_equal(pixels(read(COLOUR[layout](tmp_path))), colour()), layout


def cifar_images() -> np.ndarray:
    return np.random.RandomState(3).randint(0, 256, (COUNT, 32, 32, 3)).astype(np.uint8)


def records(*labels: np.ndarray) -> np.ndarray:
    planes = cifar_images().transpose(0, 3, 1, 2).reshape(COUNT, -1)
    return np.concatenate([*(label[:, None].astype(np.uint8) for label in labels), planes], axis=1)


def cifar10_binary(folder: Path) -> Path:
    place = folder / "cifar-10-batches-bin"
    place.mkdir()
    (place / "data_batch_1.bin").write_bytes(records(LABELS)[:7].tobytes())
    (place / "test_batch.bin").write_bytes(records(LABELS)[7:].tobytes())
    (place / "._data_batch_1.bin").write_bytes(b"\0")
    return folder


def cifar10_python(protocol: int) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        place = folder / "cifar-10-batches-py"
        place.mkdir()
        rows = records()
        for name, chosen in (("data_batch_1", slice(0, 7)), ("test_batch", slice(7, None))):
            content = cifar_batch_pickle(rows[chosen], {"labels": LABELS[chosen].tolist()}, protocol)
            (place / name).write_bytes(content)
        return place

    return write


def cifar10_archive(folder: Path) -> Path:
    rows = records()
    files = {
        f"cifar-10-batches-py/{name}": cifar_batch_pickle(rows[chosen], {"labels": LABELS[chosen].tolist()}, 2)
        for name, chosen in (("test_batch", slice(7, None)), ("data_batch_1", slice(0, 7)))
    }
    return write_tar(folder / "cifar-10-python.tar.gz", {"cifar-10-batches-py/readme.html": b"<html>", **files})


def cifar100_binary(folder: Path) -> Path:
    place = folder / "cifar-100-binary"
    place.mkdir()
    (place / "train.bin").write_bytes(records(LABELS + 5, LABELS)[:7].tobytes())
    (place / "test.bin").write_bytes(records(LABELS + 5, LABELS)[7:].tobytes())
    return place


def cifar100_python(folder: Path) -> Path:
    place = folder / "cifar-100-python"
    place.mkdir()
    rows = records()
    for name, chosen in (("train", slice(0, 7)), ("test", slice(7, None))):
        lists = {"fine_labels": LABELS[chosen].tolist(), "coarse_labels": (LABELS[chosen] + 5).tolist()}
        (place / name).write_bytes(cifar_batch_pickle(rows[chosen], lists, 2))
    return folder


CIFAR: dict[str, Callable[[Path], Path]] = {
    "10 binary": cifar10_binary,
    "10 Python, protocol 2": cifar10_python(2),
    "10 Python, protocol 4": cifar10_python(4),
    "10 Python, protocol 5": cifar10_python(5),
    "10 archive": cifar10_archive,
    "100 binary": cifar100_binary,
    "100 Python": cifar100_python,
}


@pytest.mark.parametrize("layout", CIFAR)
def test_cifar_is_the_same_in_every_version(tmp_path: Path, layout: str) -> None:
    path = CIFAR[layout](tmp_path)
    raw = read(path)
    assert np.array_equal(pixels(raw), cifar_images())
    assert raw.labels is not None and np.array_equal(raw.labels, LABELS)
    assert raw.split_sizes == {"train": 7, "valid": 0, "test": 5}
    assert raw.label_names[0] == ("apple" if "100" in layout else "airplane")
    if "100" in layout:
        coarse = read(path, variant="coarse")
        assert coarse.labels is not None and np.array_equal(coarse.labels, LABELS + 5)
        assert len(coarse.label_names) == 20 and len(raw.label_names) == 100


def test_one_file_of_cifar_is_enough(tmp_path: Path) -> None:
    cifar10_binary(tmp_path)
    raw = read(tmp_path / "cifar-10-batches-bin" / "data_batch_1.bin")
    assert np.array_equal(pixels(raw), cifar_images()[:7]) and raw.splits is None


def test_splits_are_named_by_the_arrays(tmp_path: Path) -> None:
    raw = read(GREY["npz splits, other words"](tmp_path))
    assert raw.split_sizes == {"train": 7, "valid": 2, "test": 3}
    (tmp_path / "npy").mkdir()
    for name, array in (
        ("x_train", grey()[:9]),
        ("y_train", LABELS[:9]),
        ("x_test", grey()[9:]),
        ("y_test", LABELS[9:]),
    ):
        np.save(tmp_path / "npy" / f"{name}.npy", array)
    raw = read(tmp_path / "npy")
    assert raw.split_sizes == {"train": 9, "valid": 0, "test": 3}
    assert np.array_equal(pixels(raw)[..., 0], grey()) and raw.labels is not None


def test_the_splits_of_mnist_pkl_are_read(tmp_path: Path) -> None:
    import pickle

    rows = UNIT.reshape(COUNT, -1).astype(np.float32)
    splits = tuple((rows[chosen], LABELS[chosen]) for chosen in (slice(0, 7), slice(7, 9), slice(9, None)))
    (tmp_path / "mnist.pkl.gz").write_bytes(gzip.compress(pickle.dumps(splits, protocol=2)))
    raw = read(tmp_path / "mnist.pkl.gz")
    assert raw.split_sizes == {"train": 7, "valid": 2, "test": 3}
    assert np.array_equal(pixels(raw)[..., 0], grey()) and np.array_equal(raw.labels, LABELS)  # type: ignore[arg-type]
