"""The image that was opened: large, with the surprisal of its pixels under each model that has one."""

import math

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from gmstudio.media.heat import heat_colours
from gmstudio.media.levels import to_display
from gmstudio.protocol.image_sets import ImagesDescribed
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.run_text import run_name
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.images.heat import HeatLegend, scale_top
from gmstudio.window.gui.widgets.scaled import scaled_px
from gmstudio.window.state.density.inspected import InspectedImage
from gmstudio.window.state.density.state import DensityState

WIDTH = 208
HINT = "Click an image to see it large, its score under each model, and the pixels that the models find surprising."
WORDS_LINES = 3


class ImageDetail(QWidget):
    """Image and maps, as large as the place allows.

    Args:
        panel: names the controls.
        state: of the panel.
        inspected: the image.
        prefix: of the controls' names, the page's.
    """

    def __init__(self, panel: Panel, state: DensityState, inspected: InspectedImage, prefix: str) -> None:
        super().__init__()
        self._state, self._inspected = state, inspected
        self._described: ImagesDescribed | None = None
        self.grid, self.legend, self.words = ImageGrid(), HeatLegend(), QLabel()
        panel.name_widget(
            self.grid,
            f"{prefix}_image",
            "Open image",
            "The image, and −log p of each of its pixels given those before it, under each autoregressive model.",
        )
        self.grid.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.grid.set_placeholder(HINT)
        self.words.setWordWrap(True)
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.words.setFixedHeight(WORDS_LINES * self.fontMetrics().lineSpacing())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.words)
        column.addWidget(self.grid, 1)
        column.addWidget(self.legend)
        self.setFixedWidth(scaled_px(self, WIDTH))
        policy = self.legend.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.legend.setSizePolicy(policy)
        inspected.changed.connect(self._show)
        self._show()

    def set_described(self, described: ImagesDescribed | None) -> None:
        """Take the labels and file names of the images."""
        self._described = described
        self._show()

    def _show(self) -> None:
        inspected = self._inspected
        self.words.setText(inspected.problem or words_of(inspected.index, self._described))
        self.words.setToolTip(self.words.text())
        fetched = inspected.fetched
        if fetched is None:
            if inspected.index < 0:
                self.grid.set_images(np.zeros((0, 1, 1, 1), np.uint8))
                self.grid.set_captions([])
                self.legend.setVisible(False)
            return
        shown = to_display(fetched.images.numpy(), fetched.image.levels)[0]
        pictures, captions = [np.broadcast_to(shown, (3, *shown.shape[1:]))], ["image"]
        nats = {run: bits.astype(np.float64) * math.log(2) for run, bits in inspected.maps.items()}
        top = scale_top(np.concatenate([np.zeros(1), *(values.ravel() for values in nats.values())]))
        for run in (run for run in self._state.runs if run in nats):
            pictures.append(heat_colours(nats[run], top).transpose(2, 0, 1))
            info = self._state.library.info(run)
            captions.append(run_name(info) if info is not None else "")
        self.grid.set_images(np.ascontiguousarray(np.stack(pictures)))
        self.grid.set_captions(captions if len(captions) > 1 else [])
        self.legend.set_top(top)
        self.legend.setVisible(bool(nats))


def words_of(index: int, described: ImagesDescribed | None) -> str:
    """Name an image: number, label, file."""
    if index < 0:
        return ""
    parts = [f"Image {index:,}"]
    if described is not None and described.labels is not None and index < described.labels.shape[0]:
        label = int(described.labels.numpy()[index])
        named = 0 <= label < len(described.label_names)
        parts.append(f"label {label}" + (f" ({described.label_names[label]})" if named else ""))
    if described is not None and index < len(described.names):
        parts.append(described.names[index])
    return " · ".join(parts)
