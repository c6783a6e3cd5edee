"""Conditional in the Pixels panel: the distribution of the next sub-pixel, and the draw of its value."""

import html
import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.media.levels import grey_values
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.names import shortened, subscript, where
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.plots.cdf_strip import CdfStrip
from gmstudio.window.gui.widgets.plots.distribution_bars import DistributionBars
from gmstudio.window.gui.widgets.plots.distribution_paint import other_model_color
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider, fit_width
from gmstudio.window.state.pixels.snapshot import PixelSnapshot, entropy_nats, tempered
from gmstudio.window.state.pixels.state import PixelsState

BARS_TIP = (
    "Conditional distribution of the next sub-pixel given the earlier ones, at temperature 1. Click a bar, or type its "
    "value on the keyboard, to choose the value yourself and continue from there. Ctrl+click, or Ctrl+Return, shows "
    "the saliency of the value's log-probability without placing it. With many values: the wheel, + and − zoom, "
    "Shift+wheel and Page Up and Down scroll; P5, P25, P50, P75 and P95 are marked, and the components of a mixture."
)
CDF_TIP = (
    "Inverse transform sampling: [0, 1) is divided into one CDF interval per value, as wide as its (tempered) "
    "probability; the value whose interval contains the uniform random number u is sampled."
)
TEMPERATURE_TIP = (
    "Sharpens (below 1) or flattens (above 1) each conditional before a value is sampled: p^(1/T), normalized. 0 "
    "always takes the most likely value. It applies from the next sub-pixel on: those already sampled stay until you "
    "continue from an earlier one. −log p is always that of temperature 1."
)
SEED_TIP = (
    "Fixes the uniform numbers that the values are sampled with. It applies from the next sub-pixel on: those already "
    "sampled stay until you continue from an earlier one."
)


def shades_of(levels: int, channel: int, channels: int) -> NDArray[np.uint8]:
    """(L, 3) RGB of each level of a channel alone."""
    table = grey_values(levels)
    shades = np.zeros((levels, 3), np.uint8)
    shades[:, slice(None) if channels == 1 else channel] = table[:, None] if channels == 1 else table
    return shades


class ConditionalView(ActiveWidget):
    """Bars, the CDF intervals, entropy, temperature and seed.

    Args:
        panel: gets the actions.
        session: state that is shown and changed.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._session, self._navigator = session, session.navigator
        self._title = QLabel()
        self._title.setProperty("role", "target")
        self._entropy = QLabel()
        self._draw = QLabel()
        self._draw.setProperty("role", "muted")
        self.bars = DistributionBars()
        panel.name_widget(self.bars, "bars", "Distribution of the next sub-pixel", BARS_TIP)
        self.cdf = CdfStrip()
        panel.name_widget(self.cdf, "cdf", "CDF intervals and u", CDF_TIP)
        self.temperature = TypedSlider(0.0, 2.0, decimals=2)
        self.temperature.name("pixels.temperature", "Temperature", TEMPERATURE_TIP)
        self.seed = IntegerField()
        self.seed.setRange(0, MAX_SEED)
        fit_width(self.seed, "000000000")
        panel.name_widget(self.seed, "seed", "Seed", SEED_TIP)
        self.new_seed = panel.add_action(
            "new_seed",
            "New seed",
            "N",
            session.new_seed,
            icon="dice",
            tip="Choose a random seed for the next sub-pixels; a finished image is begun again",
        )
        self.fit = panel.add_action(
            "bars.fit",
            "Fit to the probability",
            "Z",
            self.bars.set_fitting,
            icon="fit",
            tip="Show only the values that hold 99.9 % of the probability, and follow them; off: all values",
            checkable=True,
            needs="All probabilities fit already.",
        )
        self.log = panel.add_action(
            "bars.log",
            "Logarithmic probabilities",
            "Y",
            self.bars.set_log,
            icon="log",
            tip="Draw the probabilities on a logarithmic scale, to distinguish unlikely values",
            checkable=True,
        )
        self._attribution, self._comparison = session.attribution, session.comparison
        self._lay_out(panel)
        self.bars.chosen.connect(session.choose)
        self.bars.attribution_wanted.connect(self._attribution.attribute_value)
        self.bars.view_changed.connect(self._refresh_view)
        self._attribution.changed.connect(self.refresh)
        self._comparison.changed.connect(self.refresh)
        self.temperature.value_changed.connect(self._on_temperature)
        self.seed.valueChanged.connect(self._navigator.set_seed)
        self._navigator.moved.connect(self.refresh)
        self._navigator.changed.connect(self.refresh)
        theme().changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self, panel: Panel) -> None:
        self._settings = QWidget()
        controls = QHBoxLayout(self._settings)
        controls.setContentsMargins(0, 0, 0, 0)
        controls.setSpacing(GRID)
        temperature_label = QLabel("Temperature")
        temperature_label.setBuddy(self.temperature.slider)
        seed_label = QLabel("Seed")
        seed_label.setBuddy(self.seed)
        controls.addWidget(temperature_label)
        controls.addWidget(self.temperature, 1)
        controls.addWidget(seed_label)
        controls.addWidget(self.seed)
        controls.addWidget(panel.button(self.new_seed, icon_only=True))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        target = QHBoxLayout()
        target.setSpacing(GRID // 2)
        target.addWidget(self._title, 1)
        self._fit_button = panel.button(self.fit, icon_only=True)
        target.addWidget(self._fit_button)
        target.addWidget(panel.button(self.log, icon_only=True))
        column.addLayout(target)
        column.addWidget(self._entropy)
        column.addWidget(self.bars, 1)
        column.addWidget(self.cdf)
        column.addWidget(self._draw)
        column.addWidget(self._settings)

    def set_settings_shown(self, shown: bool) -> None:
        """Show the row of temperature and seed, or leave it out."""
        self._settings.setVisible(shown)

    def refresh(self) -> None:
        """Show the conditional of the next sub-pixel."""
        navigator, state = self._navigator, self._navigator.state
        self.temperature.set_value(navigator.temperature)
        if self.seed.value() != navigator.seed:
            self.seed.blockSignals(True)
            self.seed.setValue(navigator.seed)
            self.seed.blockSignals(False)
        self.bars.setEnabled(navigator.usable or navigator.opening)
        if state is None or state.finished:
            self._show_none(state)
        else:
            self._show(state)

    def _show_none(self, state: PixelSnapshot | None) -> None:
        text = "" if state is None else "The image is finished. Go back to a pixel to see its distribution, or reset."
        self._title.setText("Conditional of the next sub-pixel" if state is None else "Finished")
        self._entropy.setText(" ")
        self._draw.setText(" ")
        self.bars.clear(text)
        self._refresh_view()
        self.cdf.set_shares(np.zeros(0), 0.0, None, np.zeros((0, 3), np.uint8))

    def _show(self, state: PixelSnapshot) -> None:
        navigator = self._navigator
        p = state.conditional
        q = tempered(p, navigator.temperature)
        marked = navigator.upcoming()
        channel = state.place_of(state.step)[0]
        shades = shades_of(state.spec.levels, channel, state.spec.channels)
        overlay = None if navigator.temperature == 1 else q
        other_model = self._comparison.other_model(state)
        components = self._attribution.components(state) if other_model is None else None
        self.bars.set_distribution(p, overlay, marked, shades, other_model=other_model, components=components)
        self._refresh_view()
        self.cdf.set_shares(q, state.uniform, marked, shades)
        verb = "Edit" if navigator.editing is not None else "Next"
        self._title.setText(f"{verb}: x{subscript(state.step)} at {where(state, state.step)}")
        self._entropy.setText(
            self._entropy_text(p, overlay) if other_model is None else self._both_entropies(p, other_model)
        )
        self._draw.setText(self._draw_text(state, marked))

    def _entropy_text(self, p: NDArray[np.floating], overlay: NDArray[np.floating] | None) -> str:
        entropy = entropy_nats(p)
        text = f"Entropy {entropy:.3f} nats = {entropy / math.log(2):.3f} bits"
        if overlay is not None:
            text += f"   ·   outline: T = {self._navigator.temperature:g}, {entropy_nats(overlay):.3f} nats"
        return text

    def _both_entropies(self, own: NDArray[np.floating], other_model: NDArray[np.floating]) -> str:
        """Entropies of two conditionals, with the names of the models and the colours of their bars."""
        colours = (theme().color("accent"), other_model_color())
        names = shortened(self._comparison.names())
        parts = [
            f'<span style="color:{colour.name()}">■</span> {html.escape(name)} {entropy_nats(p):.3f}'
            for name, p, colour in zip(names, (own, other_model), colours, strict=True)
        ]
        return f"Entropy {' · '.join(parts)} nats"

    def _refresh_view(self) -> None:
        """Show the zoom and the scale of the bars on the buttons."""
        self._fit_button.setVisible(self.bars.zoomable)
        self.fit.setEnabled(self.bars.zoomable)
        for action, checked in ((self.fit, self.bars.fitting), (self.log, self.bars.log)):
            action.blockSignals(True)
            action.setChecked(checked)
            action.blockSignals(False)

    def set_active(self, active: bool) -> None:
        """Request mixture components while the view is shown."""
        self._attribution.set_components_active(active)

    def _draw_text(self, state: PixelSnapshot, marked: int | None) -> str:
        if marked is None:
            return ""
        if self._navigator.planner.path.upcoming(state) is not None:
            return f"▲ next recorded value: {marked}"
        if self._navigator.temperature == 0:
            return f"▲ {marked} is the most likely value, so it is sampled"
        return f"▲ u = {state.uniform:.4f} lies in the CDF interval of {marked}, so {marked} is sampled"

    def _on_temperature(self, temperature: float) -> None:
        self._navigator.set_temperature(round(temperature, 2))
