"""CIFAR-10's binary files: small colour photographs in ten classes.

A file is a row of records of 3,073 bytes: a label and 32×32 pixels, first all red ones, then green, then blue.

Source: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
"""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Dataset, Labels, Split, permutation
from gmstudio.data.folder import existing_folder, is_broken_link
from gmstudio.data.label_names import chosen_labels
from gmstudio.data.source import LEVELS_TITLE, Source
from gmstudio.media.levels import Images, quantize
from gmstudio.media.resize import resize
from gmstudio.protocol.config import field
from gmstudio.protocol.images import ImageSpec
from gmstudio.system.regular_file import regular_size

SIDE = 32
CHANNELS = 3
LABEL_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_RECORD_BYTES = 1 + CHANNELS * SIDE * SIDE
_MAX_FILE_BYTES = 1 << 30
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
        folder = _find_folder(config.folder)
        images, labels = _only(*_read_training(folder), config.classes)
        test_images, test_labels = _only(*_read(folder / "test_batch.bin"), config.classes)
        held_out = max(1, round(config.valid_percent / 100 * len(images)))
        if len(images) <= held_out or not len(test_images):
            raise DataError(f"{folder} leaves {len(images)} training images, too few. Include more classes.")
        order = permutation(len(images), _SPLIT_SEED)
        train = order[held_out:][: config.subset or None]
        return Dataset(
            source=cls.name,
            config=msgspec.to_builtins(config),
            image=ImageSpec(channels=CHANNELS, height=config.size, width=config.size, levels=config.levels),
            train=_split(images[train], labels[train], config),
            valid=_split(images[order[:held_out]], labels[order[:held_out]], config),
            test=_split(test_images, test_labels, config),
            label_names=LABEL_NAMES,
        )


def _find_folder(text: str) -> Path:
    folder = existing_folder(text, "data_batch_1.bin")
    for candidate in (folder, folder / _FOLDER_NAME):
        if any(candidate.glob("data_batch_*.bin")):
            return candidate
    if (folder / "data_batch_1").exists() or (folder / "cifar-10-batches-py").is_dir():
        raise DataError(
            f"{folder} holds CIFAR-10's Python version, which is pickled and is not read. Use its binary version."
        )
    raise DataError(f"{folder} holds no data_batch_1.bin. Choose the folder of CIFAR-10's binary version.")


def _read_training(folder: Path) -> tuple[Images, Labels]:
    paths = sorted(path for path in folder.glob("data_batch_[1-5].bin") if not is_broken_link(path))
    parts = [_read(path) for path in paths]
    if not parts:
        raise DataError(f"{folder} holds no data_batch_1.bin to data_batch_5.bin. Use CIFAR-10's own file names.")
    return np.concatenate([images for images, _ in parts]), np.concatenate([labels for _, labels in parts])


def _read(path: Path) -> tuple[Images, Labels]:
    """(N, 3, 32, 32) intensities and (N,) labels of a file."""
    try:
        size = regular_size(path)
        if size > _MAX_FILE_BYTES:
            raise DataError(f"{path} has {size:,} bytes, which is no CIFAR-10 file. Use its binary version.")
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise DataError(f"{path} could not be read ({error.strerror}). Get CIFAR-10's binary version again.") from error
    if not len(content) or len(content) % _RECORD_BYTES:
        raise DataError(
            f"{path} has {len(content):,} bytes, no multiple of {_RECORD_BYTES:,}: it is cut short or no CIFAR-10 file."
        )
    records = content.reshape(-1, _RECORD_BYTES)
    labels = records[:, 0].astype(np.int64)
    if labels.max() >= len(LABEL_NAMES):
        raise DataError(f"{path} has a label {labels.max()}, but CIFAR-10's go to 9. Is it CIFAR-100?")
    return records[:, 1:].reshape(-1, CHANNELS, SIDE, SIDE), labels


def _only(images: Images, labels: Labels, classes: str) -> tuple[Images, Labels]:
    if not classes.strip(" ,"):
        return images, labels
    kept = np.isin(labels, chosen_labels(classes, LABEL_NAMES))
    return images[kept], labels[kept]


def _split(images: Images, labels: NDArray[np.int64], config: Cifar10Config) -> Split:
    if config.size != SIDE:
        flat = resize(images.reshape(-1, SIDE, SIDE), config.size, config.size)
        images = flat.reshape(-1, CHANNELS, config.size, config.size)
    return Split(np.ascontiguousarray(quantize(images, 255, config.levels)), labels)
