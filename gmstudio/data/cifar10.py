"""CIFAR-10's binary files: small colour photographs in ten classes.

A file is a row of records of 3,073 bytes: a label and 32×32 pixels, first all red ones, then green, then blue.

Source: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
"""

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Dataset, Labels, Split, permutation
from gmstudio.data.folder import existing_folder, is_broken_link
from gmstudio.data.label_names import chosen_labels
from gmstudio.data.scattering import Scatter
from gmstudio.data.source import LEVELS_TITLE, LoadProgress, Source, loaded
from gmstudio.media.levels import Images, quantize
from gmstudio.media.resize import resize
from gmstudio.protocol.config import field
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.images import ImageSpec
from gmstudio.system.regular_file import open_regular, regular_size

SIDE = 32
CHANNELS = 3
LABEL_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_RECORD_BYTES = 1 + CHANNELS * SIDE * SIDE
_MAX_FILE_BYTES = 1 << 30
_PIECE_RECORDS = 512
_SPLIT_SEED = 2009
_FOLDER_NAME = "cifar-10-batches-bin"


class Cifar10Config(Struct, frozen=True, kw_only=True):
    """Choice of images, size and quantization."""

    folder: Annotated[
        str,
        field("Folder", f"Holds data_batch_1.bin … and test_batch.bin, here or in {_FOLDER_NAME} below."),
    ] = ""
    levels: Annotated[
        Literal[2, 4, 16, 256],
        field(LEVELS_TITLE, "Quantize intensities to this many levels per colour; the files have 256."),
    ] = 256
    size: Annotated[
        int,
        field(
            "Resize to",
            "Resize the images to this many rows and columns, by averaging over areas.",
            ge=1,
            le=SIDE,
            unit="pixels",
        ),
    ] = SIDE
    subset: Annotated[
        int,
        field(
            "Max. training images", "Train on at most this many images; 0: all.", ge=0, le=100_000_000, unit="images"
        ),
    ] = 0
    classes: Annotated[
        str,
        field("Include classes", "Labels to include: 3,8 or 0-4 or cat,ship; empty: all."),
    ] = ""
    valid_percent: Annotated[
        float,
        field(
            "Validation split",
            "Part of the training images held out for validation, by a fixed permutation.",
            gt=0,
            le=40,
            unit="%",
            advanced=True,
        ),
    ] = 10.0


class Cifar10(Source):
    """A folder with CIFAR-10 in its binary version; some of the five training files are enough."""

    name: ClassVar[str] = "cifar10"
    title: ClassVar[str] = "CIFAR-10"
    summary: ClassVar[str] = (
        "Colour photographs of 32×32 pixels in ten classes, from CIFAR-10's binary files in a folder."
    )
    Config: ClassVar[type[Struct]] = Cifar10Config

    @classmethod
    def load(cls, config: Cifar10Config) -> Dataset:
        """Load the images; see ``Source.load``."""
        return loaded(cls.load_pieces(config))

    @classmethod
    def load_pieces(cls, config: Cifar10Config) -> Iterator[LoadProgress | Dataset]:
        """Load the images; see ``Source.load_pieces``. Labels are read first, then each image goes to its split."""
        folder = _find_folder(config.folder)
        labels = {path: _read_labels(path) for path in (*_training_files(folder), folder / "test_batch.bin")}
        *of_training, of_test = labels.values()
        chosen, test = _chosen(np.concatenate(of_training), config.classes), _chosen(of_test, config.classes)
        held_out = max(1, round(config.valid_percent / 100 * len(chosen)))
        if len(chosen) <= held_out or not len(test):
            raise DataError(f"{folder} leaves {len(chosen)} training images, too few. Include more classes.")
        order = chosen[permutation(len(chosen), _SPLIT_SEED)]
        rows: dict[SplitName, NDArray[np.int64]] = {
            "train": order[held_out:][: config.subset or None],
            "valid": order[:held_out],
            "test": test + sum(map(len, of_training)),
        }
        images = yield from _read_splits({path: len(found) for path, found in labels.items()}, rows, config)
        every = np.concatenate([*labels.values()])
        splits = {split: Split(images[split], every[chosen]) for split, chosen in rows.items()}
        yield Dataset(
            source=cls.name,
            config=msgspec.to_builtins(config),
            image=ImageSpec(channels=CHANNELS, height=config.size, width=config.size, levels=config.levels),
            train=splits["train"],
            valid=splits["valid"],
            test=splits["test"],
            label_names=LABEL_NAMES,
        )


def _find_folder(text: str) -> Path:
    folder = existing_folder(text, "data_batch_1.bin")
    for candidate in (folder, folder / _FOLDER_NAME):
        if any(candidate.glob("data_batch_*.bin")):
            return candidate
    if (folder / "data_batch_1").exists() or (folder / "cifar-10-batches-py").is_dir():
        raise DataError(
            f"{folder} holds CIFAR-10's Python version. Read it as images of your own (source images), or use its "
            "binary version."
        )
    raise DataError(f"{folder} holds no data_batch_1.bin. Choose the folder of CIFAR-10's binary version.")


def _training_files(folder: Path) -> list[Path]:
    paths = sorted(path for path in folder.glob("data_batch_[1-5].bin") if not is_broken_link(path))
    if not paths:
        raise DataError(f"{folder} holds no data_batch_1.bin to data_batch_5.bin. Use CIFAR-10's own file names.")
    return paths


def _read_labels(path: Path) -> Labels:
    """(N,) labels of a file."""
    parts = [records[:, 0].astype(np.int64) for records in _records(path)]
    labels = np.concatenate(parts)
    if labels.max() >= len(LABEL_NAMES):
        raise DataError(
            f"{path} has a label {labels.max()}, but CIFAR-10's go to 9. Read CIFAR-100 as images of your own."
        )
    return labels


def _records(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Records (n, 3073) of a file, some at a time."""
    try:
        size = regular_size(path)
        if size > _MAX_FILE_BYTES:
            raise DataError(f"{path} has {size:,} bytes, which is no CIFAR-10 file. Use its binary version.")
        if not size or size % _RECORD_BYTES:
            raise DataError(
                f"{path} has {size:,} bytes, no multiple of {_RECORD_BYTES:,}: it is cut short or no CIFAR-10 file."
            )
        with open_regular(path) as file:
            for _ in range(0, size, _PIECE_RECORDS * _RECORD_BYTES):
                content = file.read(_PIECE_RECORDS * _RECORD_BYTES)
                yield np.frombuffer(content, np.uint8).reshape(-1, _RECORD_BYTES)
    except OSError as error:
        raise DataError(f"{path} could not be read ({error.strerror}). Get CIFAR-10's binary version again.") from error


def _chosen(labels: Labels, classes: str) -> NDArray[np.int64]:
    """Rows of these classes."""
    if not classes.strip(" ,"):
        return np.arange(len(labels))
    return np.flatnonzero(np.isin(labels, chosen_labels(classes, LABEL_NAMES)))


def _read_splits(
    files: dict[Path, int], rows: dict[SplitName, NDArray[np.int64]], config: Cifar10Config
) -> Generator[LoadProgress, None, dict[SplitName, Images]]:
    """Images (N, 3, size, size) of each split.

    Args:
        files: number of images of each file.
        rows: of each split, counted over all files.
        config: size and levels.
    """

    def convert(piece: Images) -> Images:
        if config.size != SIDE:
            piece = resize(piece.reshape(-1, SIDE, SIDE), config.size, config.size)
            piece = piece.reshape(-1, CHANNELS, config.size, config.size)
        return quantize(piece, 255, config.levels)

    total = sum(files.values())
    scatter, start = Scatter(total), 0
    images = {
        split: np.empty((len(chosen), CHANNELS, config.size, config.size), np.uint8) for split, chosen in rows.items()
    }
    for split, chosen in rows.items():
        scatter.send(chosen, images[split], convert)
    for path in files:
        for records in _records(path):
            scatter.put(start, records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE))
            start += len(records)
            yield LoadProgress("load", start, total)
    return images
