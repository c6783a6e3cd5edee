"""Settings of the observed part: number of pixels, mask, factor, channel, or noise and threshold."""

import math

from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.brush import BrushControls
from gmstudio.window.gui.panels.pixels.names import CHANNELS
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider, fit_width
from gmstudio.window.gui.widgets.when_styled import when_styled
from gmstudio.window.state.pixels.conditioning import FACTORS, PRESETS, default_threshold
from gmstudio.window.state.pixels.state import PixelsState

MAX_NOISE_SEED = 9999


class ConditioningSettings(QStackedWidget):
    """One page of controls for each preset.

    Args:
        panel: gets the actions.
        session: state that is shown and changed.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._panel, self._session, self._conditioning = panel, session, session.conditioning
        self._add_controls(panel)
        self.brush = BrushControls(panel, session.tools, "mask", "Paint the mask", "P", MASK_TIP)
        self._pages = (
            _row(_label("Observed k", self.num_observed.slider), self.num_observed),
            self.brush,
            _row(_label("One pixel of", self.factor), self.factor, None),
            _row(_label("Observed channel", self.channel), self.channel, None),
            self._denoising(panel),
        )
        for page in self._pages:
            self.addWidget(page)
        self._connect()
        self.refresh()

    def _add_controls(self, panel: Panel) -> None:
        self.num_observed = TypedSlider(0, 1, decimals=0)
        self.num_observed.name("pixels.condition.observed", "Observed sub-pixels k", OBSERVED_TIP)
        self.factor = QComboBox()
        for factor in FACTORS:
            self.factor.addItem(f"{factor} × {factor}", factor)
        panel.name_widget(self.factor, "condition.factor", "Factor", FACTOR_TIP)
        self.channel = QComboBox()
        panel.name_widget(self.channel, "condition.channel", "Observed channel", CHANNEL_TIP)
        self.noise = TypedSlider(0.0, 0.5, decimals=2)
        self.noise.name("pixels.condition.noise", "Noise", NOISE_TIP)
        self.noise_seed = IntegerField()
        self.noise_seed.setRange(0, MAX_NOISE_SEED)
        fit_width(self.noise_seed, "0000")
        panel.name_widget(
            self.noise_seed, "condition.noise_seed", "Seed of the noise", "Fixes the pixels that the noise replaces."
        )
        self.threshold = TypedSlider(0.0, 10.0, decimals=2)
        self.threshold.name("pixels.condition.threshold", "Threshold of −log p", THRESHOLD_TIP)
        self.resample = panel.add_action(
            "condition.resample",
            "Resample",
            "",
            self._session.resample_unlikely,
            icon="refresh",
            tip=RESAMPLE_TIP,
        )

    def _denoising(self, panel: Panel) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(_row(_label("Add noise", self.noise.slider), self.noise, self.noise_seed))
        column.addWidget(_row(_label("Threshold: −log p >", self.threshold.slider), self.threshold, _label("nats")))
        self._unlikely = QLabel()
        self._unlikely.setProperty("role", "muted")
        column.addWidget(_row(panel.button(self.resample), self._unlikely))
        return page

    def _connect(self) -> None:
        conditioning = self._conditioning
        self.num_observed.value_changed.connect(lambda count: self._session.set_num_observed(round(count)))
        self.factor.currentIndexChanged.connect(lambda _index: conditioning.set_factor(self.factor.currentData()))
        self.channel.currentIndexChanged.connect(lambda index: conditioning.set_channel(max(0, index)))
        self.noise.value_changed.connect(
            lambda probability: conditioning.set_noise(round(probability, 2), conditioning.noise_seed)
        )
        self.noise_seed.valueChanged.connect(lambda seed: conditioning.set_noise(conditioning.noise, seed))
        self.threshold.value_changed.connect(conditioning.set_threshold)
        conditioning.changed.connect(self.refresh)
        self._session.changed.connect(self.refresh)
        self._session.navigator.opened.connect(self.refresh)
        when_styled(self, self._fit_height)

    def _fit_height(self) -> None:
        self.setFixedHeight(self._pages[self.currentIndex()].sizeHint().height())

    def refresh(self) -> None:
        """Show the settings of the chosen preset."""
        conditioning, state = self._conditioning, self._session.state
        self.setCurrentIndex(list(PRESETS).index(conditioning.preset))
        for index, page in enumerate(self._pages):  # only the open page takes up height
            shown = index == self.currentIndex()
            page.setSizePolicy(page.sizePolicy().horizontalPolicy(), _SHOWN if shown else _HIDDEN)
        self._fit_height()
        self.num_observed.setEnabled(conditioning.image is not None)
        if state is not None:
            self.num_observed.set_range(0, state.num_dims)
            self._name_channels(state.spec.channels)
            self.threshold.set_range(0.0, float(math.ceil(3 * default_threshold(state.spec))))
            self.num_observed.set_value(
                conditioning.num_observed if conditioning.num_observed >= 0 else state.num_dims // 2
            )
        for combo, index in ((self.factor, FACTORS.index(conditioning.factor)), (self.channel, conditioning.channel)):
            combo.blockSignals(True)
            combo.setCurrentIndex(index)
            combo.blockSignals(False)
        self.noise.set_value(conditioning.noise)
        self.threshold.set_value(conditioning.threshold_nats)
        unlikely = conditioning.unlikely
        none = "" if unlikely is not None and unlikely.any() else "No pixel of a scored image is above the threshold."
        self._panel.allow(self.resample, none)
        self.brush.allow(conditioning.mask_refusal)
        self._unlikely.setText(self._unlikely_text())

    def _unlikely_text(self) -> str:
        conditioning = self._conditioning
        if conditioning.image is None:
            return "choose an image below"
        if conditioning.unlikely is None:
            return "scoring the image …"
        return f"{int(conditioning.unlikely.sum()):,} of {conditioning.unlikely.size:,} pixels"

    def _name_channels(self, channels: int) -> None:
        if self.channel.count() != channels:
            self.channel.blockSignals(True)
            self.channel.clear()
            self.channel.addItems([name.capitalize() or "Grey" for name in CHANNELS[channels]])
            self.channel.blockSignals(False)


def _label(text: str, buddy: QWidget | None = None) -> QLabel:
    label = QLabel(text)
    if buddy is not None:
        label.setBuddy(buddy)
    return label


def _row(*widgets: QWidget | None) -> QWidget:
    """Widgets side by side; None: a stretch."""
    page = QWidget()
    row = QHBoxLayout(page)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(GRID)
    for widget in widgets:
        if widget is None:
            row.addStretch(1)
        else:
            row.addWidget(widget, 1 if isinstance(widget, TypedSlider) else 0)
    return page


RESAMPLE_TIP = "Resample the unlikely pixels, conditioned on all others"
_SHOWN, _HIDDEN = QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored
OBSERVED_TIP = (
    "k: number of observed sub-pixels of the real image, in generation order; the model continues from there. Or click "
    "the pixel in the large image from which to continue."
)
MASK_TIP = "Paint on the large image the mask to be generated; all other pixels are observed"
FACTOR_TIP = "Of each block of n × n pixels, the top left one is observed; the model generates the others."
CHANNEL_TIP = "This channel is observed for every pixel; the model generates the other two."
NOISE_TIP = "Probability of setting a pixel to black or white first (salt-and-pepper noise)."
THRESHOLD_TIP = (
    "Pixels whose −log p given the earlier pixels is above this threshold, in nats, are unlikely. They are "
    "highlighted in the image and can be resampled, conditioned on all others."
)
