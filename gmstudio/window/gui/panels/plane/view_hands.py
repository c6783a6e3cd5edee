"""Handles and lines of a view on a canvas: dragging them sets inputs of the view."""

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QObject

from gmstudio.window.gui.widgets.plane.plane_canvas import PlaneCanvas
from gmstudio.window.state.plane.state import PlaneState


class ViewHands(QObject):
    """Sets the inputs of a tile's view as its handles and lines are dragged; each drag is one step of the history.

    Args:
        canvas: that has them.
        state: state of the panel.
        run: returns the name of the run whose view is on the canvas.
    """

    def __init__(self, canvas: PlaneCanvas, state: PlaneState, run: Callable[[], str]) -> None:
        super().__init__(canvas)
        self._canvas, self._state, self._run = canvas, state, run
        self._gesture = 0
        canvas.handle_moved.connect(self._on_handle)
        canvas.guide_moved.connect(self._on_guide)
        canvas.handle_released.connect(self._on_released)
        canvas.guide_released.connect(self._on_released)

    def _on_handle(self, name: str, index: int, x: float, y: float) -> None:
        points = self._canvas.handle_points(name).copy()
        points[index] = (x, y)
        self._state.set_input(self._run(), name, points, gesture=self._gesture)

    def _on_guide(self, name: str, value: float) -> None:
        self._state.set_input(self._run(), name, np.array([value]), gesture=self._gesture)

    def _on_released(self) -> None:
        self._gesture += 1
