"""Tools for the image: go to a pixel, edit one, paint an order or a mask."""

from contextlib import AbstractContextManager
from functools import partial
from typing import Literal

import numpy as np
from PySide6.QtCore import QObject, Signal

from gmstudio.window.state.edits import EditRecorder
from gmstudio.window.state.pixels.strokes import BRUSHES, Content, Strokes, brush_at

Tool = Literal["go", "edit", "order", "mask"]
Painting = Literal["order", "mask"]
PAINTINGS: tuple[Painting, ...] = ("order", "mask")


class PixelTools(QObject):
    """The selected tool and what was painted with it.

    Args:
        edits: recorder of the strokes; None: one of its own.

    Attributes:
        tool: ``go``: a click goes to a pixel; ``edit``: it changes one; ``order``, ``mask``: dragging paints.
        brush: side of the brush, pixels.
        order: pixels painted to come first, in sequence.
        mask: pixels painted to be generated.
        edits: recorder of the strokes.

    Signals:
        changed: tool, brush, or what is painted.
        painted: a stroke of a painting (``order`` or ``mask``) was completed or undone.
    """

    changed = Signal()
    painted = Signal(str)

    def __init__(self, parent: QObject | None = None, edits: EditRecorder | None = None) -> None:
        super().__init__(parent)
        self.tool: Tool = "go"
        self.brush = BRUSHES[1]
        self.order = Strokes()
        self.mask = Strokes()
        self.edits = EditRecorder(self) if edits is None else edits
        self._stroke = 0
        self._erases = False
        for painting in PAINTINGS:
            self.edits.add_part(
                f"{painting} strokes", partial(self._content, painting), partial(self._restore, painting)
            )

    def begin_image(self, shape: tuple[int, int]) -> None:
        """Prepare for images of size (H, W); what was painted on others is dropped."""
        if self.order.shape != shape:
            self.order, self.mask = Strokes(shape), Strokes(shape)
            self.changed.emit()

    def set_tool(self, tool: Tool) -> None:
        """Select a tool."""
        if tool != self.tool:
            self.tool = tool
            self.changed.emit()

    def set_brush(self, size: int) -> None:
        """Set the side of the brush, pixels."""
        self.brush = size
        self.changed.emit()

    @property
    def painting(self) -> Painting | None:
        """The painting that dragging adds to; None: none."""
        return self.tool if self.tool in ("order", "mask") else None

    def strokes(self, painting: Painting) -> Strokes:
        """Strokes of a painting."""
        return self.order if painting == "order" else self.mask

    def begin_stroke(self, erases: bool) -> None:
        """Begin a stroke that paints or erases."""
        if self.painting is not None:
            self._stroke, self._erases = self._stroke + 1, erases
            with self._recording(self.painting):
                self.strokes(self.painting).begin(erases=erases)

    def paint(self, row: int, column: int) -> None:
        """Move the brush over a pixel."""
        if self.painting is not None:
            strokes = self.strokes(self.painting)
            with self._recording(self.painting):
                strokes.extend(brush_at(row, column, self.brush, strokes.shape))
            self.changed.emit()

    def end_stroke(self) -> None:
        """End the stroke."""
        if self.painting is not None:
            self.painted.emit(self.painting)

    def undo(self, painting: Painting) -> None:
        """Remove the last stroke of a painting."""
        with self.edits.recording("Remove the last stroke"):
            self.strokes(painting).undo()
        self._announce(painting)

    def clear(self, painting: Painting) -> None:
        """Remove all strokes of a painting."""
        with self.edits.recording("Remove all strokes"):
            self.strokes(painting).clear()
        self._announce(painting)

    def fill(self, painting: Painting, top: int, left: int, height: int, width: int) -> None:
        """Paint a rectangle in one stroke."""
        strokes = self.strokes(painting)
        mask = np.zeros(strokes.shape, np.bool_)
        mask[top : top + height, left : left + width] = True
        with self.edits.recording("Paint a rectangle"):
            strokes.begin()
            strokes.extend(np.flatnonzero(mask).tolist())
        self._announce(painting)

    def _recording(self, painting: Painting) -> AbstractContextManager[None]:
        """Record the stroke in progress as one edit."""
        verb = "Erase in" if self._erases else "Paint"
        return self.edits.recording(f"{verb} the {painting}", key=f"{painting} {self._stroke}")

    def _content(self, painting: Painting) -> Content:
        return self.strokes(painting).content

    def _restore(self, painting: Painting, content: Content) -> None:
        self.strokes(painting).restore(content)
        self._announce(painting)

    def _announce(self, painting: Painting) -> None:
        self.changed.emit()
        self.painted.emit(painting)
