"""Figures of the Pixels panel, −log p in nats and bits per dimension, and the surprisal of every pixel."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.names import decimal
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.canvas.pixel_canvas import Picture, PixelCanvas
from gmstudio.window.gui.widgets.images.heat import HeatLegend
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

NONE = "–"


class Figures(QWidget):
    """Three numbers: −log p so far, bits per dimension so far, and −log p of the last sub-pixel.

    Args:
        panel: names the figures.
        session: state that is shown.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._navigator = session.navigator
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(GRID)
        grid.setVerticalSpacing(0)
        self.total = self._figure(panel, grid, 0, "total", "−log p so far", "Nats of all sub-pixels placed so far")
        self.bits = self._figure(panel, grid, 1, "bits", "bits per dimension", "Bits per sub-pixel placed so far")
        self.last = self._figure(panel, grid, 2, "last", "last sub-pixel", "−log p of the sub-pixel placed last, nats")
        self._navigator.moved.connect(self.refresh)
        self.refresh()

    def _figure(self, panel: Panel, grid: QGridLayout, column: int, control: str, title: str, tip: str) -> QLabel:
        label = QLabel(title)
        label.setProperty("role", "muted")
        value = QLabel(NONE)
        value.setProperty("role", "target")
        panel.name_widget(value, control, title, f"{tip}; always at temperature 1.")
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(label, 0, column)
        grid.addWidget(value, 1, column)
        grid.setColumnStretch(column, 1)
        return value

    def refresh(self) -> None:
        """Show the numbers."""
        state = self._navigator.shown
        if state is None or not state.step:
            for label in (self.total, self.bits, self.last):
                label.setText(NONE)
            return
        self.total.setText(f"{decimal(state.total_nats, 2)} nats")
        self.bits.setText(decimal(state.bits_per_dim, 4))
        self.last.setText(last_text(state))


def last_text(state: PixelSnapshot) -> str:
    """Value and surprisal of the sub-pixel placed last."""
    channel, row, column = state.place_of(state.step - 1)
    return f"{state.image[channel, row, column]}: {decimal(float(state.nats[-1]), 3)} nats"


class SurprisalView(QWidget):
    """The small view: surprisal of every pixel while the large one shows the image, and the other way round.

    Args:
        panel: names the controls.
    """

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        self.canvas = PixelCanvas()
        self.canvas.set_heat(True)
        self.canvas.set_show_context(False)
        panel.name_widget(
            self.canvas, "heat.view", "Surprisal per pixel", "−log p of each pixel, summed over channels."
        )
        self.legend = HeatLegend()
        panel.name_widget(self.legend, "heat.legend", "Colour scale of the surprisal", "−log p per pixel, in nats.")
        self._title = QLabel()
        self._title.setProperty("role", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID, GRID, GRID, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self._title)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.legend)
        self.set_swapped(False)

    def set_swapped(self, swapped: bool) -> None:
        """Show the image here, because the large view shows the surprisal."""
        self.canvas.set_heat(not swapped)
        subject = "Large: surprisal" if swapped else "Surprisal"
        self._title.setText(f"{subject} (−log p) of each pixel given the earlier ones")

    def set_picture(self, picture: Picture | None) -> None:
        """Show a picture, or none."""
        self.canvas.set_picture(picture)
        if picture is not None:
            self.legend.set_top(picture.top)
