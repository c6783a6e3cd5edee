"""Conditioning in the Pixels panel: a real image from the run's data, its observed part, and the outcome."""

import math
from dataclasses import replace

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.protocol.data import SPLIT_TITLES, SPLITS, DataBrowsed
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.conditioning_settings import ConditioningSettings
from gmstudio.window.gui.panels.pixels.heat_maps import plain_picture, scrolled
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.canvas.pixel_canvas import PixelCanvas
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.state.data.page import PAGE_SIZE
from gmstudio.window.state.pixels.conditioning import PRESETS, Conditioning
from gmstudio.window.state.pixels.masks import ReconstructionError
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

IMAGES_HEIGHT = 12 * GRID
PICK_TIP = "Click an image to observe a part of it; the model generates the rest."
PRESET_TIP = "Observed part of a real image: it stays fixed, and the model generates the rest conditioned on it."


class ConditioningView(ActiveWidget):
    """The observed part, images to choose from, and the reconstruction error.

    Args:
        panel: gets the actions.
        session: state that is shown and changed.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._session, self._conditioning = session, session.conditioning
        self.preset = QComboBox()
        for preset, title in PRESETS.items():
            self.preset.addItem(title, preset)
        panel.name_widget(self.preset, "condition.preset", "Observed part", PRESET_TIP)
        self.split = QComboBox()
        for split in SPLITS:
            self.split.addItem(SPLIT_TITLES[split].capitalize(), split)
        self.split.setCurrentIndex(self.split.findData("valid"))
        panel.name_widget(self.split, "condition.split", "Split", "Split of the data set to choose a real image from.")
        self.settings = ConditioningSettings(panel, session)
        self.images = ImageGrid()
        panel.name_widget(self.images, "condition.images", "Real images", PICK_TIP)
        self._range = QLabel()
        self._range.setProperty("role", "muted")
        self._outcome = QLabel()
        self._outcome.setWordWrap(True)
        self._outcome.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.original, self.completion = PixelCanvas(), PixelCanvas()
        for canvas in (self.original, self.completion):
            canvas.set_show_context(False)
        panel.name_widget(self.original, "condition.original", "Original", ORIGINAL_TIP)
        panel.name_widget(self.completion, "condition.completion", "Completion", COMPLETION_TIP)
        panel.name_widget(self._outcome, "condition.outcome", "Reconstruction error", OUTCOME_TIP)
        self._add_actions(panel)
        self._lay_out(panel)
        self.preset.currentIndexChanged.connect(
            lambda _index: self._conditioning.choose_preset(self.preset.currentData())
        )
        self.split.currentIndexChanged.connect(lambda _index: self._browse(0))
        self.images.clicked.connect(session.condition_on)
        session.images.changed.connect(self._show_data)
        for signal in (session.changed, session.navigator.opened, session.navigator.moved, self._conditioning.changed):
            signal.connect(self.refresh)
        self._show_data()
        self.refresh()

    def _add_actions(self, panel: Panel) -> None:
        self._previous = panel.add_action(
            "condition.previous",
            "Previous images",
            "",
            lambda: self._page(-1),
            icon="left",
            tip="Previous images",
            needs="There are no images before these.",
        )
        self._next = panel.add_action(
            "condition.next",
            "Next images",
            "",
            lambda: self._page(1),
            icon="right",
            tip="Next images",
            needs="There are no images after these.",
        )
        self._clear = panel.add_action(
            "condition.none",
            "Empty image",
            "",
            self._session.clear_conditioning,
            icon="close",
            tip="Condition on nothing: begin again from an empty image",
            needs="No image is observed.",
        )

    def _lay_out(self, panel: Panel) -> None:
        top = QHBoxLayout()
        top.addWidget(self.preset, 1)
        top.addWidget(panel.button(self._clear, icon_only=True))
        pages = QHBoxLayout()
        pages.addWidget(self.split)
        pages.addWidget(self._range, 1)
        pages.addWidget(panel.button(self._previous, icon_only=True))
        pages.addWidget(panel.button(self._next, icon_only=True))
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(GRID, GRID, GRID, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(top)
        column.addWidget(self.settings)
        column.addLayout(pages)
        pictures = QGridLayout()
        pictures.setHorizontalSpacing(GRID)
        pictures.setVerticalSpacing(GRID // 4)
        for place, (title, widget) in enumerate(
            (("choose one", self.images), ("original", self.original), ("completion", self.completion))
        ):
            label = QLabel(title)
            label.setProperty("role", "muted")
            pictures.addWidget(label, 0, place)
            pictures.addWidget(widget, 1, place)
            pictures.setColumnStretch(place, 2 if widget is self.images else 1)
            widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
            widget.setMinimumHeight(IMAGES_HEIGHT)
        pictures.setRowStretch(1, 1)
        column.addLayout(pictures, 1)
        column.addWidget(self._outcome)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.addWidget(scrolled(content))

    def load(self) -> None:
        """Fetch images, if there are none yet."""
        images = self._session.images
        if images.data is None and not images.browsing and self._session.run:
            self._browse(0)

    def set_active(self, active: bool) -> None:
        """Fetch images to choose from."""
        if active:
            self.load()

    def refresh(self) -> None:
        """Show the observed part, the possible presets, and the reconstruction error."""
        conditioning, state, data = self._conditioning, self._session.state, self._session.images.data
        self.preset.blockSignals(True)
        self.preset.setCurrentIndex(list(PRESETS).index(conditioning.preset))
        self.preset.blockSignals(False)
        self._show_possible_presets()
        if self.active and self._session.navigator.usable and not self._session.images.problem:
            self.load()  # after a change of the run
        image = conditioning.image
        self._clear.setEnabled(image is not None)
        on_page = image is not None and data is not None and image.split == data.split
        self.images.set_selected(image.index - data.start if on_page and image and data else -1)
        self._outcome.setMinimumHeight(2 * self._outcome.fontMetrics().lineSpacing())  # nothing moves at the end
        self._outcome.setText(outcome_text(conditioning, state) if state is not None else "")
        self._show_pair(self._session.navigator.shown)

    def _show_pair(self, state: PixelSnapshot | None) -> None:
        """Show the original and the completion so far, at one size."""
        image = self._conditioning.image
        if image is None or state is None or image.original.shape != state.spec.shape:
            self.original.set_picture(None)
            self.completion.set_picture(None)
            return
        observed = self._conditioning.observed_mask(state).any(axis=0)
        completion = replace(plain_picture(state, np.zeros_like(state.context), None), observed=np.asarray(observed))
        whole = np.ones_like(completion.placed)
        self.completion.set_picture(completion)
        self.original.set_picture(replace(completion, image=image.original, placed=whole))

    def _show_possible_presets(self) -> None:
        model = self.preset.model()
        assert isinstance(model, QStandardItemModel), "a combo box without a model of its own has a standard one"
        problems = {preset: self._conditioning.problem_of(preset) for preset in PRESETS}
        for row, problem in enumerate(problems.values()):
            model.item(row).setEnabled(not problem)
            self.preset.setItemData(row, problem, Qt.ItemDataRole.ToolTipRole)
        reasons = " ".join(dict.fromkeys(problem for problem in problems.values() if problem))
        self.preset.setToolTip(f"{PRESET_TIP} {reasons}".strip())

    def _show_data(self) -> None:
        data = self._session.images.data
        self._previous.setEnabled(data is not None and data.start > 0)
        if data is None:
            self._next.setEnabled(False)
            self._range.setText("")
            self.images.set_images(self.images.images[:0])
            self.images.set_placeholder(self._session.images.problem or "Loading the run's data …")
            return
        shown, size = data.images.shape[0], data.sizes.get(data.split, 0)
        self._next.setEnabled(data.start + shown < size)
        self._range.setText(f"{data.start + 1}–{data.start + shown} of {size:,}" if shown else "no images")
        self.images.set_placeholder("There are no images in this split; choose another one.")
        self.images.set_levels_images(data.images.numpy(), data.image.levels)
        self.images.setAccessibleDescription(_labels(data))
        self.refresh()

    def _on_preset_chosen(self, _index: int) -> None:
        self._conditioning.choose_preset(self.preset.currentData())

    def _browse(self, start: int) -> None:
        self._session.browse(self.split.currentData(), start)

    def _page(self, direction: int) -> None:
        data = self._session.images.data
        if data is not None:
            self._browse(max(0, data.start + direction * PAGE_SIZE))


def outcome_text(conditioning: Conditioning, state: PixelSnapshot) -> str:
    """Sentence about the reconstruction error of a finished image; empty while it is not finished."""
    reconstruction_error = conditioning.reconstruction_error(state)
    if reconstruction_error is None:
        return ""
    now, noisy = reconstruction_error
    text = f"Generated {now.count:,} of {state.num_dims:,}: {_reconstruction_error_text(now)}"
    return f"{text}; noisy input: {_reconstruction_error_text(noisy)}." if noisy.differing else f"{text}."


def _reconstruction_error_text(reconstruction_error: ReconstructionError) -> str:
    share = reconstruction_error.differing / reconstruction_error.count
    if not reconstruction_error.differing:
        return "identical to the original"
    psnr = f", PSNR {reconstruction_error.psnr_db:.1f} dB" if math.isfinite(reconstruction_error.psnr_db) else ""
    rmse = f"RMSE {reconstruction_error.rmse:.3f}"
    return f"{reconstruction_error.differing:,} differ from the original ({share:.1%}), {rmse}{psnr}"


def _labels(data: DataBrowsed) -> str:
    if data.labels is None or not data.label_names:
        return ""
    return ", ".join(data.label_names[label] for label in data.labels.numpy().tolist())


ORIGINAL_TIP = "The whole real image; dashes surround its observed part."
COMPLETION_TIP = "The observed part, and what the model generated of the rest so far."
OUTCOME_TIP = (
    "Over the sub-pixels that were not observed: how many differ from the original, the root mean square error of "
    "values from 0 to 1, and the peak signal-to-noise ratio."
)
