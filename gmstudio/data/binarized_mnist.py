"""The fixed binarized MNIST: binary digits in NumPy files, sampled once, the same in all papers that use them.

Its 50,000 training, 10,000 validation and 10,000 test images are the ones on which likelihoods of binary models are
compared. The files come as ``binarized_mnist_train.npy``, ``_valid`` and ``_test``; other binary images of one size
under these names are read as well.

Source: Salakhutdinov & Murray 2008, On the Quantitative Analysis of Deep Belief Networks, ICML, section 6 (sampling
of the pixels); Larochelle & Murray 2011, The Neural Autoregressive Distribution Estimator, AISTATS, section 6 (the
splits).
"""

import math
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Dataset, Split
from gmstudio.data.folder import existing_folder
from gmstudio.data.idx_file import MAX_BYTES
from gmstudio.data.source import Source
from gmstudio.media.levels import Images
from gmstudio.protocol.config import field
from gmstudio.protocol.data import SPLITS
from gmstudio.protocol.images import MAX_SIDE, ImageSpec
from gmstudio.system.regular_file import open_regular

_FILE_NAME = "binarized_mnist_{}.npy"
_CHUNK_IMAGES = 4096
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
        folder = existing_folder(config.folder, _FILE_NAME.format("train"))
        train, valid, test = (_read(folder / _FILE_NAME.format(split)) for split in SPLITS)
        for split, images in (("valid", valid), ("test", test)):
            if images.shape[1:] != train.shape[1:]:
                raise DataError(
                    f"{folder / _FILE_NAME.format(split)} holds images of {images.shape[2]}×{images.shape[3]} pixels, "
                    f"but {_FILE_NAME.format('train')} of {train.shape[2]}×{train.shape[3]}. Use files of one set."
                )
        return Dataset(
            source=cls.name,
            config=msgspec.to_builtins(config),
            image=ImageSpec(channels=1, height=train.shape[2], width=train.shape[3], levels=2),
            train=Split(train[: config.subset or None]),
            valid=Split(valid),
            test=Split(test),
        )


def _read(path: Path) -> Images:
    """Read (N, 1, H, W) zeros and ones from a file."""
    try:
        shape, dtype = _read_header(path)
        count, height, width = _image_shape(path, shape)
        if dtype.hasobject:
            raise DataError(
                f"{path} holds Python objects, which are pickled and not read. Save a plain array of 0 and 1."
            )
        if dtype.kind not in "buif":
            raise DataError(f"{path} holds values of type {dtype}; save an array of 0 and 1 (uint8, bool or float).")
        stored = np.load(path, mmap_mode="r", allow_pickle=False)
        return _binary(path, stored).reshape(count, 1, height, width)
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


def _binary(path: Path, stored: NDArray[np.generic]) -> Images:
    """Convert to uint8, a part at a time, since a file of floats may be eight times as large."""
    images = np.empty(stored.shape, dtype=np.uint8)
    for start in range(0, len(stored), _CHUNK_IMAGES):
        part = stored[start : start + _CHUNK_IMAGES]
        ones = part == 1
        other = part[~(ones | (part == 0))]
        if other.size:
            raise DataError(
                f"{path} has a pixel of value {other[0]}; binary images hold 0 and 1 only. Binarize them, or read the "
                "grey originals from IDX files."
            )
        images[start : start + _CHUNK_IMAGES] = ones
    return images
