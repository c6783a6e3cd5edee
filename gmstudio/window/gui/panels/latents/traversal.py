"""View of the latent traversal, and helpers of the views that are rows of images."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.latents.view import LatentView
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.traversal_strip import TraversalStrip
from gmstudio.window.state.latents.state import LatentsState
from gmstudio.window.state.latents.strips import NUM_TRAVERSED

TITLE_WIDTH = 11 * GRID
STRIP_TIP = "Latent traversal: the chosen dimension varies, the others stay. Click an image, or drag, to go there."


class TraversalView(LatentView):
    """Row of images along the chosen dimension, the one that was set last."""

    def __init__(self, panel: Panel, state: LatentsState) -> None:
        super().__init__(panel)
        self._state = state
        self._captions: list[str] = []
        self.title = ElidedLabel()
        self.title.setProperty("role", "target")
        self.value = QLabel()
        self.value.setProperty("role", "muted")
        self.strip = TraversalStrip(NUM_TRAVERSED)
        self.strip.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        panel.name_widget(self.strip, "strip", "Traversal of the chosen dimension", STRIP_TIP)
        add = panel.add_action
        self.previous = add(
            "previous_dim", "Previous dimension", "K", lambda: state.step_dim(-1), icon="up", everywhere=True
        )
        self.next = add("next_dim", "Next dimension", "J", lambda: state.step_dim(1), icon="down", everywhere=True)
        self._lay_out(panel)
        state.run_changed.connect(self._refresh)
        state.code.values_changed.connect(self._refresh)
        state.code.dim_changed.connect(self._refresh)
        state.code.locks_changed.connect(self._refresh)
        state.annotations.names_changed.connect(self._refresh)
        state.strips.traversal.changed.connect(self._on_images)
        self.strip.clicked.connect(self._on_clicked)
        self.strip.scrubbed.connect(self._on_scrubbed)
        self._refresh()

    def _lay_out(self, panel: Panel) -> None:
        turn = QHBoxLayout()
        turn.setSpacing(GRID // 2)
        for action in (self.previous, self.next):
            button = flat(panel.button(action, icon_only=True))
            button.setFixedWidth(4 * GRID)
            turn.addWidget(button)
        turn.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(GRID // 4)
        words.addStretch(1)
        words.addWidget(self.title)
        words.addWidget(self.value)
        words.addLayout(turn)
        words.addStretch(1)
        self.title.setFixedWidth(TITLE_WIDTH)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addLayout(words)
        row.addWidget(self.strip, 1)

    def _refresh(self) -> None:
        state, code = self._state, self._state.code
        if not code.num_dims:
            self.title.set_words("Traverse …")
            self.value.setText("")
            self.strip.set_position(None)
            return
        value, locked = float(code.values[code.dim]), bool(code.locked[code.dim])
        self.title.set_words(f"Traverse {state.annotations.label(code.dim)}")
        self.value.setText(code.range.format(value) + (" locked" if locked else ""))
        self.strip.setEnabled(not locked)
        values, unit = state.strips.traversed, code.range.unit
        captions = [f"{round(float(value), 1):g}" for value in values]
        captions[0], captions[-1] = captions[0] + unit, captions[-1] + unit
        if captions != self._captions:
            self._captions = captions
            self.strip.set_captions(captions)
        spacing = float(values[1] - values[0])
        self.strip.set_position((value - float(values[0])) / spacing)

    def _on_images(self) -> None:
        show_images(self.strip, self._state.strips.traversal.images)

    def _on_clicked(self, index: int) -> None:
        self._set_value(float(self._state.strips.traversed[index]))

    def _on_scrubbed(self, position: float) -> None:
        low, high = self._state.code.range.near, self._state.code.range.far
        share = position / (NUM_TRAVERSED - 1)
        self._set_value(round(low + share * (high - low), 2))

    def _set_value(self, value: float) -> None:
        self._state.code.set_value(self._state.code.dim, value)


def lay_out_strip(view: QWidget, head: QHBoxLayout, body: QHBoxLayout) -> None:
    """Lay out a line of controls above a row of images."""
    column = QVBoxLayout(view)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addLayout(head)
    column.addLayout(body)


def flat(button: QToolButton) -> QToolButton:
    """Return the button, drawn flat."""
    button.setProperty("flat", True)
    return button


def show_images(strip: TraversalStrip, images: NDArray[np.uint8] | None) -> None:
    """Show (N, C, H, W) images, 0 … 255, or none."""
    strip.set_images(np.zeros((0, 1, 1, 1), np.uint8) if images is None else images)
