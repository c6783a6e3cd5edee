"""CIFAR-10 and CIFAR-100, binary and Python version, from a folder, one file or the archive as it is distributed.

The Python version is pickled; its arrays are read without unpickling (``pickled``).

Source: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images; the sets' own description of the files.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.cifar10 import LABEL_NAMES, SIDE
from gmstudio.data.dataset import DataError, Labels
from gmstudio.data.importing.formats.cifar_names import COARSE, FINE
from gmstudio.data.importing.formats.format_set import FormatSet, ImagePart
from gmstudio.data.importing.formats.layout import Layout
from gmstudio.data.importing.formats.pickled import read_pickle
from gmstudio.data.importing.formats.stored import PIECE_BYTES, Reading, shares
from gmstudio.data.importing.formats.tar_members import open_tar
from gmstudio.data.importing.formats.value_range import ValueRange
from gmstudio.data.importing.raw import Guess
from gmstudio.data.importing.settings import ReadSettings
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.data import SPLITS, SplitName
from gmstudio.system.os_errors import os_error_sentence
from gmstudio.system.regular_file import open_regular, regular_size

PIXELS = 3 * SIDE * SIDE
MAX_FILE_BYTES = 256 << 20
_NAME = re.compile(r"(?P<part>data_batch_[1-9]|test_batch|train|test)(?P<binary>\.bin)?", re.IGNORECASE)
_OWN_NAME = re.compile(r"(data_batch_[1-9]|test_batch)(\.bin)?|(train|test)\.bin", re.IGNORECASE)
_CIFAR100_MARKS = ("fine_label_names.txt", "meta")


@dataclass(frozen=True, eq=False)
class _Batch:
    """Images (n, 3072), labels and, for CIFAR-100, coarse labels of one file."""

    name: str
    images: NDArray[np.uint8]
    labels: Labels
    coarse: Labels | None

    @property
    def split(self) -> SplitName:
        return "test" if self.name.lower().startswith("test") else "train"


def cifar_files(folder: Path, names: list[str]) -> list[str]:
    """Return the names that are CIFAR's files, in order; empty where the folder holds none.

    Args:
        folder: the folder, whose name may tell that plain ``train`` and ``test`` are CIFAR-100's.
        names: names of its files.
    """
    plain = "cifar" in folder.name.lower() or any(mark in names for mark in _CIFAR100_MARKS)
    own = [name for name in names if _OWN_NAME.fullmatch(name) or (plain and _NAME.fullmatch(name))]
    binary = [name for name in own if name.lower().endswith(".bin")]
    return sorted(binary or own)


def is_cifar_file(path: Path) -> bool:
    """Test whether one file is named like one of CIFAR's."""
    return bool(_OWN_NAME.fullmatch(path.name)) or (path.suffix.lower() == ".bin" and path.stat().st_size > 0)


def read_cifar_folder(folder: Path, names: list[str], settings: ReadSettings) -> Reading[FormatSet]:
    """Read CIFAR's files in a folder.

    Raises:
        DataError: when one is damaged, or holds anything but plain arrays.
    """
    batches: list[_Batch] = []
    for number, name in enumerate(names):
        path = folder / name
        with _opened(path) as (file, size):
            reading = _read_batch(name, file, size, str(path))
            batches.append((yield from shares(reading, number / len(names), 1 / len(names))))
    return _set(batches, folder.name, settings)


def read_cifar_file(path: Path, settings: ReadSettings) -> Reading[FormatSet]:
    """Read one of CIFAR's files; see ``read_cifar_folder``."""
    with _opened(path) as (file, size):
        batch = yield from _read_batch(path.name, file, size, str(path))
    return _set([batch], path.stem, settings, split=False)


def read_cifar_tar(path: Path, settings: ReadSettings) -> Reading[FormatSet]:
    """Read the archive as it is distributed, without unpacking it on disk; see ``read_cifar_folder``."""
    batches: list[_Batch] = []
    with open_tar(path) as members:
        for member in members:
            folder, _, name = member.name.rpartition("/")
            if cifar_files(Path(folder or path.name), [name]):
                if member.size > MAX_FILE_BYTES:
                    raise DataError(
                        f"{path}, {member.name} has {member.size:,} bytes; at most {MAX_FILE_BYTES:,} are read. "
                        "Download it again."
                    )
                reading = _read_batch(name, member.file, member.size, f"{path}, {member.name}")
                batches.append((yield from shares(reading, member.done, 0.0)))
            while member.file.read(PIECE_BYTES):  # pass over other files in pieces, too
                yield member.done
            yield member.done
    if not batches:
        raise DataError(f"{path} holds no files of CIFAR-10 or CIFAR-100. Unpack it and choose the files in it.")
    return _set(batches, path.name.split(".", 1)[0], settings)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    try:
        size = regular_size(path, MAX_FILE_BYTES)
        with open_regular(path) as file:
            yield file, size
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error


def _read_batch(name: str, file: BinaryIO, size: int, origin: str) -> Reading[_Batch]:
    if name.lower().endswith(".bin"):
        return (yield from _read_records(name, file, size, origin))
    return _from_pickle(name, (yield from read_pickle(file, size, origin)), origin)


def _read_records(name: str, file: BinaryIO, size: int, origin: str) -> Reading[_Batch]:
    marks = 1 if size % (PIXELS + 1) == 0 else 2
    record = PIXELS + marks
    if not size or size % record:
        raise DataError(
            f"{origin} has {size:,} bytes, no multiple of {PIXELS + 1:,} (CIFAR-10) or {PIXELS + 2:,} (CIFAR-100): it "
            "is cut short or another file. Download it again."
        )
    content = np.empty(size, np.uint8)
    for start in range(0, size, PIECE_BYTES):
        piece = file.read(min(PIECE_BYTES, size - start))
        if len(piece) < min(PIECE_BYTES, size - start):
            raise DataError(f"{origin} is cut short. Download it again.")
        content[start : start + len(piece)] = np.frombuffer(piece, np.uint8)
        yield start / size
    records = content.reshape(-1, record)
    fine = records[:, marks - 1].astype(np.int64)
    coarse = records[:, 0].astype(np.int64) if marks == 2 else None
    return _checked(_Batch(name, records[:, marks:], fine, coarse), origin)


def _from_pickle(name: str, content: Any, origin: str) -> _Batch:
    if type(content) is not dict:
        raise DataError(f"{origin} holds no dictionary of images and labels, as CIFAR's files do. Get it again.")
    plain = {key.decode("ascii", "replace") if isinstance(key, bytes) else key: item for key, item in content.items()}
    images = plain.get("data")
    if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape != (len(images), PIXELS):
        raise DataError(
            f"{origin} holds no array 'data' of (images, {PIXELS}) bytes, as CIFAR's files do. Get it again."
        )
    coarse = plain.get("coarse_labels")
    fine = plain.get("fine_labels", plain.get("labels"))
    batch = _Batch(name, images, _labels(fine, origin), None if coarse is None else _labels(coarse, origin))
    return _checked(batch, origin)


def _labels(values: Any, origin: str) -> Labels:
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    if type(listed) is not list or not all(type(label) is int and 0 <= label < 256 for label in listed):
        raise DataError(f"{origin} holds no list of labels from 0 to 99, as CIFAR's files do. Get it again.")
    return np.array(listed, np.int64)


def _checked(batch: _Batch, origin: str) -> _Batch:
    limits = [(batch.labels, len(LABEL_NAMES) if batch.coarse is None else len(FINE))]
    limits += [] if batch.coarse is None else [(batch.coarse, len(COARSE))]
    for labels, limit in limits:
        if len(labels) != len(batch.images) or not len(labels):
            raise DataError(f"{origin} holds {len(labels)} labels for {len(batch.images)} images. Download it again.")
        if labels.max() >= limit:
            raise DataError(
                f"{origin} has a label {labels.max()}, but they go from 0 to {limit - 1}. Is it CIFAR's file?"
            )
    return batch


def _set(batches: list[_Batch], title: str, settings: ReadSettings, split: bool = True) -> FormatSet:
    batches = sorted(batches, key=lambda batch: (SPLITS.index(batch.split), batch.name))
    hundred = batches[0].coarse is not None
    if any((batch.coarse is not None) != hundred for batch in batches):
        raise DataError(f"{title} holds files of CIFAR-10 and of CIFAR-100. Keep one set in a folder.")
    variant = settings.variant.strip().lower()
    if variant not in ("", "fine", "coarse") or (variant and not hundred):
        choices = "fine or coarse" if hundred else "empty for CIFAR-10"
        raise ConfigError({"variant": f"Subset name is {settings.variant!r}; it must be {choices}."})
    coarse = variant == "coarse"
    labels = [batch.coarse if coarse and batch.coarse is not None else batch.labels for batch in batches]
    layout = Layout(SIDE, SIDE, channels=3, planes=True, transposed=settings.orientation == "transpose")
    parts = [ImagePart(batch.images, layout, ValueRange(0.0, 255.0), batch.name) for batch in batches]
    splits = np.concatenate([np.full(len(b.images), SPLITS.index(b.split), np.int8) for b in batches])
    guesses = [Guess("variant", "Labels are the 100 fine classes; “coarse” chooses the 20 superclasses.")]
    return FormatSet(
        parts,
        title,
        np.concatenate(labels),
        (COARSE if coarse else FINE) if hundred else LABEL_NAMES,
        splits if split and len({batch.split for batch in batches}) > 1 else None,
        guesses if hundred and not variant else (),
    )
