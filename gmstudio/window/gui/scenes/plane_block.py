"""Block of a plane: a canvas whose handles, guides and clicks are inputs."""

from PySide6.QtWidgets import QWidget

from gmstudio.protocol.scenes import Block, Plane
from gmstudio.window.gui.scenes.titled_block import Edits, TitledBlock
from gmstudio.window.gui.widgets.plane.plane_canvas import PlaneCanvas

LEAST, MOST = 260, 640
"""Limits of the height of a plane."""
ROOM_SHARE = 0.8
"""Part of the visible height that a plane takes at most."""


class PlaneBlock(TitledBlock):
    """Plane with layers; an input of handles is (N, 2), of a guide (1,), of a click (2,).

    Args:
        edits: takes the places.
    """

    adjustable = True

    def __init__(self, edits: Edits, parent: QWidget | None = None) -> None:
        self.canvas = PlaneCanvas()
        super().__init__(self.canvas, parent)
        self._edits, self._block = edits, Plane(title="", x=self.canvas.axes[0], y=self.canvas.axes[1], layers=())
        self.canvas.wheel_needs_focus = True
        self.canvas.handle_moved.connect(self._on_moved)
        self.canvas.guide_moved.connect(self._on_moved)
        self.canvas.clicked.connect(self._on_clicked)

    def set_block(self, block: Block) -> None:
        """Show a block of this kind."""
        assert isinstance(block, Plane)
        self._block = block
        self.write(block.title, block.note)
        self.canvas.set_axes(block.x, block.y, square=block.square)
        self.canvas.set_layers(block.layers)

    def confirm(self, name: str) -> None:
        """Return handles and guides of an input to their places."""
        self.canvas.confirm(name)

    def height_for(self, width: int, room: int) -> int:
        """As high as wide, up to the room."""
        return max(LEAST, min(width, round(ROOM_SHARE * room), MOST))

    def _on_moved(self, name: str) -> None:
        self._edits.send(name, self.canvas.handle_points(name))

    def _on_clicked(self, x: float, y: float) -> None:
        if self._block.click:
            self._edits.send(self._block.click, [x, y])
