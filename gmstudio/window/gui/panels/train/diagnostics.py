"""Diagnostics of the Train panel: the family's figures, one at a time; pace and phases of the training."""

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gmstudio.protocol.training import FigureDrawn
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.gui.widgets.images.grid import ImageGrid
from gmstudio.window.gui.widgets.plots.bar_figure import BarFigure
from gmstudio.window.gui.widgets.sliders.typed_slider import TypedSlider
from gmstudio.window.state.training.curves import number
from gmstudio.window.state.training.diagnostics import MAX_PACE_HZ, MIN_PACE_HZ, Diagnostics

NO_FIGURES = "This family has no diagnostic figures."
NOT_YET = "Diagnostic figures of the model appear here."
FIGURE_TIP = "Diagnostic figure of the model"
SLOW_TIP = "Limit training to this number of steps per second, to follow every step"
PHASE_TIP = "Train all phases of a step, or a single one"
NORMS_TIP = "Norm of each phase's gradient before clipping; measured at every step while slow, else at every tenth"


class DiagnosticsView(ActiveWidget):
    """Figure chosen among those of the family, with its description; below it pace and phases.

    Args:
        diagnostics: state of the diagnostics.
        panel: panel that names the controls.
    """

    def __init__(self, diagnostics: Diagnostics, panel: Panel) -> None:
        super().__init__(panel)
        self._diagnostics = diagnostics
        self._shown = ""
        self.figure = QComboBox()
        panel.name_widget(self.figure, "figure", "Figure", FIGURE_TIP)
        self.bars = BarFigure()
        panel.name_widget(self.bars, "figure.bars", "Figure", "")
        self.images = ImageGrid()
        panel.name_widget(self.images, "figure.images", "Figure", "")
        self._pictures = QStackedWidget()
        for widget in (self.bars, self.images):
            self._pictures.addWidget(widget)
        self._description = QLabel()
        self._description.setProperty("role", "muted")
        self._description.setWordWrap(True)
        self._description.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.slow = QCheckBox("Slow down")
        panel.name_widget(self.slow, "slow", "Slow down", SLOW_TIP)
        self.pace = TypedSlider(MIN_PACE_HZ, MAX_PACE_HZ, decimals=1, log=True, suffix=" steps/s")
        self.pace.name("train.pace", "Steps per second", SLOW_TIP)
        self.only = QComboBox()
        panel.name_widget(self.only, "phase", "Phases", PHASE_TIP)
        self.norms = QLabel()
        self.norms.setWordWrap(True)
        self.norms.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        panel.name_widget(self.norms, "norms", "Gradient norms", NORMS_TIP)
        self._lay_out()
        self.figure.activated.connect(lambda index: self._choose(self.figure.itemData(index)))
        self.slow.toggled.connect(diagnostics.set_slow)
        self.pace.value_changed.connect(diagnostics.set_pace)
        self.only.activated.connect(lambda index: diagnostics.set_only(self.only.itemData(index)))
        self.bars.read.connect(self._show_reading)
        self.images.hovered.connect(self._show_column)
        diagnostics.drawn.connect(self._show_figures)
        diagnostics.changed.connect(self._show_pace)
        diagnostics.measured.connect(self._show_norms)
        self._show_figures()
        self._show_pace()
        self._show_norms()

    def set_active(self, active: bool) -> None:
        """Request figures only while they are on the screen."""
        self._diagnostics.set_active(active)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, GRID, 0, 0)
        column.setSpacing(GRID // 2)
        column.addWidget(self.figure)
        column.addWidget(self._pictures, 1)
        column.addWidget(self._description)
        self._controls = QWidget()
        grid = QGridLayout(self._controls)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(GRID // 2)
        grid.addWidget(self.slow, 0, 0)
        grid.addWidget(self.pace, 0, 1)
        self._phase_label = QLabel("Train")
        self._phase_label.setBuddy(self.only)
        grid.addWidget(self._phase_label, 1, 0)
        grid.addWidget(self.only, 1, 1)
        grid.addWidget(self.norms, 2, 0, 1, 2)
        grid.setColumnStretch(1, 1)
        column.addWidget(self._controls)

    # ---- figures -----------------------------------------------------------------------------------------------

    def _choose(self, name: str) -> None:
        self._shown = name
        self._show_figures()

    def _show_figures(self) -> None:
        figures = self._diagnostics.figures
        names = [figure.name for figure in figures]
        if [self.figure.itemData(i) for i in range(self.figure.count())] != names:
            self.figure.clear()
            for drawn in figures:
                self.figure.addItem(drawn.title, drawn.name)
        if self._shown not in names:
            self._shown = names[0] if names else ""
        self.figure.setCurrentIndex(self.figure.findData(self._shown))
        self.figure.setToolTip(f"{self.figure.currentText()}\n{FIGURE_TIP}".strip())
        self.figure.setVisible(len(names) > 0)
        chosen = next((f for f in figures if f.name == self._shown), None)
        if chosen is None:
            self._pictures.setCurrentWidget(self.images)
            self.images.set_images(self.images.images[:0])
            self.images.set_placeholder(
                NOT_YET if self._diagnostics.illustrated or not self._diagnostics.run else NO_FIGURES
            )
            self._description.setText("")
        else:
            self._show(chosen)

    def _show(self, figure: FigureDrawn) -> None:
        self._description.setText(self._help(figure))
        if figure.kind == "images" and figure.images is not None:
            self._pictures.setCurrentWidget(self.images)
            self.images.set_columns(figure.columns or None)
            self.images.set_images(figure.images.numpy())
        elif figure.values is not None:
            self._pictures.setCurrentWidget(self.bars)
            reference = None if figure.reference is None else figure.reference.numpy()
            if figure.kind == "histogram" and figure.edges is not None:
                self.bars.set_histogram(figure.values.numpy(), figure.edges.numpy(), figure.series, reference)
            else:
                self.bars.set_bars(figure.values.numpy(), figure.series, reference)

    def _show_reading(self, reading: str) -> None:
        """Describe the bin or image under the pointer; without one, the figure."""
        chosen = next((f for f in self._diagnostics.figures if f.name == self._shown), None)
        if chosen is not None:
            self._description.setText(reading or self._help(chosen))

    def _show_column(self, index: int) -> None:
        """Name the image under the pointer."""
        chosen = next((f for f in self._diagnostics.figures if f.name == self._shown), None)
        if chosen is not None and chosen.series:
            self._show_reading(chosen.series[index % len(chosen.series)] if index >= 0 else "")

    def _help(self, figure: FigureDrawn) -> str:
        columns = f" From the left: {list_columns(figure.series)}." if figure.kind == "images" else ""
        return f"{figure.help}{columns if figure.series else ''} (step {self._diagnostics.step:,})"

    def _show_norms(self) -> None:
        """Write the norm of each phase that is trained, where there are several phases."""
        norms, only = self._diagnostics.norms, self._diagnostics.only
        trained = [phase for phase in self._diagnostics.phases if phase in norms and only in ("", phase)]
        parts = [f"{phase} {number(norms[phase], 3)}" for phase in trained]
        self.norms.setText(f"Gradient norms: {', '.join(parts)}")
        self.norms.setVisible(len(self._diagnostics.phases) > 1 and bool(parts))

    # ---- pace --------------------------------------------------------------------------------------------------

    def _show_pace(self) -> None:
        diagnostics = self._diagnostics
        self.slow.blockSignals(True)
        self.slow.setChecked(diagnostics.slow)
        self.slow.blockSignals(False)
        self.pace.set_value(diagnostics.pace_hz)
        names = ["", *diagnostics.phases]
        if [self.only.itemData(i) for i in range(self.only.count())] != names:
            self.only.clear()
            for name in names:
                self.only.addItem(f"only the {name}" if name else "all phases", name)
        self.only.setCurrentIndex(self.only.findData(diagnostics.only))
        for widget in (self.slow, self.pace, self.only):
            widget.setEnabled(diagnostics.live)
        self._show_norms()
        several = len(diagnostics.phases) > 1
        self.only.setVisible(several)
        self._phase_label.setVisible(several)
        if diagnostics.problem:
            self._description.setText(diagnostics.problem)


def list_columns(names: tuple[str, ...]) -> str:
    """List the names of a grid's columns; names that repeat are listed once."""
    for period in range(1, len(names) // 2 + 1):
        if len(names) % period == 0 and names == names[:period] * (len(names) // period):
            return f"{', '.join(names[:period])}, and so on"
    return ", ".join(names)
