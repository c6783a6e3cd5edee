"""The settings of each given set: how many pixels, which hole, which factor, which channel, what is unlikely."""

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
from gmstudio.window.gui.panels.pixels.conditional import CHANNELS
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.sliders.typed_slider import KeyKeeper, TypedSlider, fit_width
from gmstudio.window.state.pixels.conditioning import FACTORS, PRESETS, usual_threshold
from gmstudio.window.state.pixels.state import PixelsState

MAX_NOISE_SEED = 9999


class ConditioningSettings(QStackedWidget):
    """One row of controls for each preset, those of the chosen one in sight.

    Args:
        panel: whose controls these are.
        session: what they show and change.
    """

    def __init__(self, panel: Panel, session: PixelsState) -> None:
        super().__init__(panel)
        self._session, self._givens = session, session.givens
        self._keeper = KeyKeeper(self)
        self._add_controls(panel)
        self.brush = BrushControls(panel, session.tools, "hole", "Paint the hole", "P", HOLE_TIP)
        self._pages = (
            _row(_label("Given k", self.first.slider), self.first),
            self.brush,
            _row(_label("One pixel of", self.factor), self.factor, None),
            _row(_label("Given channel", self.channel), self.channel, None),
            self._denoising(panel),
        )
        for page in self._pages:
            self.addWidget(page)
        self._connect()
        self.refresh()

    def _add_controls(self, panel: Panel) -> None:
        self.first = TypedSlider(0, 1, decimals=0)
        self.first.name("pixels.given", "Given pixels k", FIRST_TIP)
        self.factor = QComboBox()
        for factor in FACTORS:
            self.factor.addItem(f"{factor} × {factor}", factor)
        panel.name_widget(self.factor, "given.factor", "Factor", FACTOR_TIP)
        self.channel = QComboBox()
        panel.name_widget(self.channel, "given.channel", "Given channel", CHANNEL_TIP)
        self.noise = TypedSlider(0.0, 0.5, decimals=2)
        self.noise.name("pixels.given.noise", "Noise", NOISE_TIP)
        self.noise_seed = IntegerField()
        self.noise_seed.setRange(0, MAX_NOISE_SEED)
        fit_width(self.noise_seed, "0000")
        panel.name_widget(self.noise_seed, "given.noise_seed", "Seed of the noise", "Which pixels the noise hits.")
        self.threshold = TypedSlider(0.0, 10.0, decimals=2)
        self.threshold.name("pixels.given.threshold", "Doubtful from", THRESHOLD_TIP)
        for field in (self.factor, self.channel, self.noise_seed):
            field.installEventFilter(self._keeper)
        self.regenerate = panel.add_action(
            "given.regenerate",
            "Regenerate",
            "",
            self._session.regenerate_unlikely,
            icon="refresh",
            tip="Generate the unlikely pixels anew, given all others",
        )

    def _denoising(self, panel: Panel) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(_row(_label("Add noise", self.noise.slider), self.noise, self.noise_seed))
        column.addWidget(_row(_label("Doubtful above", self.threshold.slider), self.threshold, _label("nats")))
        self._unlikely = QLabel()
        self._unlikely.setProperty("role", "muted")
        column.addWidget(_row(panel.button(self.regenerate), self._unlikely))
        return page

    def _connect(self) -> None:
        givens = self._givens
        self.first.value_changed.connect(lambda first: self._session.set_conditioning(round(first)))
        self.factor.currentIndexChanged.connect(lambda _index: givens.set_factor(self.factor.currentData()))
        self.channel.currentIndexChanged.connect(lambda index: givens.set_channel(max(0, index)))
        self.noise.value_changed.connect(lambda share: givens.set_noise(round(share, 2), givens.noise_seed))
        self.noise_seed.valueChanged.connect(lambda seed: givens.set_noise(givens.noise, seed))
        self.threshold.value_changed.connect(givens.set_threshold)
        givens.changed.connect(self.refresh)
        self._session.changed.connect(self.refresh)
        self._session.navigator.opened.connect(self.refresh)

    def refresh(self) -> None:
        """Show the settings of the chosen preset."""
        givens, state = self._givens, self._session.state
        self.setCurrentIndex(list(PRESETS).index(givens.preset))
        for index, page in enumerate(self._pages):  # only the page in sight takes room
            shown = index == self.currentIndex()
            page.setSizePolicy(page.sizePolicy().horizontalPolicy(), _SHOWN if shown else _HIDDEN)
        self.setFixedHeight(self._pages[self.currentIndex()].sizeHint().height())
        self.first.setEnabled(givens.given is not None)
        if state is not None:
            self.first.set_range(0, state.num_dims)
            self._name_channels(state.spec.channels)
            self.threshold.set_range(0.0, float(math.ceil(3 * usual_threshold(state.spec))))
            self.first.set_value(givens.first if givens.first >= 0 else state.num_dims // 2)
        for combo, index in ((self.factor, FACTORS.index(givens.factor)), (self.channel, givens.channel)):
            combo.blockSignals(True)
            combo.setCurrentIndex(index)
            combo.blockSignals(False)
        self.noise.set_value(givens.noise)
        self.threshold.set_value(givens.threshold_nats)
        unlikely = givens.unlikely
        self.regenerate.setEnabled(unlikely is not None and bool(unlikely.any()))
        self._unlikely.setText(self._unlikely_text())

    def _unlikely_text(self) -> str:
        givens = self._givens
        if givens.given is None:
            return "pick an image below"
        if givens.unlikely is None:
            return "scoring the image …"
        return f"{int(givens.unlikely.sum()):,} of {givens.unlikely.size:,} pixels"

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
    """Widgets side by side; None: room."""
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


_SHOWN, _HIDDEN = QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored
FIRST_TIP = (
    "k: how many sub-pixels of the real image are given, in generation order; the model continues from there. Or click "
    "the pixel in the large image from which to continue."
)
HOLE_TIP = "Paint on the large image what is to be generated anew; all else is given"
FACTOR_TIP = "Of each block of so many pixels, the top left one is given: the model generates the finer image."
CHANNEL_TIP = "This channel is given for every pixel; the model generates the other two."
NOISE_TIP = "First set each pixel, with this probability, to black or white (salt and pepper), so that there is noise."
THRESHOLD_TIP = (
    "Pixels that surprise the model more than this, in nats of −log p given the pixels before them, are unlikely. They "
    "are marked in the image and can be generated anew, given all others."
)
