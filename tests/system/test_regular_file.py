"""Files that are no regular ones are refused at once by every reader."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gmstudio.data import load
from gmstudio.data.cifar10 import _read_labels as read_cifar
from gmstudio.data.dataset import DataError
from gmstudio.data.idx_file import read_images
from gmstudio.media import read_provenance
from gmstudio.media.png import read_grey, read_levels
from gmstudio.protocol.images import ImageSpec
from gmstudio.runs.annotations import ANNOTATIONS_NAME, read_annotations
from gmstudio.runs.manifest import MANIFEST_NAME, GroupFile, read_group, read_manifest
from gmstudio.runs.record import RECORD_NAME, RunError, read_record
from gmstudio.system.regular_file import open_regular, regular_size
from gmstudio.window.gui.picture_source import read_picture

IMAGE = ImageSpec(1, 2, 3, 4)
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")


def test_a_regular_file_is_opened_and_its_size_known(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    assert regular_size(path) == 5
    with open_regular(path, 5) as file:
        assert file.read() == b"12345"
    with pytest.raises(OSError, match="5 bytes, and at most 4"):
        regular_size(path, 4)


def test_a_folder_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="it is a folder, not a file"):
        regular_size(tmp_path)


READERS: dict[str, tuple[str, Callable[[Path], Any], type[Exception]]] = {
    "levels": ("x.png", lambda path: read_levels(str(path), IMAGE), ValueError),
    "grey": ("x.png", lambda path: read_grey(str(path), IMAGE), ValueError),
    "provenance of a PNG": ("x.png", read_provenance, OSError),
    "provenance of an MP4": ("x.mp4", read_provenance, OSError),
    "picture": ("x.png", lambda path: read_picture(str(path)), ValueError),
    "IDX": ("x", read_images, DataError),
    "CIFAR-10": ("x", read_cifar, DataError),
    "binarized MNIST": (
        "binarized_mnist_train.npy",
        lambda path: load("binarized_mnist", {"folder": str(path.parent)}),
        DataError,
    ),
    "run": (RECORD_NAME, lambda path: read_record(path.parent), RunError),
    "annotations": (ANNOTATIONS_NAME, lambda path: read_annotations(path.parent), RunError),
    "manifest": (MANIFEST_NAME, lambda path: read_manifest(path.parent, 1), RunError),
    "arrays": ("x", lambda path: read_group(path, GroupFile(0, "")), RunError),
}


@needs_pipes
@pytest.mark.parametrize("name", READERS)
def test_no_reader_waits_for_a_pipe(tmp_path: Path, name: str) -> None:
    file, read, kind = READERS[name]
    os.mkfifo(tmp_path / file)
    with pytest.raises(kind, match="it is a pipe, not a file"):
        read(tmp_path / file)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no such device")
def test_a_device_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="it is a device, not a file"):
        read_grey("/dev/zero", IMAGE)
