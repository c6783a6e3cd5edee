"""Images of a set, as a model sees them."""

from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.progress import Progress
from gmstudio.protocol.images import ImageSpec

MAX_BYTES = 2 << 30
"""Memory of the images of one set at most, where they are not mapped from a file."""


@dataclass(frozen=True, eq=False)
class OpenedImages:
    """Images of a set, as a model sees them.

    Args:
        images: (N, C, H, W) uint8 levels.
        image: shape and levels.
        labels: (N,) int64; None: they have none.
        label_names: label → name.
        title: short name of the set, for example ``MNIST, test``.
        conversion: sentence on the conversion; empty: there was none.
        names: file names of the images of a folder; empty: they have none.
        warnings: sentences, for example on files that could not be read.
    """

    images: NDArray[np.uint8]
    image: ImageSpec
    labels: NDArray[np.int64] | None
    label_names: tuple[str, ...]
    title: str
    conversion: str = ""
    names: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)

    def chosen(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Check numbers of images.

        Raises:
            ValueError: when there is no image of one of them.
        """
        outside = indices[(indices < 0) | (indices >= len(self))]
        if outside.size:
            raise ValueError(
                f"There is no image {int(outside[0])} in {self.title}; they go from 0 to {len(self) - 1}. Open the "
                "set again: it may have changed."
            )
        return indices


OpeningWork = Generator[Progress, None, OpenedImages]
"""Progress after each piece; returns the set."""


def check_memory(count: int, image: ImageSpec) -> None:
    """Check that images can be held in memory, before they are.

    Raises:
        ValueError: when they take more than ``MAX_BYTES``.
    """
    most = MAX_BYTES // image.num_dims
    if count > most:
        raise ValueError(
            f"{count:,} images of {image} take {count * image.num_dims / 2**30:.1f} GiB of memory; at most {most:,} "
            "are opened at once. Choose a smaller number of images."
        )
