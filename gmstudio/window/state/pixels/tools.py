"""What clicking and dragging on the image does: go to a pixel, edit one, paint an order or a hole."""

from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.pixels.strokes import BRUSHES, Strokes, brush_at

Tool = Literal["go", "edit", "order", "hole"]
Painting = Literal["order", "hole"]


class PixelTools(QObject):
    """The tool in hand and what was painted with it.

    Attributes:
        tool: ``go``: a click goes to a pixel; ``edit``: it changes one; ``order``, ``hole``: dragging paints.
        brush: side of the brush, pixels.
        order: what was painted to come first.
        hole: what was painted to be generated anew.

    Signals:
        changed: tool, brush, or what is painted.
        painted: a painting is another (``order`` or ``hole``), and nobody is in the middle of a stroke.
    """

    changed = Signal()
    painted = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tool: Tool = "go"
        self.brush = BRUSHES[1]
        self.order = Strokes()
        self.hole = Strokes()

    def begin_image(self, shape: tuple[int, int]) -> None:
        """Images are (H, W) from now on; what was painted on others is forgotten."""
        if self.order.shape != shape:
            self.order, self.hole = Strokes(shape), Strokes(shape)
            self.changed.emit()

    def set_tool(self, tool: Tool) -> None:
        """Take another tool in hand."""
        if tool != self.tool:
            self.tool = tool
            self.changed.emit()

    def set_brush(self, size: int) -> None:
        """Take a larger or smaller brush, pixels."""
        self.brush = size
        self.changed.emit()

    @property
    def painting(self) -> Painting | None:
        """What dragging paints now; None: nothing."""
        return self.tool if self.tool in ("order", "hole") else None

    def strokes(self, painting: Painting) -> Strokes:
        """What was painted of one kind."""
        return self.order if painting == "order" else self.hole

    def begin_stroke(self, erases: bool) -> None:
        """The brush touches the image, to paint or to take paint away."""
        if self.painting is not None:
            self.strokes(self.painting).begin(erases=erases)

    def paint(self, row: int, column: int) -> None:
        """The brush is at a pixel."""
        if self.painting is not None:
            strokes = self.strokes(self.painting)
            strokes.extend(brush_at(row, column, self.brush, strokes.shape))
            self.changed.emit()

    def end_stroke(self) -> None:
        """The brush is lifted."""
        if self.painting is not None:
            self.painted.emit(self.painting)

    def undo(self, painting: Painting) -> None:
        """Take the last stroke of a painting back."""
        self.strokes(painting).undo()
        self.changed.emit()
        self.painted.emit(painting)

    def clear(self, painting: Painting) -> None:
        """Take all of a painting back."""
        self.strokes(painting).clear()
        self.changed.emit()
        self.painted.emit(painting)

    def fill(self, painting: Painting, top: int, left: int, height: int, width: int) -> None:
        """Paint a rectangle in one stroke."""
        strokes = self.strokes(painting)
        mask = np.zeros(strokes.shape, np.bool_)
        mask[top : top + height, left : left + width] = True
        strokes.begin()
        strokes.extend(np.flatnonzero(mask).tolist())
        self.changed.emit()
        self.painted.emit(painting)
