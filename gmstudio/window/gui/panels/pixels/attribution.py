"""Attribution in the Pixels panel: saliency of a conditional's context, and its receptive field."""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtWidgets import QComboBox, QSizePolicy

from gmstudio.protocol.pixels import PixelAttributed
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.heat_maps import MapView, plain_picture, text_label
from gmstudio.window.gui.panels.pixels.names import CHANNELS, shortened, signed, subscript, where
from gmstudio.window.gui.widgets.canvas.pixel_canvas import PixelCanvas
from gmstudio.window.gui.widgets.number_input import IntegerField
from gmstudio.window.gui.widgets.sliders.typed_slider import fit_width
from gmstudio.window.state.pixels.attribution import AttributedValue
from gmstudio.window.state.pixels.influence import Influence
from gmstudio.window.state.pixels.receptive_field import FieldSize, blind_spot
from gmstudio.window.state.pixels.snapshot import PixelSnapshot
from gmstudio.window.state.pixels.state import PixelsState

SMALLEST_TOP = 0.01
VALUES: tuple[tuple[AttributedValue, str], ...] = (
    ("most_likely", "most likely"),
    ("next", "next"),
    ("chosen", "chosen"),
)
MAP_TIP = (
    "Saliency: sensitivity of the value's log p to each pixel of the context; blue lowers it, orange raises it. "
    "Receptive field: the pixels that the architecture lets the conditional depend on, outlined. Earlier pixels "
    "outside it are dimmed where they are too far away, and pink in its blind spot."
)
WHICH_TIP = (
    "Value whose log-probability is attributed: the most likely one, the next one (recorded or drawn), or one of your "
    "choice. Ctrl+click on a bar, or Ctrl+Return in the bars, chooses one without placing it."
)
MEANINGS = {
    "gradient": "Gradient × range of levels: blue lowers log p, orange raises it.",
    "difference": "Largest change of log p by changing the pixel alone: blue lowers it, orange raises it.",
}
CHANGE_TIP = (
    "Change the nearest pixel of the blind spot and, for contrast, the nearest of the receptive field, each alone, and "
    "compute the next conditional again; with the model chosen under Compare too"
)
MEASURED_TIP = "What changing single earlier pixels does to the next conditional; computed by the model."
FINISHED = "The image is finished: this is the last sub-pixel."


class AttributionView(MapView):
    """Saliency, the sensitivity of log p(x_i | x_<i) to the context, as a heat map; and the receptive field.

    Args:
        panel: gets the actions.
        session: state of the generation.
        canvas: the large image.
    """

    def __init__(self, panel: Panel, session: PixelsState, canvas: PixelCanvas) -> None:
        super().__init__(panel, session, canvas)
        self.attribution = session.attribution
        panel.name_widget(self.map, "attribution.map", "Saliency map", "A click goes to that pixel.")
        self.mode = QComboBox()
        self.mode.addItems(["Saliency", "Receptive field"])
        panel.name_widget(self.mode, "attribution.mode", "Saliency or receptive field", MAP_TIP)
        self.channel = QComboBox()
        tip = "Sensitivity to one channel, or summed over all."
        panel.name_widget(self.channel, "attribution.channel", "Channel of the context", tip)
        self.channel.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.channel.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.which = QComboBox()
        self.which.addItems([name for _, name in VALUES])
        panel.name_widget(self.which, "attribution.which", "Value to attribute", WHICH_TIP)
        self.value = IntegerField()
        panel.name_widget(self.value, "attribution.value", "Chosen value", WHICH_TIP)
        fit_width(self.value, "000")
        self._panel = panel
        self._add_actions(panel)
        for widget in (self.mode, self.which, self.value):
            self.controls.addWidget(widget)
        self.controls.addStretch(1)
        self._change_button = panel.button(self.change)
        self.controls.addWidget(self._change_button)
        self.controls.addWidget(panel.button(self.large, icon_only=True))
        self.measured = text_label("")
        panel.name_widget(self.measured, "attribution.measured", "Measured influence", MEASURED_TIP)
        self.lay_out(self.channel, self.measured)
        self._connect()
        self.refresh()

    def _add_actions(self, panel: Panel) -> None:
        self.show_saliency = panel.add_action(
            "attribution",
            "Saliency and receptive field",
            "L",
            self.revealed.emit,
            icon="eye",
            tip="Show the saliency of the next sub-pixel's context, and its receptive field",
        )
        self.large = panel.add_action(
            "attribution.large",
            "Large saliency map",
            "Shift+L",
            self._on_large,
            icon="zoom",
            tip="Lay the map over the large image",
            checkable=True,
        )

        self.change = panel.add_action(
            "attribution.change",
            "Change a blind-spot pixel",
            "K",
            self.session.influence.change_blind_pixel,
            icon="edit",
            tip=CHANGE_TIP,
        )

    def _connect(self) -> None:
        attribution = self.attribution
        self.session.influence.changed.connect(self.refresh_if_active)
        self.mode.currentIndexChanged.connect(self.refresh)
        self.channel.currentIndexChanged.connect(self.refresh)
        self.which.activated.connect(lambda index: attribution.attribute(VALUES[index][0]))
        self.value.valueChanged.connect(attribution.attribute_value)
        attribution.changed.connect(self.refresh_if_active)
        attribution.value_chosen.connect(self.revealed)
        self.session.navigator.moved.connect(self.refresh_if_active)

    def set_active(self, active: bool) -> None:
        """Request attributions while the view is shown."""
        super().set_active(active)
        self.attribution.set_active(active)
        if active:
            self.refresh()

    def show_receptive_field(self) -> None:
        """Open the view with the receptive field."""
        self.mode.setCurrentIndex(1)
        self.revealed.emit()

    # ---- showing -----------------------------------------------------------------------------------------------

    @property
    def structural(self) -> bool:
        """The receptive field is shown in place of the saliency."""
        return self.mode.currentIndex() == 1

    def refresh(self) -> None:
        """Show the last attribution."""
        attribution, state = self.attribution, self.session.navigator.shown
        self._refresh_controls(state)
        influence = self.session.influence
        self.show_problem(attribution.problem or influence.problem)
        self._panel.allow(self.change, influence.refusal())
        self.measured.setText(self._measured_text() if self.structural else "")
        attributed = attribution.attributed
        if state is None or attributed is None or self.session.navigator.state is None:
            self.map.set_picture(None)
            self.map.set_placeholder("" if attribution.problem else "The saliency of the next sub-pixel is shown here.")
            self.over.remove()
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
        self.which.setCurrentIndex([which for which, _ in VALUES].index(attribution.which))
        self.value.setRange(0, state.spec.levels - 1 if state is not None else 0)
        self.value.setValue(attribution.value)
        for widget in (self.channel, self.value, self.which):
            widget.blockSignals(False)
        self.which.setVisible(not self.structural)
        self._change_button.setVisible(self.structural)
        self.value.setVisible(attribution.which == "chosen" and not self.structural)

    def _show_map(self, state: PixelSnapshot, attributed: PixelAttributed) -> None:
        """Show the small map, and the overlay of the large image while it is switched on."""
        large = self.large.isChecked() and self.active
        at, field = state.place_of(attributed.step)[1:], attributed.receptive_field.numpy()
        self.map.set_show_context(self.structural)
        if self.structural:
            self.map.set_picture(plain_picture(state, field, at, self.attribution.blind()))
            self.map.set_overlay(None)
            self.map.set_marked(self._changed_pixels())
            self.over.show(None, self.attribution.outside() if large else None)
            return
        values = self.attribution.sensitivity(self._channel())
        assert values is not None
        self.map.set_picture(plain_picture(state, field, at))
        self.show_values(values, SMALLEST_TOP, "nats of log p", large=large)

    def _channel(self) -> int | None:
        return self.channel.currentIndex() - 1 if self.channel.currentIndex() > 0 else None

    def _words(self, state: PixelSnapshot, attributed: PixelAttributed) -> str:
        parts = [FINISHED] if state.finished and attributed.step == state.num_dims - 1 else []
        if not self.structural:
            parts.append(MEANINGS[attributed.kind])
        size = self.attribution.field_size()
        if size is not None:
            parts.append(_field_text(size, state.spec.channels))
        return " ".join(parts)

    def reading_at(self, row: int, column: int) -> str:
        """Sensitivity to a pixel, or its place outside the receptive field."""
        attributed, state = self.attribution.attributed, self.session.navigator.state
        if attributed is None or state is None or row >= state.spec.height or column >= state.spec.width:
            return ""
        at = f"Row {row}, column {column}: "
        field = attributed.receptive_field.numpy()[:, row, column]
        if not field.any():
            outside, blind = self.attribution.outside(), self.attribution.blind()
            earlier = outside is not None and outside[row, column]
            if blind is not None and blind[row, column]:
                return at + "earlier, in the blind spot"
            return at + ("earlier, outside the receptive field" if earlier else "later in the order")
        changes = attributed.sensitivity.numpy()[:, row, column]
        names = [f"{name} " if name else "" for name in CHANNELS[state.spec.channels]]
        each = [f"{name}{signed(c)}" for name, c, inside in zip(names, changes, field, strict=True) if inside]
        return at + ", ".join(each) + " nats"

    def _changed_pixels(self) -> NDArray[np.bool_] | None:
        """(H, W): pixels that were changed to measure their influence; None: none."""
        measured = self.session.influence.measured
        if measured is None:
            return None
        changed = np.zeros(measured.state.spec.shape[1:], np.bool_)
        for step in measured.own.changed:
            changed[measured.state.place_of(step)[1:]] = True
        return changed

    def _measured_text(self) -> str:
        measured = self.session.influence.measured
        if measured is None:
            return ""
        names = shortened(self.session.comparison.names())
        return influence_text(measured, names)

    def _on_large(self, _large: bool) -> None:
        self.revealed.emit()
        self.refresh()


def influence_text(measured: Influence, names: tuple[str, str]) -> str:
    """Sentences on what single changes did to the conditional of the next sub-pixel, under both models.

    Args:
        measured: the result.
        names: of the own and the other model.
    """
    state, own, other = measured.state, measured.own, measured.other
    spot = blind_spot(state.order, own.step, state.context)
    sentences = []
    for index, step in enumerate(own.changed):
        place = state.place_of(step)
        kind = "blind spot" if spot[place] else "receptive field" if state.context[place] else "out of reach"
        effect = _effect_text(float(own.largest.numpy()[index]), float(own.kl.numpy()[index]))
        text = f"{where(state, step).capitalize()} ({kind}) from {own.before[index]} to {own.after[index]}: the "
        text += f"conditional {effect}"
        if other is not None:
            there = _effect_text(float(other.largest.numpy()[index]), float(other.kl.numpy()[index]))
            text += f"; under {names[1]} it {there}"
        sentences.append(f"{text}.")
    return " ".join(sentences)


def _effect_text(largest: float, kl: float) -> str:
    if not largest:
        return "stays exactly the same"
    return f"changes, p by up to {largest:.2g} (KL {kl:.2g} nats)"


def _field_text(size: FieldSize, channels: int) -> str:
    """Sentence about the size of a receptive field."""
    unit = "pixels" if channels == 1 else "sub-pixels"
    if not size.earlier:
        return "It is the first sub-pixel and depends on no other."
    if size.inside == size.earlier:
        return f"The receptive field holds all {size.earlier:,} earlier {unit}."
    outside = size.earlier - size.inside
    far = outside - size.blind
    text = f"The receptive field holds {size.inside:,} of the {size.earlier:,} earlier {unit}; "
    the_others = "the other one is" if outside == 1 else f"the other {outside:,} are"
    if not far:
        return text + f"{the_others} in its blind spot."
    if not size.blind:
        return text + f"{the_others} too far away."
    return text + f"{size.blind:,} are in its blind spot, {far:,} too far away."
