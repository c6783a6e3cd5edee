"""Widgets of the blocks of a scene; each is updated in place while the scene keeps its shape."""

import math
from typing import ClassVar

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFormLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.protocol.scenes import Bars, Block, Curves, Maps, Numbers, Pictures, Sentence
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.images.heat import heat_colours
from gmstudio.window.gui.widgets.plots.grouped_bars import GroupedBars
from gmstudio.window.gui.widgets.plots.line_plot import LinePlot, PlotLine

PLOT_HEIGHT = 170
MIN_PICTURES, MAX_PICTURES = 56, 240
"""Limits of the height of pictures."""


class TitledBlock(QWidget):
    """Heading, content, and a line below."""

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.content, self.note = ElidedLabel(self), content, ElidedLabel(self)
        self.title.setProperty("role", "heading")
        self.note.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        for widget in (self.title, content, self.note):
            column.addWidget(widget)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def write(self, title: str, note: str) -> None:
        """Set heading and note; an empty note takes no room."""
        self.title.set_words(title)
        self.note.set_words(note)
        self.note.setVisible(bool(note))
        self.content.setAccessibleName(title)


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

    def height_for(self, width: int) -> int:
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
        painter = QPainter(self)
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

    def height_for(self, width: int) -> int:
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


class CurvesBlock(TitledBlock):
    """Lines over a common axis."""

    def __init__(self, block: Curves, parent: QWidget | None = None) -> None:
        self.plot = LinePlot(block.x_title, block.y_title)
        super().__init__(self.plot, parent)

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Curves)
        self.write(block.title, "")
        lines = tuple(PlotLine(line.name, line.x.numpy(), line.y.numpy()) for line in block.lines)
        self.plot.set_lines(lines, block.x_range)

    def height_for(self, width: int) -> int:
        """Height of what is drawn at a width; 0: as the text needs."""
        return PLOT_HEIGHT


class BarsBlock(TitledBlock):
    """Groups of bars."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self.bars = GroupedBars()
        super().__init__(self.bars, parent)

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Bars)
        self.write(block.title, "")
        self.bars.set_bars(block.labels, block.series, block.values.numpy(), block.top)

    def height_for(self, width: int) -> int:
        """Height of what is drawn at a width; 0: as the text needs."""
        return PLOT_HEIGHT


class NumbersBlock(TitledBlock):
    """Table of quantities."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(QWidget(), parent)
        self._form = QFormLayout(self.content)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(2 * GRID)
        self._form.setVerticalSpacing(2)
        self.values: dict[str, QLabel] = {}

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Numbers)
        self.write(block.title, "")
        if list(self.values) != [number.name for number in block.numbers]:
            while self._form.rowCount():
                self._form.removeRow(0)
            self.values = {}
            for number in block.numbers:
                name, value = QLabel(number.name), QLabel()
                name.setProperty("role", "muted")
                value.setWordWrap(True)
                self._form.addRow(name, value)
                self.values[number.name] = value
        for number in block.numbers:
            self.values[number.name].setText(number.value)
            self.values[number.name].setToolTip(number.help)

    def height_for(self, width: int) -> int:
        """Height of what is drawn at a width; 0: as the text needs."""
        return 0


class SentenceBlock(QLabel):
    """Text of a few sentences."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Sentence)
        self.setText(block.text)
        self.setProperty("role", "" if block.finding else "muted")

    def height_for(self, width: int) -> int:
        """Height of what is drawn at a width; 0: as the text needs."""
        return 0


AnyBlock = PicturesBlock | MapsBlock | CurvesBlock | BarsBlock | NumbersBlock | SentenceBlock


def block_widget(block: Block) -> AnyBlock:
    """Create the widget for a block, without its content."""
    match block:
        case Pictures():
            return PicturesBlock()
        case Maps():
            return MapsBlock()
        case Curves():
            return CurvesBlock(block)
        case Bars():
            return BarsBlock()
        case Numbers():
            return NumbersBlock()
        case Sentence():
            return SentenceBlock()
        case _:
            raise TypeError(f"There is no widget for {type(block).__name__}.")


def _grid_height(grid: ImageGrid, width: int, columns: int, captions: int) -> int:
    """Height at which the images of a grid fill a width, within limits."""
    count, _, height, wide = (int(size) for size in grid.images.shape)
    if not count:
        return MIN_PICTURES
    columns = columns or math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    filled = width / columns * height / wide * rows
    return int(min(max(filled, MIN_PICTURES), MAX_PICTURES)) + rows * captions * grid.fontMetrics().height()
