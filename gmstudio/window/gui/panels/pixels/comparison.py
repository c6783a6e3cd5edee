"""Comparison in the Pixels panel: another run's model and the generation's own on the same context."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.heat_maps import MapView, plain_picture
from gmstudio.window.gui.panels.pixels.names import decimal, shortened, signed
from gmstudio.window.gui.run_text import RunLines, run_tip
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.pixel_canvas import PixelCanvas
from gmstudio.window.gui.widgets.elided_label import ElidedLabel
from gmstudio.window.gui.widgets.plots.distribution_paint import other_model_color
from gmstudio.window.state.pixels.comparison import Compared, PixelComparison
from gmstudio.window.state.pixels.receptive_field import blind_pixels, field_size
from gmstudio.window.state.pixels.state import PixelsState

SMALLEST_TOP = 0.1
MINIMUM_LETTERS = 20
SYMBOLS = ("p₁", "p₂")
EQUAL_NATS = 0.005
"""Difference of log p that rounds to zero."""
"""Of the generation's own model and the other one."""
CHOOSER_TIP = (
    "Other model: a run of the same kind of images, with its current weights. It scores the same sub-pixels in the "
    "same order. The generation's own run is another model as soon as it was trained further."
)
MAP_TIP = (
    "Log-likelihood ratio per pixel, log p₂ of the other model minus log p₁ of the generation's own: blue where the "
    "own model gives the pixel the higher probability, orange where the other does. A click goes to that pixel."
)
MODE_TIP = (
    "Ratio: log-likelihood ratio per pixel. Receptive fields: those of both models for the next sub-pixel, side by "
    "side on the same pixels, with their blind spots."
)
NO_OTHER = "No other run makes {image} images. Train another autoregressive family on the same data to compare."


class OtherRun(QComboBox):
    """Choice of the run to compare with.

    Args:
        comparison: its other run is shown and chosen.
    """

    def __init__(self, comparison: PixelComparison) -> None:
        super().__init__()
        self._comparison = comparison
        self._lines = RunLines()
        self.setMinimumContentsLength(MINIMUM_LETTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setPlaceholderText("Compare with …")
        self.activated.connect(lambda index: comparison.choose(str(self.itemData(index))))

    def refresh(self, live: str, own: str) -> None:
        """Update the list.

        Args:
            live: name of the run in training.
            own: path of the generation's own run.
        """
        runs = self._comparison.candidates()
        self.blockSignals(True)
        if [info.run for info in runs] != [self.itemData(index) for index in range(self.count())]:
            self.clear()
            for info in runs:
                self.addItem("", info.run)
        for index, (info, line) in enumerate(zip(runs, self._lines.of(runs, live), strict=True)):
            self.setItemText(index, line + (" · this run, now" if info.run == own else ""))
            self.setItemData(index, run_tip(info), Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(self.findData(self._comparison.other) if self._comparison.other else -1)
        self.blockSignals(False)
        self.setEnabled(bool(runs))


class Scores(QWidget):
    """Small table: names, nats and bits per dimension of both models so far.

    Args:
        panel: names the figures.
    """

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(8)
        for column, title in ((1, "nats so far"), (2, "bits/dim")):
            label = QLabel(title)
            label.setProperty("role", "muted")
            grid.addWidget(label, 0, column, Qt.AlignmentFlag.AlignRight)
        self._symbols = (QLabel(), QLabel())
        self._names = (ElidedLabel(), ElidedLabel())
        self._figures: list[tuple[QLabel, QLabel]] = []
        for place, (control, model) in enumerate((("own", "own model"), ("other", "other model"))):
            nats, bits = QLabel(), QLabel()
            panel.name_widget(nats, f"compare.{control}.nats", f"Nats, {model}", f"−log p so far, {model}.")
            panel.name_widget(bits, f"compare.{control}.bits", f"Bits per dimension, {model}", f"So far, {model}.")
            row = 1 + 2 * place
            grid.addWidget(self._names[place], row, 0, 1, 3)
            grid.addWidget(self._symbols[place], row + 1, 0)
            for column, label in ((1, nats), (2, bits)):
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                grid.addWidget(label, row + 1, column, Qt.AlignmentFlag.AlignRight)
            self._figures.append((nats, bits))
        grid.setColumnStretch(0, 1)

    def show_scores(self, compared: Compared | None, names: tuple[str, str]) -> None:
        """Show the numbers.

        Args:
            compared: scores of both; None: hide the table.
            names: of the own and the other model.
        """
        self.setVisible(compared is not None)
        if compared is None:
            return
        colours = (theme().color("accent").name(), other_model_color().name())
        for place, (colour, symbol, name) in enumerate(zip(colours, SYMBOLS, names, strict=True)):
            self._names[place].set_words(name)
            self._symbols[place].setText(f'<span style="color:{colour}">■</span> {symbol}')
        state = compared.state
        rows = ((state.total_nats, state.bits_per_dim), (compared.other_nats, compared.other_bits_per_dim))
        for (nats, bits), (nats_value, bits_value) in zip(self._figures, rows, strict=True):
            nats.setText(decimal(nats_value, 2))
            bits.setText(decimal(bits_value, 4))


class ComparisonView(MapView):
    """Two models on the same context: totals, divergence of the conditionals, and the likelihood ratio per pixel.

    Args:
        panel: gets the actions.
        session: state of the generation.
        canvas: the large image.
    """

    def __init__(self, panel: Panel, session: PixelsState, canvas: PixelCanvas) -> None:
        super().__init__(panel, session, canvas)
        self.comparison = session.comparison
        self.other = OtherRun(self.comparison)
        panel.name_widget(self.other, "compare.run", "Other model", CHOOSER_TIP)
        panel.name_widget(self.map, "compare.map", "Log-likelihood ratio per pixel", MAP_TIP)
        self.mode = QComboBox()
        self.mode.addItems(["Ratio", "Receptive fields"])
        panel.name_widget(self.mode, "compare.mode", "Ratio or receptive fields", MODE_TIP)
        self.other_map = PixelCanvas()
        panel.name_widget(self.other_map, "compare.other_map", "Receptive field of the other model", MODE_TIP)
        self.scores = Scores(panel)
        self.compare = panel.add_action(
            "compare",
            "Compare two models",
            "M",
            self.revealed.emit,
            icon="overlay",
            tip="Compare with another run's model, on the same pixels",
        )
        self.large = panel.add_action(
            "compare.large",
            "Large log-likelihood ratio",
            "Shift+M",
            self._on_large,
            icon="zoom",
            tip="Lay the log-likelihood ratio over the large image",
            checkable=True,
        )
        self.controls.addWidget(self.other, 1)
        self.controls.addWidget(self.mode)
        self.controls.addWidget(panel.button(self.large, icon_only=True))
        self.lay_out(self.scores)
        self.add_map(self.other_map)
        self.other_map.clicked.connect(session.go_to)
        self.mode.currentIndexChanged.connect(self.refresh)
        self.comparison.changed.connect(self.refresh_if_active)
        session.navigator.moved.connect(self.refresh_if_active)
        theme().changed.connect(self.refresh_if_active)
        self.refresh()

    def set_active(self, active: bool) -> None:
        """Compare while the view is shown."""
        super().set_active(active)
        self.comparison.set_active(active)

    def refresh(self) -> None:
        """Show the scores of both models."""
        comparison, state = self.comparison, self.session.navigator.state
        self.other.refresh(self.session.library.live, self.session.run)
        self.show_problem(comparison.problem)
        compared = comparison.compared
        self.scores.show_scores(compared, comparison.names())
        if compared is None:
            waiting = comparison.other and not comparison.problem
            no_other = "" if state is None or self.other.count() > 1 else NO_OTHER.format(image=state.spec)
            self.other_map.hide()
            self.map.set_picture(None)
            self.map.set_placeholder("Scoring …" if waiting else "" if comparison.problem else no_other)
            self.over.remove()
            for label in (self.title, self.words, self.reading):
                label.setText("")
            return
        self._show_map(compared)
        self.title.setText("")
        self.title.setVisible(False)
        names = shortened(comparison.names())
        self.words.setText(_fields_text(compared) if self.side_by_side else _words(compared, names))
        self.show_reading()

    @property
    def side_by_side(self) -> bool:
        """The receptive fields of both models are shown in place of the ratio."""
        return self.mode.currentIndex() == 1

    def _show_map(self, compared: Compared) -> None:
        state = compared.state
        at = state.position[1:] if state.position else None
        self.other_map.setVisible(self.side_by_side)
        self.map.set_show_context(self.side_by_side)
        if self.side_by_side:
            self.map.set_overlay(None)
            self.over.remove()
            for canvas, field in ((self.map, state.context), (self.other_map, compared.other.context.numpy())):
                blind = blind_pixels(state.order, state.step, field)
                canvas.set_picture(plain_picture(state, field, at, blind))
            return
        self.map.set_picture(plain_picture(state, state.context, at))
        own, other = SYMBOLS
        legend = f"log {other} − log {own}, nats"
        large = self.large.isChecked() and self.active
        self.show_values(compared.log_ratio(), SMALLEST_TOP, legend, large=large)

    def reading_at(self, row: int, column: int) -> str:
        """Nats of a pixel under both models."""
        compared = self.comparison.compared
        if compared is None or row >= compared.state.spec.height or column >= compared.state.spec.width:
            return ""
        state = compared.state
        steps = [step for step in state.steps_of_pixel(row, column).tolist() if step < state.step]
        if not steps:
            return f"Row {row}, column {column}: not yet sampled"
        own, other = (float(nats[steps].sum()) for nats in (state.nats, compared.other.nats.numpy()))
        return (
            f"Row {row}, column {column}: {decimal(own, 3)} and {decimal(other, 3)} nats, ratio {signed(own - other)}"
        )

    def _on_large(self, _large: bool) -> None:
        self.revealed.emit()
        self.refresh()


def _fields_text(compared: Compared) -> str:
    """Sentences about the receptive fields of both models."""
    state = compared.state
    if state.finished:
        return "The image is finished: no conditional comes next."
    sentences = [f"Left {SYMBOLS[0]}, right {SYMBOLS[1]}."]
    for symbol, field in zip(SYMBOLS, (state.context, compared.other.context.numpy()), strict=True):
        size = field_size(state.order, state.step, field)
        sentences.append(
            f"{symbol}: {size.inside:,} of {size.earlier:,} earlier sub-pixels inside, "
            f"{size.blind:,} in the blind spot (pink)."
        )
    return " ".join(sentences)


def _words(compared: Compared, names: tuple[str, str]) -> str:
    """Sentences about the better model and the divergence of the conditionals."""
    own, other = SYMBOLS
    parts = []
    if compared.state.step:
        if abs(compared.advantage) < EQUAL_NATS:
            parts.append("log p is equal under both.")
        else:
            better = names[0] if compared.advantage > 0 else names[1]
            parts.append(f"log p is {abs(compared.advantage):.2f} nats higher under {better}.")
        parts.append(f"Blue: {own} is higher, orange: {other}.")
    divergences = compared.divergences()
    if divergences is not None:
        forward, backward = divergences
        parts.append(f"Next conditionals: KL({own}‖{other}) {forward:.3f}, KL({other}‖{own}) {backward:.3f} nats.")
    parts.append(f"{other}: weights of step {compared.other.weights_step:,}.")
    return " ".join(parts)
