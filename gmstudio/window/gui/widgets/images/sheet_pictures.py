"""Pictures that a contact sheet holds: those shown last, up to a limit of memory."""

from collections import OrderedDict
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from gmstudio.media.levels import to_display
from gmstudio.window.gui.widgets.images.grid import OPAQUE

LIMIT_BYTES = 64 * 1024 * 1024
"""Memory of the pictures of a sheet: 20,000 of 28×28 pixels."""


class _Picture(NamedTuple):
    """Picture; ``image`` shows the memory of ``bgra``, (H, W, 4) uint8."""

    bgra: NDArray[np.uint8]
    image: QImage


class SheetPictures:
    """Pictures by the numbers of their images; those that were not asked for longest give way.

    Args:
        limit_bytes: memory of all; the newest stay even where they alone need more.
    """

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._pictures: OrderedDict[int, _Picture] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._pictures)

    def __contains__(self, index: object) -> bool:
        return index in self._pictures

    def clear(self) -> None:
        """Forget all."""
        self._pictures.clear()
        self._bytes = 0

    def add(self, indices: NDArray[np.int64] | tuple[int, ...], images: NDArray[Any], levels: int) -> None:
        """Keep pictures.

        Args:
            indices: (n,) numbers of the images.
            images: (n, C, H, W) integers below ``levels``, C 1 or 3.
            levels: 2 to 256.
        """
        if not len(images):
            return
        shown = to_display(images, levels)
        count, _, height, width = shown.shape
        bgra = np.full((count, height, width, 4), OPAQUE, np.uint8)
        bgra[..., :3] = np.moveaxis(shown[:, ::-1], 1, -1)
        for number, index in enumerate(map(int, indices)):
            pixels = bgra[number].copy()  # a view would keep the memory of all
            picture = QImage(pixels.data, width, height, width * 4, QImage.Format.Format_RGB32)
            before = self._pictures.pop(index, None)
            self._bytes += pixels.nbytes - (0 if before is None else before.bgra.nbytes)
            self._pictures[index] = _Picture(pixels, picture)
        while self._bytes > self._limit and len(self._pictures) > count:
            _, oldest = self._pictures.popitem(last=False)
            self._bytes -= oldest.bgra.nbytes

    def image(self, index: int) -> QImage | None:
        """Return a picture, which counts as asked for; None: it is not there."""
        picture = self._pictures.get(index)
        if picture is None:
            return None
        self._pictures.move_to_end(index)
        return picture.image

    def pixels(self, index: int) -> NDArray[np.uint8] | None:
        """Return the intensities of a picture, (3, H, W) uint8; None: it is not there."""
        picture = self._pictures.get(index)
        return None if picture is None else np.moveaxis(picture.bgra[..., 2::-1], -1, 0)
