"""Time travel page: one slider over the training moves curves, samples, reconstructions, latent map and model."""

import numpy as np
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.runs.travel_curves import TravelCurves
from gmstudio.window.gui.panels.runs.travel_text import map_title, model_text, samples_title
from gmstudio.window.gui.panels.runs.travel_transport import TravelTransport
from gmstudio.window.gui.run_chooser import RunChooser
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.projection.image_map import ImageMap
from gmstudio.window.gui.widgets.projection.map_colours import class_codes
from gmstudio.window.state.runs.state import RunsState
from gmstudio.window.state.runs.travel import TravelState

EXPLORE = "All panels explore this model"
EXPLORE_TIP = (
    "Let every panel use the weights of the checkpoint that is nearest to the step shown here, once the slider rests. "
    "Return to newest ends that."
)
SAMPLES_TIP = "Samples that were drawn and saved while the run trained: those of the latest step that has any."
PAIRS_TIP = "Fixed validation images, and below each its reconstruction by the checkpoint that is nearest."
MAP_TIP = (
    "Codes of fixed validation images by the nearest checkpoint, coloured by label. The axes stay the same from step "
    "to step. Drag to pan, turn the wheel to zoom."
)
NO_CODES = "This family has no codes to map: it does not encode images."
NO_PAIRS = "This family reconstructs nothing: it does not encode images."
PAIR_COLUMNS = 6
NO_IMAGES, NO_PLACES = np.zeros((0, 1, 1, 1), np.uint8), np.zeros((0, 2), np.float32)


class TravelPage(ActiveWidget):
    """Run and slider above; curves and samples, reconstructions and map below.

    Args:
        panel: that it belongs to.
        state: of the panel.
    """

    def __init__(self, panel: Panel, state: RunsState) -> None:
        super().__init__(panel)
        self._panel, self._runs = panel, state
        self._state = state.page(TravelState)
        self.run = RunChooser(state.library, "")
        panel.name_widget(self.run, "travel_run", "Run", "Run whose training is shown.")
        self.explore = QCheckBox(EXPLORE)
        self.explore.setChecked(self._state.explores)
        panel.name_widget(self.explore, "travel_explore", EXPLORE, EXPLORE_TIP)
        panel.remember(self.explore)
        self.transport = TravelTransport(panel, self._state)
        self.where = ElidedLabel()
        panel.name_widget(self.where, "travel_where", "What is shown", "")
        self.curves = TravelCurves(panel, self._state)
        self.samples, self.pairs, self.map = ImageGrid(), ImageGrid(), ImageMap()
        panel.name_widget(self.samples, "travel_samples", "Saved samples", SAMPLES_TIP)
        panel.name_widget(self.pairs, "travel_pairs", "Reconstructions", PAIRS_TIP)
        panel.name_widget(self.map, "travel_map", "Latent map", MAP_TIP)
        self.map.set_with_images(False)
        self._titles = {name: ElidedLabel() for name in ("curves", "samples", "pairs", "map")}
        self._fitted = ""
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        label = QLabel("Run")
        label.setBuddy(self.run)
        first = QHBoxLayout()
        first.setSpacing(GRID)
        first.addWidget(label)
        first.addWidget(self.run, 1)
        first.addWidget(self.explore)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID)
        grid.addWidget(self._cell("curves", self.curves), 0, 0)
        grid.addWidget(self._cell("samples", self.samples), 0, 1)
        grid.addWidget(self._cell("pairs", self.pairs), 1, 0)
        grid.addWidget(self._cell("map", self.map), 1, 1)
        for place, share in ((0, 1), (1, 1)):
            grid.setColumnStretch(place, share)
            grid.setRowStretch(place, share)
        page = QVBoxLayout(self)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(GRID)
        page.addLayout(first)
        page.addWidget(self.transport)
        page.addWidget(self.where)
        page.addLayout(grid, 1)

    def _cell(self, name: str, widget: QWidget) -> QWidget:
        """A view below its title, of a size that does not depend on what it shows."""
        widget.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        widget.setMinimumSize(QSize(20 * GRID, 14 * GRID))
        cell = QWidget()
        column = QVBoxLayout(cell)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        self._titles[name].setProperty("role", "muted")
        column.addWidget(self._titles[name])
        column.addWidget(widget, 1)
        return cell

    def _connect(self) -> None:
        self.run.chosen.connect(self._runs.choose_run)
        self._runs.run_changed.connect(self._show_run)
        self.explore.toggled.connect(self._state.set_explores)
        self._state.moved.connect(self._show_words)
        self._state.changed.connect(self.refresh)

    def set_active(self, active: bool) -> None:
        """Request only while the page is on the screen."""
        if active:
            if not self._runs.run:
                self._runs.choose_run(self.run.current())
            self._show_run()
        self._state.set_active(active)
        if active:
            self.refresh()

    def picture_details(self) -> dict[str, str]:
        """Step whose pictures are saved."""
        return {"step": f"{self._state.at:,}"}

    def _show_run(self) -> None:
        if self._runs.run:
            self.run.choose(self._runs.run)

    def _show_words(self) -> None:
        state = self._state
        self.where.set_words(state.problem or model_text(state))
        titles = {
            "curves": "Curves",
            "samples": samples_title(state),
            "pairs": "Validation images, and below each its reconstruction" if state.looks else "Reconstructions",
            "map": map_title(state),
        }
        for name, text in titles.items():
            self._titles[name].set_words(text)

    def refresh(self) -> None:
        """Show what arrived."""
        self._show_words()
        state = self._state
        if state.samples is not None:
            self.samples.set_images(state.samples.images.numpy())
        else:
            self.samples.set_images(NO_IMAGES)
            self.samples.set_placeholder("No samples were saved." if state.opened is not None else "")
        self._show_pairs()
        self._show_map()

    def _show_pairs(self) -> None:
        """Rows of originals with their reconstructions below."""
        shown = self._state.shown
        if shown is None:
            self.pairs.set_images(NO_IMAGES)
            self.pairs.set_placeholder("" if self._state.looks or not self._state.run else NO_PAIRS)
            return
        originals, reconstructions = shown.originals.numpy(), shown.reconstructions.numpy()
        rows = [
            part[start : start + PAIR_COLUMNS]
            for start in range(0, len(originals), PAIR_COLUMNS)
            for part in (originals, reconstructions)
        ]
        self.pairs.set_columns(PAIR_COLUMNS)
        self.pairs.set_images(np.concatenate(rows))

    def _show_map(self) -> None:
        shown = self._state.shown
        codes = shown.codes if shown is not None else None
        if codes is None:
            if shown is None:
                self.map.set_places(NO_PLACES)
                self.map.set_placeholder("" if self._state.looks or not self._state.run else NO_CODES)
            return  # the map of the checkpoint before stays until the next one is there
        places = codes.places.numpy()
        basis = f"{self._state.run} {codes.fitted_at}"
        self.map.set_places(places, fit=basis != self._fitted)
        self._fitted = basis
        labels = codes.labels.numpy() if codes.labels is not None else None
        self.map.set_colours(class_codes(labels, len(places)))
        self.map.set_axes(*codes.axes)
