"""View box of a plot of curves: drag to move, Shift and drag to zoom into a box, double click to follow the data."""

from collections.abc import Callable
from typing import Any

import pyqtgraph  # type: ignore[import-untyped]
from PySide6.QtCore import Qt


class CurveView(pyqtgraph.ViewBox):  # type: ignore[misc]  # pyqtgraph has no types
    """View box of a plot.

    Args:
        follow: called by a double click.
    """

    def __init__(self, follow: Callable[[], None]) -> None:
        super().__init__(enableMenu=False)
        self._follow = follow

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """Follow the data again."""
        event.accept()
        self._follow()

    def mouseDragEvent(self, event: Any, axis: int | None = None) -> None:
        """Move the view, or zoom into the box that is drawn with Shift."""
        boxed = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier) or self.rbScaleBox.isVisible()
        self.setMouseMode(self.RectMode if boxed and axis is None else self.PanMode)
        super().mouseDragEvent(event, axis)
