"""The Pixels panel's attribution: what the model looks at for one sub-pixel, and what it can see at all."""

from PySide6.QtWidgets import QComboBox, QSizePolicy

from gmstudio.protocol.pixels import PixelAttributed
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.conditional import CHANNELS, subscript, where
from gmstudio.window.gui.panels.pixels.heat_maps import MapView, plain_picture, reveal, signed
from gmstudio.window.gui.widgets.canvas.pixel_canvas import PixelCanvas
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.sliders.typed_slider import KeyKeeper, fit_width
from gmstudio.window.state.pixels.attribution import Which, attribution_of
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

SMALLEST_TOP = 0.01
WAYS: tuple[tuple[Which, str], ...] = (
    ("likeliest", "most likely"),
    ("coming", "next"),
    ("chosen", "chosen"),
)
MAP_TIP = (
    "Sensitivity: how each pixel of the context moves log p of the sub-pixel's value; blue lowers it, orange raises "
    "it. Receptive field: what the architecture lets the model see at all, tinted, and the earlier pixels that it "
    "cannot see, outlined: out of reach, or in a blind spot."
)
WHICH_TIP = (
    "Which value's log-probability is attributed: the most likely one, the one that comes next by the path or the "
    "draw, or one of your choice. Ctrl+click on a bar, or Ctrl+Return in the bars, chooses one without placing it."
)
MEANINGS = {
    "gradient": "Blue lowers, orange raises log p: slope here × the whole range of levels.",
    "difference": "Blue lowers, orange raises log p: the largest change by moving the pixel alone.",
}
FINISHED = "The image is finished: this is its last sub-pixel."


class AttributionView(MapView):
    """The sensitivity of log p(x_i | x_<i) to the context as a heat map, and the receptive field.

    Args:
        panel: whose controls these are.
        session: whose generation is looked into.
        canvas: the large image.
    """

    def __init__(self, panel: Panel, session: PixelsState, canvas: PixelCanvas) -> None:
        super().__init__(panel, session, canvas)
        self.attribution = attribution_of(session)
        panel.name_widget(self.map, "looks.map", "What the model looks at", "A click goes to that pixel.")
        self.mode = QComboBox()
        self.mode.addItems(["Sensitivity", "Receptive field"])
        panel.name_widget(self.mode, "looks.mode", "What is shown of the context", MAP_TIP)
        self.channel = QComboBox()
        panel.name_widget(
            self.channel, "looks.channel", "Channel of the context", "Sensitivity to one colour, or summed over all."
        )
        self.channel.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.channel.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.which = QComboBox()
        self.which.addItems([name for _, name in WAYS])
        panel.name_widget(self.which, "looks.which", "Which value is attributed", WHICH_TIP)
        self.value = IntegerField()
        panel.name_widget(self.value, "looks.value", "Value that is attributed", WHICH_TIP)
        fit_width(self.value, "000")
        for field in (self.value, self.mode, self.which, self.channel):
            field.installEventFilter(KeyKeeper(self))
        self._add_actions(panel)
        for widget in (self.mode, self.which, self.value):
            self.controls.addWidget(widget)
        self.controls.addStretch(1)
        self.controls.addWidget(panel.button(self.large, icon_only=True))
        self.lay_out(self.channel)
        self._connect()
        self.refresh()

    def _add_actions(self, panel: Panel) -> None:
        self.look = panel.add_action(
            "looks",
            "What the model looks at",
            "L",
            lambda: reveal(self),
            icon="eye",
            tip="How the log-probability of the next sub-pixel hangs on its context, and what the model can see",
        )
        self.large = panel.add_action(
            "looks.large",
            "Large map of what it looks at",
            "Shift+L",
            self._on_large,
            icon="zoom",
            tip="Lay the map over the large image",
            checkable=True,
        )

    def _connect(self) -> None:
        attribution = self.attribution
        self.mode.currentIndexChanged.connect(self.refresh)
        self.channel.currentIndexChanged.connect(self.refresh)
        self.which.activated.connect(lambda index: attribution.attribute(WAYS[index][0]))
        self.value.valueChanged.connect(attribution.attribute_value)
        attribution.changed.connect(self.refresh_if_seen)
        attribution.value_chosen.connect(lambda: reveal(self))
        self.session.navigator.moved.connect(self.refresh_if_seen)

    def looked_at(self, looking: bool) -> None:
        """Ask for explanations while the view is in sight."""
        self.attribution.set_looking(looking)
        if looking:
            self.refresh()

    # ---- showing -----------------------------------------------------------------------------------------------

    @property
    def structural(self) -> bool:
        """Whether the receptive field is shown in place of the sensitivity."""
        return self.mode.currentIndex() == 1

    def refresh(self) -> None:
        """Show the explanation that came last."""
        attribution, state = self.attribution, self.session.navigator.shown
        self._refresh_controls(state)
        self.show_problem(attribution.problem)
        attributed = attribution.attributed
        if state is None or attributed is None or self.session.navigator.state is None:
            self.map.set_picture(None)
            self.map.set_placeholder("" if attribution.problem else "What the model looks at is shown here.")
            self.over.take_away()
            for label in (self.title, self.words, self.reading):
                label.setText("")
            return
        self._show_map(state, attributed)
        sub_pixel = f"x{subscript(attributed.step)}"
        self.title.setText(
            f"Receptive field of {sub_pixel}" if self.structural else f"log p({sub_pixel} = {attributed.value})"
        )
        self.title.setToolTip(where(state, attributed.step))
        self.words.setText(self._words(state, attributed))
        self.show_reading()

    def _refresh_controls(self, state: PixelSnapshot | None) -> None:
        attribution = self.attribution
        for widget in (self.channel, self.value, self.which):
            widget.blockSignals(True)
        colours = [name for name in CHANNELS[state.spec.channels] if name] if state is not None else []
        if self.channel.count() != len(colours) + 1:
            self.channel.clear()
            self.channel.addItems(["summed", *colours])
        self.channel.setVisible(bool(colours) and not self.structural)
        self.which.setCurrentIndex([which for which, _ in WAYS].index(attribution.which))
        self.value.setRange(0, state.spec.levels - 1 if state is not None else 0)
        self.value.setValue(attribution.value)
        for widget in (self.channel, self.value, self.which):
            widget.blockSignals(False)
        self.which.setVisible(not self.structural)
        self.value.setVisible(attribution.which == "chosen" and not self.structural)

    def _show_map(self, state: PixelSnapshot, attributed: PixelAttributed) -> None:
        """On the small map always, and over the large image when asked for."""
        large = self.large.isChecked() and self.isVisible()
        at, reach = state.place_of(attributed.step)[1:], attributed.reach.numpy()
        self.map.set_show_context(self.structural)
        if self.structural:
            unseen = self.attribution.unseen()
            self.map.set_picture(plain_picture(state, reach, at))
            self.map.set_overlay(None)
            self.map.set_marked(unseen)
            self.over.show(None, unseen if large else None)
            return
        values = self.attribution.sensitivity(self._channel())
        assert values is not None
        self.map.set_picture(plain_picture(state, reach, at))
        self.show_values(values, SMALLEST_TOP, "nats of log p", large=large)

    def _channel(self) -> int | None:
        return self.channel.currentIndex() - 1 if self.channel.currentIndex() > 0 else None

    def _words(self, state: PixelSnapshot, attributed: PixelAttributed) -> str:
        parts = [FINISHED] if state.finished and attributed.step == state.num_dims - 1 else []
        if not self.structural:
            parts.append(MEANINGS[attributed.kind])
        seen = self.attribution.seen()
        if seen is not None:
            parts.append(_seen_words(seen.earlier, seen.inside, seen.blind, state.spec.channels))
        return " ".join(parts)

    def say(self, row: int, column: int) -> str:
        """The sensitivity to a pixel, or whether it can be seen."""
        attributed, state = self.attribution.attributed, self.session.navigator.state
        if attributed is None or state is None or row >= state.spec.height or column >= state.spec.width:
            return ""
        at = f"Row {row}, column {column}: "
        reach = attributed.reach.numpy()[:, row, column]
        if not reach.any():
            unseen = self.attribution.unseen()
            return at + ("earlier, but not seen" if unseen is not None and unseen[row, column] else "comes later")
        changes = attributed.sensitivity.numpy()[:, row, column]
        names = [f"{name} " if name else "" for name in CHANNELS[state.spec.channels]]
        each = [f"{name}{signed(c)}" for name, c, seen in zip(names, changes, reach, strict=True) if seen]
        return at + ", ".join(each) + " nats"

    def _on_large(self, _large: bool) -> None:
        reveal(self)
        self.refresh()


def _seen_words(earlier: int, inside: int, blind: int, channels: int) -> str:
    """How much of the context is in the receptive field, in words."""
    unit = "pixels" if channels == 1 else "sub-pixels"
    if not earlier:
        return "Nothing is placed before it: it depends on nothing."
    if inside == earlier:
        return f"It can see all {earlier:,} earlier {unit}."
    hidden, far = earlier - inside, earlier - inside - blind
    text = f"It can see {inside:,} of the {earlier:,} earlier {unit}; "
    the_others = "the other one lies" if hidden == 1 else f"the other {hidden:,} lie"
    if not far:
        return text + f"{the_others} in its blind spot."
    if not blind:
        return text + f"{the_others} too far away."
    return text + f"{blind:,} lie in its blind spot, {far:,} too far away."
