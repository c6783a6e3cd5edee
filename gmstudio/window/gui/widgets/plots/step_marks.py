"""Marks of steps in a plot, for example of kept checkpoints."""

from collections.abc import Sequence
from typing import Any

import pyqtgraph  # type: ignore[import-untyped]
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

SIZE = 10
"""Pixels of the flag of a mark."""
Mark = tuple[int, QColor]


class StepMarks:
    """Dotted lines with a flag at the top.

    Args:
        plot: item of the plot.
    """

    def __init__(self, plot: Any) -> None:
        self._plot = plot
        self._lines: list[Any] = []
        self.marks: list[Mark] = []

    def set(self, marks: Sequence[Mark]) -> None:
        """Mark these steps, each in its colour, and no others."""
        if list(marks) == self.marks:
            return
        self.marks = list(marks)
        for line in self._lines:
            self._plot.removeItem(line)
        self._lines = [self._line(step, color) for step, color in marks]

    def _line(self, step: int, color: QColor) -> Any:
        pen = pyqtgraph.mkPen(color, style=Qt.PenStyle.DotLine)
        line = pyqtgraph.InfiniteLine(step, angle=90, movable=False, pen=pen)
        line.addMarker("v", position=1.0, size=SIZE)
        self._plot.addItem(line, ignoreBounds=True)
        return line
