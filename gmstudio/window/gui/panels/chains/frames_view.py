"""Images of a trajectory's frame, or the whole trajectory as a strip."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.state.chains.frames import Frames

STRIP_COLUMNS = 12


class FramesView(QWidget):
    """One trajectory: a grid of the chains' images at a frame, or a strip with a row for each chain.

    Args:
        panel: panel that names the controls.
        name: prefix of the controls' names; empty: none.
        title: of the trajectory, for the accessible names.

    Signals:
        chain_clicked: number of a chain.
        chain_hovered: number of the chain under the pointer; -1 when it leaves.
        frame_clicked: number of a frame of the strip.
    """

    chain_clicked = Signal(int)
    chain_hovered = Signal(int)
    frame_clicked = Signal(int)

    def __init__(self, panel: Panel, name: str, title: str) -> None:
        super().__init__(panel)
        self._chosen: list[int] = []
        self.heading = ElidedLabel()
        self.heading.setProperty("role", "muted")
        self.images, self.strip = ImageGrid(), ImageGrid()
        tip = "State of each chain at the frame; click one to select its chain, also in the curves."
        panel.name_widget(self.images, f"{name}images", f"States{title}", tip)
        tip = "One row for each chain, frames evenly spaced over the trajectory; click one to go there."
        panel.name_widget(self.strip, f"{name}strip", f"Strip{title}", tip)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        for widget, stretch in ((self.heading, 0), (self.images, 1), (self.strip, 1)):
            column.addWidget(widget, stretch)
        self.strip.hide()
        self.images.clicked.connect(self.chain_clicked)
        self.images.hovered.connect(self.chain_hovered)
        self.strip.clicked.connect(self._on_strip_clicked)
        self.strip.hovered.connect(lambda index: self.chain_hovered.emit(self._chain_at(index)))

    def set_strip(self, on: bool) -> None:
        """Show the strip, or the frame."""
        self.images.setVisible(not on)
        self.strip.setVisible(on)

    def show_frames(self, frames: Frames, position: int, chain: int, values: NDArray[np.float32]) -> None:
        """Show a frame, and mark it in the strip.

        Args:
            frames: the trajectory.
            position: number of the frame.
            chain: number of the selected chain; -1: none is.
            values: (M, N) of the metric that is written below the images; empty: none.
        """
        if not self.strip.isHidden():
            self._show_strip(frames, position, chain)
            return
        self.images.set_images(frames.frame(position))
        self.images.set_captions([f"{value:.4g}" for value in values[position]] if values.size else [])
        self.images.set_selected(chain)

    def _show_strip(self, frames: Frames, position: int, chain: int) -> None:
        if not len(frames):
            self._chosen = []
            self.strip.set_column_labels([])
            self.strip.set_images(frames.frame(0))
            return
        images, self._chosen = frames.strip(STRIP_COLUMNS)
        count = len(self._chosen)
        self.strip.set_columns(count)
        self.strip.set_column_labels([f"{frames.positions[i]:,}" for i in self._chosen])
        self.strip.set_images(images.reshape(-1, *images.shape[2:]))
        nearest = min(range(count), key=lambda i: abs(self._chosen[i] - position))
        self.strip.set_selected(max(chain, 0) * count + nearest)

    def _chain_at(self, index: int) -> int:
        return index // len(self._chosen) if index >= 0 and self._chosen else -1

    def _on_strip_clicked(self, index: int) -> None:
        if self._chosen:
            self.frame_clicked.emit(self._chosen[index % len(self._chosen)])
