"""The Pixels panel's view of one conditional: the next sub-pixel's distribution, and how its value is drawn."""

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.media.levels import grey_values
from gmstudio.protocol.training_settings import MAX_SEED
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.plots.cdf_strip import CdfStrip
from gmstudio.window.gui.widgets.plots.distribution_bars import DistributionBars
from gmstudio.window.gui.widgets.plots.distribution_paint import other_model_color
from gmstudio.window.gui.widgets.sliders.typed_slider import KeyKeeper, TypedSlider, fit_width
from gmstudio.window.state.pixels.attribution import attribution_of
from gmstudio.window.state.pixels.comparison import comparison_of
from gmstudio.window.state.pixels.snapshot import PixelSnapshot, entropy_nats, tempered
from gmstudio.window.state.pixels.state import PixelsState

CHANNELS = {1: ("",), 3: ("red", "green", "blue")}
BARS_TIP = (
    "The model's distribution of the next sub-pixel given the ones before it, at temperature 1. Click a bar, or type "
    "its value on the keyboard, to choose the value yourself and go on from there. Ctrl+click, or Ctrl+Return, shows "
    "what the value's probability hangs on without placing it. With many values: the wheel, + and − zoom, Shift+wheel "
    "and Page Up and Down move along; marked are the quantiles 5, 25, 50, 75 and 95 %, and the components of a mixture."
)
CDF_TIP = (
    "How a value is drawn: the interval from 0 to 1 is cut into one share per value, as wide as its (tempered) "
    "probability; the uniform random number u falls into one of them."
)
TEMPERATURE_TIP = (
    "Sharpens (below 1) or flattens (above 1) each conditional before a value is drawn: p^(1/T), normalized. 0 always "
    "takes the most likely value. It acts on sub-pixels to come: those already drawn stay until you go on from an "
    "earlier one. −log p is always taken at temperature 1."
)
SEED_TIP = (
    "Fixes the uniform numbers that choose the values. It acts on sub-pixels to come: those already drawn stay until "
    "you go on from an earlier one."
)


def shades_of(levels: int, channel: int, channels: int) -> NDArray[np.uint8]:
    """(L, 3) RGB of each level of a channel alone."""
    table = grey_values(levels)
    shades = np.zeros((levels, 3), np.uint8)
    shades[:, slice(None) if channels == 1 else channel] = table[:, None] if channels == 1 else table
    return shades


def where(state: PixelSnapshot, step: int) -> str:
    """A sub-pixel in words, counted from 0: ``row 3, column 5, red``."""
    channel, row, column = state.place_of(step)
    colour = CHANNELS[state.spec.channels][channel]
    return f"row {row}, column {column}" + (f", {colour}" if colour else "")


class ConditionalView(QWidget):
    """Bars, the unit interval that is cut by them, entropy, temperature and seed.

    Args:
        panel: whose controls these are.
        session: what they show and change.
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
        panel.name_widget(self.cdf, "cdf", "How the value is drawn", CDF_TIP)
        self.temperature = TypedSlider(0.0, 2.0, decimals=2)
        self.temperature.name("pixels.temperature", "Temperature", TEMPERATURE_TIP)
        self.seed = IntegerField()
        self.seed.setRange(0, MAX_SEED)
        self.seed.installEventFilter(KeyKeeper(self))
        fit_width(self.seed, "000000000")
        panel.name_widget(self.seed, "seed", "Seed", SEED_TIP)
        self.new_seed = panel.add_action(
            "new_seed",
            "New seed",
            "N",
            session.new_seed,
            icon="dice",
            tip="A random seed for the sub-pixels to come; a finished image is begun again",
        )
        self.fit = panel.add_action(
            "bars.fit",
            "Fit to the probability",
            "Z",
            self.bars.set_fitting,
            icon="fit",
            tip="Show only the values that hold 99.9 % of the probability, and follow them; off: all values",
            checkable=True,
        )
        self.log = panel.add_action(
            "bars.log",
            "Logarithmic probabilities",
            "Y",
            self.bars.set_log,
            icon="log",
            tip="Draw the probabilities on a logarithmic scale, so that unlikely values can be told apart",
            checkable=True,
        )
        self._attribution, self._comparison = attribution_of(session), comparison_of(session)
        self._lay_out(panel)
        self.bars.chosen.connect(self._navigator.choose)
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
        controls = QHBoxLayout()
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
        column.addLayout(controls)

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
        doing = "Edit" if navigator.editing is not None else "Next"
        self._title.setText(f"{doing}: x{subscript(state.step)} at {where(state, state.step)}")
        self._entropy.setText(
            self._entropy_text(p, overlay) if other_model is None else _both_entropies(p, other_model)
        )
        self._draw.setText(self._draw_text(state, marked))

    def _entropy_text(self, p: NDArray[np.floating], overlay: NDArray[np.floating] | None) -> str:
        entropy = entropy_nats(p)
        text = f"Entropy {entropy:.3f} nats = {entropy / math.log(2):.3f} bits"
        if overlay is not None:
            text += f"   ·   outline: T = {self._navigator.temperature:g}, {entropy_nats(overlay):.3f} nats"
        return text

    def _refresh_view(self) -> None:
        """The buttons say how the bars are looked at."""
        self._fit_button.setVisible(self.bars.zoomable)
        self.fit.setEnabled(self.bars.zoomable)
        for action, checked in ((self.fit, self.bars.fitting), (self.log, self.bars.log)):
            action.blockSignals(True)
            action.setChecked(checked)
            action.blockSignals(False)

    def showEvent(self, event: QShowEvent) -> None:
        """Ask for mixture components while somebody looks."""
        super().showEvent(event)
        self._attribution.set_composing(True)

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks any more."""
        super().hideEvent(event)
        self._attribution.set_composing(False)

    def _draw_text(self, state: PixelSnapshot, marked: int | None) -> str:
        if marked is None:
            return ""
        if self._navigator.follows_path():
            return f"▲ {marked} stands next on the path"
        if self._navigator.temperature == 0:
            return f"▲ {marked} comes next: the most likely value"
        return f"▲ u = {state.uniform:.4f} falls into the share of {marked}: it comes next"

    def _on_temperature(self, temperature: float) -> None:
        self._navigator.set_temperature(round(temperature, 2))


def _both_entropies(own: NDArray[np.floating], other_model: NDArray[np.floating]) -> str:
    """The entropies of two conditionals, behind the colours of their bars."""
    parts = []
    for name, p, colour in (("this", own, theme().color("accent")), ("second", other_model, other_model_color())):
        parts.append(f'<span style="color:{colour.name()}">■</span> {name}: entropy {entropy_nats(p):.3f} nats')
    return " &nbsp; ".join(parts)


def subscript(number: int) -> str:
    """Digits as subscripts."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
