"""Images that go to their places in the splits as they are read, so that no copy of all of them is made."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.levels import Images

Convert = Callable[[Images], Images]


class Scatter:
    """Distribution of the images of a file over the splits.

    Args:
        count: number of images in the file.
    """

    def __init__(self, count: int) -> None:
        self._split = np.full(count, -1, np.int8)
        self._place = np.zeros(count, np.int64)
        self._targets: list[tuple[Images, Convert]] = []

    def send(self, rows: NDArray[np.int64], images: Images, convert: Convert) -> None:
        """Send the images in these rows of the file to a split.

        Args:
            rows: (n,) of the file, each sent once.
            images: (n, C, H, W) of the split, which are filled in this order.
            convert: what becomes of some images (m, C, H, W), each by itself.
        """
        self._split[rows] = len(self._targets)
        self._place[rows] = np.arange(len(rows))
        self._targets.append((images, convert))

    def put(self, start: int, piece: Images) -> None:
        """Distribute images (m, C, H, W) of the rows from ``start`` on."""
        splits = self._split[start : start + len(piece)]
        for position, (images, convert) in enumerate(self._targets):
            chosen = np.flatnonzero(splits == position)
            if chosen.size:
                images[self._place[start + chosen]] = convert(piece[chosen])
