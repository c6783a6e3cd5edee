"""Sources load a piece at a time, in bounded memory, to the same images as at once."""

import gzip
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from idx_making import write_idx

from gmstudio.data import DataError, Dataset, Progress, load, load_pieces
from gmstudio.data.idx_file import read_images

RANDOM = np.random.RandomState(0)


def idx_folder(folder: Path) -> dict[str, Any]:
    write_idx(folder / "train-images-idx3-ubyte.gz", RANDOM.randint(0, 256, (6000, 60, 60), dtype=np.uint8))
    write_idx(folder / "train-labels-idx1-ubyte.gz", np.arange(6000) % 10)
    return {"source": "idx", "levels": 256}


def idx_folder_resized(folder: Path) -> dict[str, Any]:
    return {**idx_folder(folder), "size": 15}


def cifar_folder(folder: Path) -> dict[str, Any]:
    for name in ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"):
        records = RANDOM.randint(0, 256, (2500, 3073), dtype=np.uint8)
        records[:, 0] %= 10
        (folder / name).write_bytes(records.tobytes())
    return {"source": "cifar10"}


def binarized_folder(folder: Path) -> dict[str, Any]:
    for split in ("train", "valid", "test"):
        np.save(folder / f"binarized_mnist_{split}.npy", RANDOM.randint(0, 2, (3000, 784)).astype(np.float64))
    return {"source": "binarized_mnist"}


MAKERS = (idx_folder, idx_folder_resized, cifar_folder, binarized_folder)


@pytest.mark.parametrize("make", MAKERS)
def test_loading_in_pieces(tmp_path: Path, make: Callable[[Path], dict[str, Any]]) -> None:
    settings = {**make(tmp_path), "folder": str(tmp_path)}
    source = settings.pop("source")
    tracemalloc.start()
    try:
        *pieces, dataset = load_pieces(source, settings)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert isinstance(dataset, Dataset) and dataset.fingerprint == load(source, settings).fingerprint
    progress = [piece for piece in pieces if isinstance(piece, Progress)]
    assert len(progress) == len(pieces) >= 3
    assert [piece.done for piece in progress] == sorted({piece.done for piece in progress})
    assert progress[-1].done == progress[-1].total
    size = sum(split.images.nbytes for split in (dataset.train, dataset.valid, dataset.test))
    assert peak < 1.2 * size + (16 << 20), "no copy of all images of the files"


def test_loading_can_be_ended_midway(tmp_path: Path) -> None:
    pieces = load_pieces("idx", {"folder": str(tmp_path), "levels": idx_folder(tmp_path)["levels"]})
    assert isinstance(next(pieces), Progress)
    pieces.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(pieces)


def test_a_gzip_file_that_unpacks_to_more_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "train-images-idx3-ubyte.gz"
    header = bytes([0, 0, 8, 3]) + struct.pack(">3I", 1000, 28, 28)
    path.write_bytes(gzip.compress(header + bytes(50_000_000)))

    def fail(*_: object) -> int:
        raise AssertionError("nothing behind the header is unpacked")

    monkeypatch.setattr(gzip.GzipFile, "readinto", fail)
    with pytest.raises(DataError, match=r"continues after the 1000×28×28 bytes"):
        read_images(path)
