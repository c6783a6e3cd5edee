"""Sets of images that models are applied to: of a data set, of a folder, or given; and messages that fetch them.

The images of a set are numbered from 0; a message that names images names them by these numbers.
"""

from typing import Any

import msgspec

from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.data import SplitName
from gmstudio.protocol.images import ImageSpec

MAX_FETCHED = 4096
"""Most images of one ``FetchImages``."""


class DataImages(msgspec.Struct, frozen=True, kw_only=True, tag="data"):
    """Images of a split of a data set.

    Args:
        data: key in ``SOURCES``; empty: the data of ``run``.
        data_config: settings of the source.
        run: name of the run whose recorded data are meant; empty: none.
        split: which images.
        labels: only images with one of these labels; empty: all.
        count: number of images, from the first on; 0: all.
    """

    data: str = ""
    data_config: dict[str, Any] = {}  # msgspec copies empty defaults
    run: str = ""
    split: SplitName = "test"
    labels: tuple[int, ...] = ()
    count: int = 0


class FolderImages(msgspec.Struct, frozen=True, kw_only=True, tag="folder"):
    """Picture files of a folder and of the folders in it, or one picture file.

    Args:
        path: of the folder or file.
        count: number of images, in the order of their names; 0: all.
    """

    path: str
    count: int = 0


class GivenImages(msgspec.Struct, frozen=True, kw_only=True, tag="given"):
    """Pictures that were drawn, pasted or dropped.

    Args:
        images: (N, C, H, W) uint8, C 1 or 3, intensities 0 … 255.
        title: for display, for example ``drawing``.
    """

    images: Array
    title: str


ImageSet = DataImages | FolderImages | GivenImages


class DescribeImages(Command, frozen=True, kw_only=True):
    """Load a set of images for a model; answered with ``ImagesDescribed``.

    Args:
        run: name of the run whose images' size and levels the images are converted to; empty: they stay as they are.
        images: the set.
    """

    run: str
    images: ImageSet


class FetchImages(Command, frozen=True, kw_only=True):
    """Fetch images of a set by their numbers; answered with ``ImagesFetched``.

    Args:
        run: as in ``DescribeImages``.
        images: the set.
        indices: (n,) int64 numbers in the set, at most ``MAX_FETCHED``.
    """

    run: str
    images: ImageSet
    indices: Array


class ImagesDescribed(Event, frozen=True, kw_only=True):
    """Description of a set of images, as a model sees it.

    Args:
        title: short name of the set, for example ``MNIST, test``.
        count: number of images.
        image: shape and levels, after the conversion.
        conversion: sentence on the conversion to the model's size and levels; empty: there was none.
        labels: (N,) int64; None: the images have none.
        label_names: label → name.
        names: (n,) file names of the images of a folder; empty: they have none.
        warnings: sentences, for example on files that could not be read and are left out.
    """

    title: str
    count: int
    image: ImageSpec
    conversion: str = ""
    labels: Array | None = None
    label_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class ImagesFetched(Event, frozen=True, kw_only=True):
    """Images of a set.

    Args:
        indices: their numbers, (n,) int64.
        images: (n, C, H, W) uint8 levels.
        image: shape and levels.
        labels: (n,) int64; None: they have none.
    """

    indices: Array
    images: Array
    image: ImageSpec
    labels: Array | None = None
