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


def move_view(box: pyqtgraph.ViewBox, key: int) -> bool:
    """Zoom the steps by plus and minus, and move them by left and right; return whether a key does so.

    Args:
        box: view box of a plot.
        key: pressed key, of ``Qt.Key``.
    """
    low, high = box.viewRange()[0]
    match key:
        case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
            box.scaleBy((0.8, 1.0))
        case Qt.Key.Key_Minus:
            box.scaleBy((1.25, 1.0))
        case Qt.Key.Key_Left | Qt.Key.Key_Right:
            sign = -1 if key == Qt.Key.Key_Left else 1
            box.translateBy(x=sign * 0.1 * (high - low))
        case _:
            return False
    return True
