"""Pixels painted by hand, stroke by stroke, with undo: an order, or a mask."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Content = tuple[tuple[bool, tuple[int, ...]], ...]
BRUSHES = (1, 2, 3, 5, 8)
"""Side of the brush's square, pixels."""


def brush_at(row: int, column: int, size: int, shape: tuple[int, int]) -> list[int]:
    """Flat indices of the pixels under a square brush, row by row, within the image.

    Args:
        row: of the pixel at its centre; with an even size, of the one right below the centre.
        column: likewise.
        size: side, pixels.
        shape: (H, W).
    """
    height, width = shape
    top, left = row - size // 2, column - size // 2
    rows = range(max(0, top), min(height, top + size))
    columns = range(max(0, left), min(width, left + size))
    return [r * width + c for r in rows for c in columns]


class Strokes:
    """Strokes on an image.

    Args:
        shape: (H, W).
    """

    def __init__(self, shape: tuple[int, int] = (0, 0)) -> None:
        self.shape = shape
        self._strokes: list[tuple[bool, list[int]]] = []

    def __len__(self) -> int:
        """Number of strokes that can be undone."""
        return len(self._strokes)

    def begin(self, *, erases: bool = False) -> None:
        """Begin a stroke that paints or erases."""
        self._strokes.append((erases, []))

    def extend(self, pixels: Iterable[int]) -> None:
        """Add pixels to the stroke: flat indices in the order of painting."""
        if not self._strokes:
            self.begin()
        self._strokes[-1][1].extend(pixels)

    @property
    def content(self) -> Content:
        """The strokes: whether each erases, and its pixels."""
        return tuple((erases, tuple(pixels)) for erases, pixels in self._strokes)

    def restore(self, content: Content) -> None:
        """Return to earlier strokes."""
        self._strokes = [(erases, list(pixels)) for erases, pixels in content]

    def undo(self) -> None:
        """Undo the last stroke."""
        if self._strokes:
            self._strokes.pop()

    def clear(self) -> None:
        """Undo all strokes."""
        self._strokes.clear()

    def painted(self) -> list[int]:
        """Flat indices of the painted pixels, each once, in the order in which they were painted first."""
        found: dict[int, None] = {}
        for erases, pixels in self._strokes:
            for pixel in pixels:
                if erases:
                    found.pop(pixel, None)
                else:
                    found.setdefault(pixel)
        return list(found)

    def mask(self) -> NDArray[np.bool_]:
        """(H, W) bool: painted pixels."""
        mask = np.zeros(self.shape[0] * self.shape[1], np.bool_)
        mask[self.painted()] = True
        return mask.reshape(self.shape)

    def ranks(self) -> NDArray[np.float32]:
        """(H, W): 0, 1, 2 … in the order of painting; pixels that are not painted rank after all of them."""
        painted = self.painted()
        ranks = np.full(self.shape[0] * self.shape[1], len(painted), np.float32)
        ranks[painted] = np.arange(len(painted), dtype=np.float32)
        return ranks.reshape(self.shape)
