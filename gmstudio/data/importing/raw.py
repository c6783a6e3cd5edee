"""Images as files hold them, before size, colour and levels are chosen.

Every reader of files (folders, archives, arrays, tables) returns a ``RawSet``; what follows (fitting, storing,
splitting) works on these alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError, Labels
from gmstudio.protocol.data import SPLITS, SplitName

Content = Literal["images", "sequences", "points"]
RawImage = NDArray[np.uint8]
"""(H, W, C): C is 1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGBA); alpha 255 is opaque."""


@dataclass(frozen=True)
class ValueAxis:
    """Scale of values that were quantized: byte b stands for low + b/255 · (high − low).

    Args:
        name: of the values, as in the header of a table; may be empty.
        low: the value of byte 0.
        high: the value of byte 255.
    """

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class Guess:
    """A choice made for the user, who can change it.

    Args:
        setting: name of the setting that decides instead.
        text: what was taken, and from what it follows, one sentence.
    """

    setting: str
    text: str


class BadImageError(DataError):
    """One image that cannot be used.

    Args:
        name: of the file or entry, as users know it.
        reason: why, a sentence with the remedy where there is one.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name}: {reason}")


class RawSet(ABC):
    """Images of files, listed but not decoded.

    Attributes:
        title: short name for lists, such as that of the folder.
        labels: (N,) int64, or None where nothing names classes.
        label_names: label → name; empty where the names are the numbers themselves.
        splits: (N,) int8 index into ``SPLITS`` of each image where the files name splits; None: they do not.
        guesses: choices that were made for the user.
        content: what the images are: pictures, sequences (1×T) or points.
        axes: scale of the values of sequences (one axis), or of the coordinates of points (two); empty for pictures.
        drops_classes: classes that lose all their images, because those are bad, are left out, and the labels counted
            anew; not where numbers of labels mean something outside this set.
        signature: value that changes with the files, where the reader knows one that is cheaper than the size and
            time of each; empty: it does not.
        remarks: what users should know beside the guesses, such as files that were passed over; sentences.
    """

    content: Content = "images"
    axes: tuple[ValueAxis, ...] = ()
    drops_classes: bool = False
    signature: str = ""
    remarks: tuple[str, ...] = ()

    def __init__(
        self,
        title: str,
        labels: Labels | None = None,
        label_names: Sequence[str] = (),
        splits: NDArray[np.int8] | None = None,
        guesses: Sequence[Guess] = (),
    ) -> None:
        self.title = title
        self.labels = labels
        self.label_names = tuple(label_names)
        self.splits = splits
        self.guesses = tuple(guesses)

    @abstractmethod
    def __len__(self) -> int:
        """Number of images, bad ones included."""

    @abstractmethod
    def name(self, index: int) -> str:
        """Name of an image for messages: path of its file within the set, or array and row."""

    @abstractmethod
    def read(self, index: int) -> RawImage:
        """Decode an image.

        Raises:
            BadImageError: when it cannot be used.
        """

    def read_reduced(self, index: int, height: int, width: int) -> RawImage:
        """Decode an image for a smaller size: it may be reduced, to no less than this many rows and columns.

        Raises:
            BadImageError: when it cannot be used.
        """
        return self.read(index)

    def measure(self, index: int) -> tuple[int, int]:
        """(rows, columns) of an image, without decoding it where that is possible.

        Raises:
            BadImageError: when it cannot be used.
        """
        height, width, _ = self.read(index).shape
        return height, width

    @property
    def split_sizes(self) -> dict[SplitName, int]:
        """Number of images of each split that the files name; empty where they name none."""
        if self.splits is None:
            return {}
        return {split: int(np.count_nonzero(self.splits == position)) for position, split in enumerate(SPLITS)}


class RawArray(RawSet):
    """Images that lie in one array.

    Args:
        images: (N, H, W) or (N, H, W, C) uint8, possibly mapped from a file.
        origin: name of the file and array, for messages.
    """

    def __init__(
        self,
        images: NDArray[np.uint8],
        title: str,
        origin: str,
        labels: Labels | None = None,
        label_names: Sequence[str] = (),
        splits: NDArray[np.int8] | None = None,
        guesses: Sequence[Guess] = (),
    ) -> None:
        assert images.dtype == np.uint8 and images.ndim in (3, 4)
        super().__init__(title, labels, label_names, splits, guesses)
        self._images = images if images.ndim == 4 else images[..., None]
        self._origin = origin

    def __len__(self) -> int:
        return len(self._images)

    def name(self, index: int) -> str:
        """Origin and row; see ``RawSet.name``."""
        return f"{self._origin}, image {index}"

    def read(self, index: int) -> RawImage:
        """Return one image; see ``RawSet.read``."""
        return np.ascontiguousarray(self._images[index])
