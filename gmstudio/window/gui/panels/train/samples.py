"""Newest sample grid, and the scrubber over all saved grids."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractSpinBox, QBoxLayout, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from gmstudio.window.gui.forms.editors import NumberEdit
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.data.content import are_points, draw_points
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.state.training.samples import KeptSamples

KINDS = {
    "samples": "Samples",
    "means": "Means of decoded samples",
    "reconstructions": "Reconstructions of validation images",
}
GENERATED = "Generated images G(z)"
DISPLAY_LEVELS = 256
"""Levels of saved samples."""
NARROW = 460
"""Width below which the caption does not fit beside the slider."""


class StepField(NumberEdit):
    """Field of a training step, whose arrows go from one saved grid to the next.

    Signals:
        stepped: saved step that an arrow, an arrow key or the wheel went to.
    """

    stepped = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(whole=True, low=0, parent=parent)
        self._saved: list[int] = []

    def set_saved(self, steps: Sequence[int]) -> None:
        """Set the increasing steps of the saved grids."""
        self._saved = list(steps)

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:
        """Enable steps where a grid is saved in that direction."""
        flags, at = QAbstractSpinBox.StepEnabledFlag, self._place()
        up = flags.StepUpEnabled if at[1] < len(self._saved) else flags.StepNone
        return up | (flags.StepDownEnabled if at[0] > 0 else flags.StepNone)

    def stepBy(self, steps: int) -> None:
        """Go a number of saved grids on or back."""
        before, after = self._place()
        place = min(max(after - 1 + steps if steps > 0 else before + steps, 0), len(self._saved) - 1)
        if self._saved:
            self.set_value(self._saved[place])
            self.selectAll()
            self.stepped.emit(self._saved[place])

    def _place(self) -> tuple[int, int]:
        """Number of saved grids before the typed step, and of those up to it."""
        try:
            step = int(self.value or 0)
        except ValueError:
            step = 0
        return bisect_left(self._saved, step), bisect_right(self._saved, step)


class SampleView(QWidget):
    """Sample grid with a slider over the training steps.

    Args:
        samples: state of the saved samples.
        panel: panel that names the controls and holds the actions.
    """

    def __init__(self, samples: KeptSamples, panel: Panel) -> None:
        super().__init__()
        self._samples = samples
        self._drawn: NDArray[np.uint8] | None = None
        self._grid = ImageGrid(self)
        self._grid.set_placeholder("Samples appear here while a model trains.\nChoose a family, then press Start.")
        self._caption = QLabel(self)
        self._caption.setProperty("role", "muted")
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._step = StepField(self)
        self._latest = panel.add_action(
            "latest",
            "Latest",
            "Ctrl+L",
            samples.follow,
            icon="live",
            tip="Show the newest samples, and new ones as they are drawn",
            needs="The newest samples are shown, or there are none yet.",
        )
        latest = panel.button(self._latest)
        panel.name_widget(
            self._grid, "samples", "Samples of the model", "Images sampled from the model at the step below."
        )
        panel.name_widget(
            self._slider, "samples_step", "Training step of the samples", "Training step of the saved samples."
        )
        panel.name_widget(
            self._step, "samples_typed", "Training step, typed", "Show the samples saved at this training step."
        )
        scrubber = QHBoxLayout()
        scrubber.setSpacing(8)
        scrubber.addWidget(self._slider, 1)
        scrubber.addWidget(self._step)
        scrubber.addWidget(latest)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._row.setSpacing(8)
        self._row.addWidget(self._caption)
        self._row.addLayout(scrubber, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self._grid, 1)
        layout.addLayout(self._row)
        self._slider.valueChanged.connect(self._on_slider_moved)
        self._step.editingFinished.connect(self._on_step_typed)
        self._step.stepped.connect(samples.show_step)
        samples.changed.connect(self._show)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the caption above the slider in a narrow window."""
        directions = QBoxLayout.Direction
        narrow = event.size().width() < NARROW
        self._row.setDirection(directions.TopToBottom if narrow else directions.LeftToRight)
        self._row.setSpacing(0 if narrow else 8)
        super().resizeEvent(event)

    def _on_slider_moved(self, index: int) -> None:
        self._samples.show_step(self._samples.steps[index])

    def _on_step_typed(self) -> None:
        try:
            step = self._step.value
        except ValueError:
            step = None
        if step is not None:
            self._samples.show_step(int(step))
        self._show()

    def _show(self) -> None:
        samples = self._samples
        if samples.shown is not None:
            images = samples.shown.images.numpy()
            if images is not self._drawn:
                self._drawn = images
                is_plane = len(images) > 0 and are_points(images.shape)
                self._grid.set_images(draw_points(images, DISPLAY_LEVELS) if is_plane else images)
            self._caption.setText(f"{self._kind(samples.shown.kind)}, step {samples.shown.step:,}")
        else:
            self._drawn = None
            self._grid.set_images(self._grid.images[:0])
            self._caption.setText("")
        self._show_scrubber()

    def _kind(self, kind: str) -> str:
        """Kind of the images, for the caption."""
        if self._samples.generated:
            return GENERATED
        kind = "samples" if kind == "means" and self._samples.exact else kind
        return KINDS.get(kind, kind)

    def _show_scrubber(self) -> None:
        samples = self._samples
        many = len(samples.steps) > 1
        self._step.set_saved(samples.steps)
        self._slider.setEnabled(many)
        self._step.setEnabled(many)
        self._latest.setEnabled(many and not samples.following)
        shown = samples.shown.step if samples.shown is not None else None
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, max(len(samples.steps) - 1, 0))
            if shown in samples.steps:
                self._slider.setValue(samples.steps.index(shown))
        if not self._step.hasFocus():
            self._step.set_value(shown)
