"""Blocks of pictures and of maps on the pixels of an image."""

import math
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gmstudio.protocol.scenes import Block, Maps, Pictures
from gmstudio.window.gui.scenes.titled_block import TitledBlock
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.images.heat import heat_colours

MIN_PICTURES, MAX_PICTURES = 56, 240
"""Limits of the height of pictures."""


class SceneGrid(ImageGrid):
    """Grid whose images take the room that there is: an integer scale would halve them where a pixel is missing."""

    least_share: ClassVar[float] = 0.75


class PicturesBlock(TitledBlock):
    """Grid of images."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self.grid = SceneGrid()
        super().__init__(self.grid, parent)
        self._shape = (0, 0)
        self.grid.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Pictures)
        self.write(block.title, block.note)
        self.grid.set_images(block.images.numpy())
        self.grid.set_columns(block.columns or None)
        self.grid.set_captions(list(block.captions))
        self._shape = (block.columns, int(bool(block.captions)))

    def height_for(self, width: int, room: int) -> int:
        """Height of what is drawn at a width; 0: as the text needs."""
        return _grid_height(self.grid, width, *self._shape)


class MarkedGrid(SceneGrid):
    """Grid of images in each of which one pixel is outlined.

    Attributes:
        mark: row and column of the pixel; None: none.
    """

    mark: tuple[int, int] | None = None

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the images, then the outlines."""
        super().paintEvent(event)
        if self.mark is None:
            return
        with QPainter(self) as painter:
            _, _, height, width = self.images.shape
            row, column = self.mark
            for index in range(len(self.images)):
                rect = self.image_rect(index)
                across, down = rect.width() / width, rect.height() / height
                pixel = QRectF(rect.left() + column * across, rect.top() + row * down, across, down)
                for pen in (QPen(theme().color("window"), 4), QPen(theme().color("mark"), 2)):
                    painter.setPen(pen)
                    painter.drawRect(pixel.adjusted(-1, -1, 1, 1))


class MapsBlock(TitledBlock):
    """Maps of numbers in colours of one scale, with its ends in words."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self.grid = MarkedGrid()
        super().__init__(self.grid, parent)
        self.grid.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._block: Maps | None = None
        theme().changed.connect(self._recolour)

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Maps)
        self._block = block
        self.grid.mark = block.mark
        self.grid.set_captions(list(block.captions))
        self._recolour()

    def height_for(self, width: int, room: int) -> int:
        """Height of what is drawn at a width; 0: as the text needs."""
        return _grid_height(self.grid, width, 0, int(bool(self._block and self._block.captions)))

    def _recolour(self) -> None:
        if self._block is None:
            return
        values = self._block.values.numpy()
        top = self._block.top or float(np.nanmax(values, initial=0.0)) or 1.0
        colours = heat_colours(values, top)
        ground = theme().color("border")
        colours[np.isnan(values)] = (ground.red(), ground.green(), ground.blue())
        self.grid.set_images(np.ascontiguousarray(np.moveaxis(colours, -1, 1)))
        scale = self._block.scale or f"dark: 0 · bright: {top:.2g} {self._block.unit}".strip()
        self.write(self._block.title, f"{scale} · {self._block.note}" if self._block.note else scale)


def _grid_height(grid: ImageGrid, width: int, columns: int, captions: int) -> int:
    """Height at which the images of a grid fill a width, within limits."""
    count, _, height, wide = (int(size) for size in grid.images.shape)
    if not count:
        return MIN_PICTURES
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    filled = width / columns * height / wide * rows
    return int(min(max(filled, MIN_PICTURES), MAX_PICTURES)) + rows * captions * grid.fontMetrics().height()
