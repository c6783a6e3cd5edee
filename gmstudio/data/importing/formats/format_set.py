"""Images of array files: parts that are mapped or in memory, one for each array."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import Labels
from gmstudio.data.importing.formats.layout import Layout
from gmstudio.data.importing.formats.stored import Reading, StoredArray, Values, empty_images
from gmstudio.data.importing.formats.value_range import ValueRange
from gmstudio.data.importing.raw import BadImageError, Content, Guess, RawImage, RawSet, ValueAxis

NOUNS: dict[Content, str] = {"images": "image", "sequences": "series", "points": "point"}
"""Word for one row of a set, for messages."""


@dataclass(frozen=True, eq=False)
class ImagePart:
    """Images of one array.

    Args:
        values: (n, …) as stored; converted when an image is read.
        layout: how a row becomes an image.
        value_range: what becomes black and white.
        origin: file and array, for messages.
        bad: rows that hold values that are not finite.
        noun: what a row is, for messages.
    """

    values: Values
    layout: Layout
    value_range: ValueRange
    origin: str
    bad: frozenset[int] = field(default_factory=frozenset)
    noun: str = NOUNS["images"]

    def read(self, row: int) -> RawImage:
        """Convert one image; see ``RawSet.read``."""
        self.check(row)
        converted = self.value_range.bytes_of(self.values[row : row + 1])
        return np.ascontiguousarray(self.layout.images(converted)[0])

    def check(self, row: int) -> None:
        """Raise ``BadImageError`` when the row holds values that are not finite."""
        if row in self.bad:
            raise BadImageError(self.name(row), "it holds NaN or infinite values; save finite ones.")

    def name(self, row: int) -> str:
        """Name of an image for messages."""
        return f"{Path(self.origin).name}, {self.noun} {row}"


class FormatSet(RawSet):
    """Images of array files.

    Args:
        content: what the rows were: pictures, sequences (1×T images) or points (1×2 images).
        axes: see ``RawSet``.
    """

    def __init__(
        self,
        parts: Sequence[ImagePart],
        title: str,
        labels: Labels | None = None,
        label_names: Sequence[str] = (),
        splits: NDArray[np.int8] | None = None,
        guesses: Sequence[Guess] = (),
        content: Content = "images",
        axes: Sequence[ValueAxis] = (),
    ) -> None:
        super().__init__(title, labels, label_names, splits, guesses)
        self.content = content
        self.axes = tuple(axes)
        self._parts = tuple(parts)
        self._ends = list(accumulate(len(part.values) for part in parts))
        assert labels is None or len(labels) == len(self)
        assert splits is None or len(splits) == len(self)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def name(self, index: int) -> str:
        """Array and row; see ``RawSet.name``."""
        part, row = self._place(index)
        return part.name(row)

    def read(self, index: int) -> RawImage:
        """Convert one image; see ``RawSet.read``."""
        part, row = self._place(index)
        return part.read(row)

    def measure(self, index: int) -> tuple[int, int]:
        """(rows, columns) of an image; see ``RawSet.measure``."""
        part, row = self._place(index)
        part.check(row)
        return part.layout.height, part.layout.width

    def _place(self, index: int) -> tuple[ImagePart, int]:
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = bisect_right(self._ends, index)
        return self._parts[number], index - (self._ends[number - 1] if number else 0)


def read_part(
    array: StoredArray, layout: Layout, value_range: ValueRange, bad: frozenset[int], content: Content
) -> Reading[ImagePart]:
    """Make a part of an array: mapped values stay where they are, others are read and converted.

    Args:
        array: of one split.
        layout: see ``ImagePart``.
        value_range: see ``ImagePart``.
        bad: see ``ImagePart``.
        content: what its rows are.

    Raises:
        DataError: when the file is damaged, or the images take too much room.
    """
    if array.values is not None:
        yield 1.0
        return ImagePart(array.values, layout, value_range, array.origin, bad, NOUNS[content])
    images = empty_images((array.shape[0], *array.shape[1:]), array.origin)
    start = 0
    for piece in array.pieces():
        images[start : start + len(piece)] = value_range.bytes_of(piece)
        start += len(piece)
        yield start / len(images)
    return ImagePart(images, layout, ValueRange(0.0, 255.0), array.origin, bad, NOUNS[content])
