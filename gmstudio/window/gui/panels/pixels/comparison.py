"""The Pixels panel's comparison: another run's model beside the one that generates, on the same context."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.pixels.heat_maps import MapView, plain_picture, reveal, signed
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.canvas.pixel_canvas import PixelCanvas
from gmstudio.window.gui.widgets.plots.distribution_paint import other_model_color
from gmstudio.window.state.pixels.comparison import Compared, PixelComparison, comparison_of
from gmstudio.window.state.pixels.state import PixelsState

SMALLEST_TOP = 0.1
MINIMUM_LETTERS = 20
CHOOSER_TIP = (
    "The second model: a run that makes the same kind of images, with its current weights. It scores the same "
    "sub-pixels in the same order. The generation's own run is another model as soon as it was trained further."
)
MAP_TIP = (
    "Log-likelihood ratio, log p of the second model minus log p of this one, per pixel: blue where this model "
    "explains the pixel better, orange where the second does. A click goes to that pixel."
)
NOBODY = "No other run makes {image} images. Train another autoregressive family on the same data to compare."


class OtherRun(QComboBox):
    """A list of the runs that can be compared with.

    Args:
        comparison: whose other run it shows and chooses.
    """

    def __init__(self, comparison: PixelComparison) -> None:
        super().__init__()
        self._comparison = comparison
        self.setMinimumContentsLength(MINIMUM_LETTERS)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setPlaceholderText("Compare with …")
        self.activated.connect(lambda index: comparison.choose(str(self.itemData(index))))

    def refresh(self, live: str, own: str) -> None:
        """Write the list anew, where it changed.

        Args:
            live: path of the run in training.
            own: path of the generation's own run.
        """
        runs = self._comparison.candidates()
        self.blockSignals(True)
        if [info.run for info in runs] != [self.itemData(index) for index in range(self.count())]:
            self.clear()
            for info in runs:
                self.addItem("", info.run)
        for index, info in enumerate(runs):
            state = "in training" if info.run == live else f"{info.step:,} steps"
            self.setItemText(index, f"{info.title} · {state}" + (" · this run, now" if info.run == own else ""))
            self.setItemData(index, f"{info.family_title}, {info.image}\n{info.run}", Qt.ItemDataRole.ToolTipRole)
        self.setCurrentIndex(self.findData(self._comparison.other) if self._comparison.other else -1)
        self.blockSignals(False)
        self.setEnabled(bool(runs))


class Scores(QWidget):
    """A small table: nats and bits per dimension of both models so far.

    Args:
        panel: whose figures these are.
    """

    def __init__(self, panel: Panel) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(8)
        for column, title in enumerate(("", "nats so far", "bits/dim")):
            label = QLabel(title)
            label.setProperty("role", "muted")
            grid.addWidget(label, 0, column, Qt.AlignmentFlag.AlignRight)
        self._names = [QLabel(), QLabel()]
        self._figures: list[tuple[QLabel, QLabel]] = []
        for row, (control, whose) in enumerate((("own", "this model"), ("other", "second model")), start=1):
            nats, bits = QLabel(), QLabel()
            panel.name_widget(nats, f"compare.{control}.nats", f"Nats, {whose}", f"−log p of what is placed, {whose}.")
            panel.name_widget(
                bits, f"compare.{control}.bits", f"Bits per dimension, {whose}", f"Per placed sub-pixel, {whose}."
            )
            grid.addWidget(self._names[row - 1], row, 0)
            for column, label in ((1, nats), (2, bits)):
                label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
                grid.addWidget(label, row, column, Qt.AlignmentFlag.AlignRight)
            self._figures.append((nats, bits))
        grid.setColumnStretch(0, 1)

    def show_scores(self, compared: Compared | None) -> None:
        """Write the numbers."""
        self.setVisible(compared is not None)
        if compared is None:
            return
        colours = (theme().color("accent").name(), other_model_color().name())
        for label, colour, name in zip(self._names, colours, ("this", "second"), strict=True):
            label.setText(f'<span style="color:{colour}">■</span> {name}')
        state = compared.state
        rows = ((state.total_nats, state.bits_per_dim), (compared.other_nats, compared.other_bits_per_dim))
        for (nats, bits), (nats_value, bits_value) in zip(self._figures, rows, strict=True):
            nats.setText(f"{nats_value:.2f}")
            bits.setText(f"{bits_value:.4f}")


class CompareView(MapView):
    """Two models on the same context: totals, divergence of the conditionals, and who explains which pixel better.

    Args:
        panel: whose controls these are.
        session: whose generation is scored by both.
        canvas: the large image.
    """

    def __init__(self, panel: Panel, session: PixelsState, canvas: PixelCanvas) -> None:
        super().__init__(panel, session, canvas)
        self.comparison = comparison_of(session)
        self.other = OtherRun(self.comparison)
        panel.name_widget(self.other, "compare.run", "Second model", CHOOSER_TIP)
        panel.name_widget(self.map, "compare.map", "Log-likelihood ratio per pixel", MAP_TIP)
        self.scores = Scores(panel)
        self.compare = panel.add_action(
            "compare",
            "Compare two models",
            "M",
            lambda: reveal(self),
            icon="overlay",
            tip="Set a second model beside this one, on the same pixels",
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
        self.controls.addWidget(panel.button(self.large, icon_only=True))
        self.lay_out(self.scores)
        self.comparison.changed.connect(self.refresh_if_seen)
        session.navigator.moved.connect(self.refresh_if_seen)
        theme().changed.connect(self.refresh_if_seen)
        self.refresh()

    def looked_at(self, looking: bool) -> None:
        """Score with the second model while the view is in sight."""
        self.comparison.set_looking(looking)

    def refresh(self) -> None:
        """Show both models' view."""
        comparison, state = self.comparison, self.session.navigator.state
        self.other.refresh(self.session.library.live, self.session.run)
        self.show_problem(comparison.problem)
        compared = comparison.compared
        self.scores.show_scores(compared)
        if compared is None:
            waiting = comparison.other and not comparison.problem
            nobody = "" if state is None or self.other.count() > 1 else NOBODY.format(image=state.spec)
            self.map.set_picture(None)
            self.map.set_placeholder("Scoring …" if waiting else "" if comparison.problem else nobody)
            self.over.take_away()
            for label in (self.title, self.words, self.reading):
                label.setText("")
            return
        self._show_map(compared)
        self.title.setText("")
        self.title.setVisible(False)
        self.words.setText(_words(compared))
        self.show_reading()

    def _show_map(self, compared: Compared) -> None:
        state = compared.state
        ratio = compared.log_ratio()
        position = state.position
        self.map.set_picture(plain_picture(state, state.context, position[1:] if position else None))
        self.map.set_show_context(False)
        large = self.large.isChecked() and self.isVisible()
        self.show_values(ratio, SMALLEST_TOP, "nats: blue this, orange second better", large=large)

    def say(self, row: int, column: int) -> str:
        """Both models' nats at a pixel."""
        compared = self.comparison.compared
        if compared is None or row >= compared.state.spec.height or column >= compared.state.spec.width:
            return ""
        state = compared.state
        steps = [step for step in state.steps_of_pixel(row, column).tolist() if step < state.step]
        if not steps:
            return f"Row {row}, column {column}: to come"
        own, other = (float(nats[steps].sum()) for nats in (state.nats, compared.other.nats.numpy()))
        return f"Row {row}, column {column}: {own:.3f} and {other:.3f} nats, ratio {signed(own - other)}"

    def _on_large(self, _large: bool) -> None:
        reveal(self)
        self.refresh()


def _words(compared: Compared) -> str:
    """Who explains better, and how far the conditionals are apart."""
    better = compared.advantage
    whose = "This model" if better > 0 else "The second model"
    parts = []
    if compared.state.step:
        parts.append(
            f"{whose} explains what is placed better by {abs(better):.2f} nats: a pixel is blue where this one"
        )
        parts.append("does, orange where the second does.")
    divergences = compared.divergences()
    if divergences is not None:
        parts.append(
            f"Next conditionals: KL(this‖second) {divergences[0]:.3f}, KL(second‖this) {divergences[1]:.3f} nats."
        )
    parts.append(f"Second: weights of step {compared.other.weights_step:,}.")
    return " ".join(parts)
