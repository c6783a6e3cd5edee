"""Row of what the tiles draw: p or log p, contours, data, samples, p*, and the scale of colours."""

from collections.abc import Callable

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.wrapping_row import WrappingRow
from gmstudio.window.state.plane.options import ShowOptions
from gmstudio.window.state.plane.state import PlaneState

QUANTITY_TITLES = {"p": "p(x)", "log p": "log p(x)"}
POINT_TITLES = {"none": "none", "train": "training", "valid": "validation"}
TRUTH_TITLES = {"none": "not shown", "contours": "contours", "tile": "a tile"}

COMMON_TIP = (
    "The strongest colour is the same probability in all planes, the largest p* where it is known; off: each plane's "
    "own largest probability"
)


class ShowRow(WrappingRow):
    """Choices and switches of ``ShowOptions``.

    Args:
        panel: panel that names the controls and has the actions.
        state: state of the panel.
        fit: shows the whole plane.
    """

    def __init__(self, panel: Panel, state: PlaneState, fit: Callable[[], None]) -> None:
        super().__init__(panel, spacing=GRID // 2)
        self._panel, self._state = panel, state
        self.quantity = self._combo(
            "quantity", "Quantity", QUANTITY_TITLES, "Probability of each cell, or its logarithm"
        )
        self.points = self._combo("points", "Data", POINT_TITLES, "Points of the data that are drawn as dots")
        self.truth = self._combo(
            "truth_shown", "True p*", TRUTH_TITLES, "The true distribution: as contour lines, or beside"
        )
        self.contours = self._switch("contours", "Contours", "C", "contours", "Draw contour lines of p(x)")
        self.labels = self._switch("labels", "Labels", "L", "labels", "Colour the data by their labels")
        self.samples = self._switch("samples", "Samples", "S", "samples", "Draw 500 samples of each model")
        tip = "Draw other samples from each model"
        self.resample = panel.add_action("resample", "Resample", "R", state.draw_samples_again, icon="dice", tip=tip)
        self.common = self._switch("common", "Common scale", "E", "common_scale", COMMON_TIP)
        self.fit = panel.add_action("fit", "Fit", "F", fit, icon="fit", tip="Show the whole plane in all tiles")
        self.set_widgets(
            [
                self.quantity,
                self._labelled("Data", self.points),
                panel.button(self.labels),
                panel.button(self.samples),
                panel.button(self.resample, icon_only=True),
                self._labelled("p*", self.truth),
                panel.button(self.contours),
                panel.button(self.common),
            ]
        )
        self.quantity.activated.connect(lambda i: state.set_options(quantity=self.quantity.itemData(i)))
        self.points.activated.connect(lambda i: state.set_options(points=self.points.itemData(i)))
        self.truth.activated.connect(lambda i: state.set_options(truth=self.truth.itemData(i)))
        state.options_changed.connect(self.refresh)
        state.opened.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the options."""
        options: ShowOptions = self._state.options
        for combo, value in (
            (self.quantity, options.quantity),
            (self.points, options.points),
            (self.truth, options.truth),
        ):
            combo.setCurrentIndex(combo.findData(value))
        switches = (
            (self.contours, options.contours),
            (self.labels, options.labels),
            (self.samples, options.samples),
            (self.common, options.common_scale),
        )
        for action, on in switches:
            action.blockSignals(True)
            action.setChecked(on)
            action.blockSignals(False)
            for button in action.associatedObjects():
                if isinstance(button, QWidget):
                    button.update()
        labelled = any(tile.opened is not None and tile.opened.labels for tile in self._state.tiles)
        self._panel.allow(self.labels, "" if labelled or not self._state.axes else "These points have no labels.")
        on_line = len(self._state.axes) == 1
        self._panel.allow(self.contours, "A density on a line has no contours." if on_line else "")
        known = self._state.truth is not None or not self._state.axes
        self.truth.setEnabled(known)

    def _combo(self, control: str, name: str, titles: dict[str, str], tip: str) -> QComboBox:
        combo = QComboBox()
        for value, title in titles.items():
            combo.addItem(title, value)
        self._panel.name_widget(combo, control, name, tip)
        return combo

    def _switch(self, name: str, title: str, key: str, option: str, tip: str) -> QAction:
        """Action that switches a field of ``ShowOptions``."""

        def switch(on: bool) -> None:
            self._state.set_options(**{option: on})

        return self._panel.add_action(name, title, key, switch, tip=tip, checkable=True)

    def _labelled(self, text: str, field: QComboBox) -> QWidget:
        pair = QWidget()
        row = QHBoxLayout(pair)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID // 2)
        label = QLabel(text)
        label.setBuddy(field)
        row.addWidget(label)
        row.addWidget(field)
        return pair
