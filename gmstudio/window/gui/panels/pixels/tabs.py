"""The further views beside the image of the Pixels panel, one tab each, in this order."""

from collections.abc import Callable

from PySide6.QtWidgets import QSizePolicy, QTabWidget, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.attribution import AttributionView
from gmstudio.window.gui.panels.pixels.comparison import CompareView
from gmstudio.window.gui.widgets.canvas.pixel_canvas import PixelCanvas
from gmstudio.window.state.pixels.state import PixelsState

View = Callable[[Panel, PixelsState, PixelCanvas], QWidget]
"""Makes a tab's content. It may lay a heat map over the canvas while it is shown, and takes it away when hidden."""

FURTHER_VIEWS: tuple[tuple[str, View], ...] = (("Looks at", AttributionView), ("Compare", CompareView))
"""Title and content of each tab."""


class Views(QTabWidget):
    """The tabs beside the image; which of them is in front never moves what stands above them."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)

    def hasHeightForWidth(self) -> bool:
        """Whatever the page in front would like: it takes the room that there is."""
        return False
