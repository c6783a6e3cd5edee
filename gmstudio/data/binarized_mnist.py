"""The fixed binarized MNIST: binary digits in NumPy files, sampled once, the same in all papers that use them.

Its 50,000 training, 10,000 validation and 10,000 test images are the ones on which likelihoods of binary models are
compared. The files come as ``binarized_mnist_train.npy``, ``_valid`` and ``_test``; other binary images of one size
under these names are read as well.

Source: Salakhutdinov & Murray 2008, On the Quantitative Analysis of Deep Belief Networks, ICML, section 6 (sampling
of the pixels); Larochelle & Murray 2011, The Neural Autoregressive Distribution Estimator, AISTATS, section 6 (the
splits).
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Dataset, Split
from gmstudio.data.folder import existing_folder
from gmstudio.data.idx_file import MAX_BYTES
from gmstudio.data.source import LoadProgress, Source, loaded
from gmstudio.media.levels import Images
from gmstudio.protocol.config import field
from gmstudio.protocol.data import SPLITS, SplitName
from gmstudio.protocol.images import MAX_SIDE, ImageSpec
from gmstudio.system.regular_file import open_regular

_FILE_NAME = "binarized_mnist_{}.npy"
_PIECE_PIXELS = 1 << 21
_VERSIONS = ((1, 0), (2, 0), (3, 0))


class BinarizedMnistConfig(Struct, frozen=True, kw_only=True):
    """Folder of the files, and the number of images to train on."""

    folder: Annotated[
        str,
        field("Folder", "Holds binarized_mnist_train.npy, binarized_mnist_valid.npy and binarized_mnist_test.npy."),
    ] = ""
    subset: Annotated[
        int,
        field(
            "Max. training images", "Train on at most this many images; 0: all.", ge=0, le=100_000_000, unit="images"
        ),
    ] = 0


class BinarizedMnist(Source):
    """A folder with the three NumPy files; each is a split."""

    name: ClassVar[str] = "binarized_mnist"
    title: ClassVar[str] = "Binarized MNIST (fixed)"
    summary: ClassVar[str] = (
        "Handwritten digits with one fixed binarization: the images on which papers compare the likelihoods of binary "
        "models. Read from three NumPy files in a folder."
    )
    Config: ClassVar[type[Struct]] = BinarizedMnistConfig

    @classmethod
    def load(cls, config: BinarizedMnistConfig) -> Dataset:
        """Load the images; see ``Source.load``."""
        return loaded(cls.load_pieces(config))

    @classmethod
    def load_pieces(cls, config: BinarizedMnistConfig) -> Iterator[LoadProgress | Dataset]:
        """Load the images; see ``Source.load_pieces``."""
        folder = existing_folder(config.folder, _FILE_NAME.format("train"))
        stored = {split: _map(folder / _FILE_NAME.format(split)) for split in SPLITS}
        height, width = stored["train"][1][1:]
        for split in SPLITS[1:]:
            _, (_, *sides) = stored[split]
            if sides != [height, width]:
                raise DataError(
                    f"{folder / _FILE_NAME.format(split)} holds images of {sides[0]}×{sides[1]} pixels, but "
                    f"{_FILE_NAME.format('train')} of {height}×{width}. Use files of one set."
                )
        total = sum(shape[0] for _, shape in stored.values())
        splits: dict[SplitName, Split] = {}
        for split, (values, (count, _, _)) in stored.items():
            count = min(count, config.subset or count) if split == "train" else count
            images = np.empty((count, 1, height, width), np.uint8)
            done = sum(map(len, splits.values()))
            for end in _binarize(folder / _FILE_NAME.format(split), values[:count], images):
                yield LoadProgress("load", done + end, total)
            splits[split] = Split(images)
        yield Dataset(
            source=cls.name,
            config=msgspec.to_builtins(config),
            image=ImageSpec(channels=1, height=height, width=width, levels=2),
            train=splits["train"],
            valid=splits["valid"],
            test=splits["test"],
        )


def _map(path: Path) -> tuple[NDArray[np.generic], tuple[int, int, int]]:
    """Map the array of a file, and return it with the shape (N, H, W) of its images."""
    try:
        shape, dtype = _read_header(path)
        images_shape = _image_shape(path, shape)
        if dtype.hasobject:
            raise DataError(
                f"{path} holds Python objects, which are pickled and not read. Save a plain array of 0 and 1."
            )
        if dtype.kind not in "buif":
            raise DataError(f"{path} holds values of type {dtype}; save an array of 0 and 1 (uint8, bool or float).")
        return np.load(path, mmap_mode="r", allow_pickle=False), images_shape
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{path} could not be read ({reason}). All three files of the set must be there.") from error


def _read_header(path: Path) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """Read shape and type of the array in a file, not its values."""
    try:
        with open_regular(path) as file:
            version = np.lib.format.read_magic(file)
            if version not in _VERSIONS:
                raise DataError(
                    f"{path} is no NumPy file that is read: its format has version {version[0]}.{version[1]}, "
                    "and 1.0 to 3.0 are known. Save it again."
                )
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read(file)
            if min(shape, default=0) < 0:
                raise DataError(f"{path} is damaged: its header promises the shape {shape}. Get it again.")
            promised, there = math.prod(shape) * dtype.itemsize, path.stat().st_size - file.tell()
    except DataError:
        raise
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise DataError(f"{path} is no NumPy file: {error}. Get it again.") from error
    if not dtype.hasobject and there < promised:
        raise DataError(f"{path} is cut short: it holds {there:,} of {promised:,} bytes. Get it again.")
    return shape, dtype


def _image_shape(path: Path, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """(N, H, W) of an array (N, H, W), (N, 1, H, W) or (N, H·H)."""
    sides = shape[2:] if len(shape) == 4 and shape[1] == 1 else shape[1:]
    if len(shape) == 2 and math.isqrt(shape[1]) ** 2 == shape[1]:
        sides = (math.isqrt(shape[1]),) * 2
    if len(sides) != 2 or not shape[0] or not all(1 <= side <= MAX_SIDE for side in sides):
        raise DataError(
            f"{path} has the shape {shape}; it must be (images, 28, 28), (images, 1, 28, 28) or (images, 784), with at "
            f"least one image and at most {MAX_SIDE} pixels a side."
        )
    if math.prod(shape) > MAX_BYTES:
        raise DataError(
            f"{path} has {math.prod(shape):,} pixels, more than the {MAX_BYTES:,} that are read. Keep fewer images."
        )
    return shape[0], sides[0], sides[1]


def _binarize(path: Path, stored: NDArray[np.generic], images: Images) -> Iterator[int]:
    """Fill images (N, 1, H, W) with zeros and ones, a part at a time; yields how many there are."""
    at_once = max(1, _PIECE_PIXELS // math.prod(images.shape[1:]))
    for start in range(0, len(stored), at_once):
        part = stored[start : start + at_once]
        ones = part == 1
        other = part[~(ones | (part == 0))]
        if other.size:
            raise DataError(
                f"{path} has a pixel of value {other[0]}; binary images hold 0 and 1 only. Binarize them, or read the "
                "grey originals from IDX files."
            )
        images[start : start + len(part)] = ones.reshape(-1, *images.shape[1:])
        yield start + len(part)
