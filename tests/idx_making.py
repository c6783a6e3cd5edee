"""Makes IDX files for the tests."""

import gzip
import struct
from pathlib import Path

import numpy as np


def idx_bytes(array: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes."""
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.astype(np.uint8).tobytes()


def some_images(count: int, height: int = 6, width: int = 5, seed: int = 0) -> np.ndarray:
    """Random grey images (count, height, width)."""
    return np.random.RandomState(seed).randint(0, 256, (count, height, width)).astype(np.uint8)


def write_idx(path: Path, array: np.ndarray) -> Path:
    """Write an array, gzipped where the name ends so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_set(
    folder: Path,
    train: int = 60,
    test: int = 20,
    prefix: str = "",
    test_word: str = "t10k",
    dot: str = "-",
    suffix: str = ".gz",
    labels: bool = True,
    num_labels: int = 10,
) -> Path:
    """Write a whole set under the usual names; a part with 0 images is left out."""
    for word, count in (("train", train), (test_word, test)):
        if count:
            write_idx(folder / f"{prefix}{word}-images{dot}idx3-ubyte{suffix}", some_images(count, seed=count))
            if labels:
                values = np.arange(count) % num_labels
                write_idx(folder / f"{prefix}{word}-labels{dot}idx1-ubyte{suffix}", values)
    return folder
