"""Curves of one or several runs: a plot for each group of terms, and controls for all plots."""

import math
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSplitter,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gmstudio.window.gui.forms.editors import NumberEdit, ThemedIcon
from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.panels.train.curve_traces import CurveTraces, steps_of
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.state.runs.library import RunLibrary
from gmstudio.window.state.training.curves import AXES, LIKELIHOOD, PER_UNIT, UNITS, Group
from gmstudio.window.state.training.state import TrainingState

if TYPE_CHECKING:
    from gmstudio.window.gui.widgets.plots.curve_line import Trace
    from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot

REFRESH_MS = 50
PLOT_TIP = (
    "Wheel: zoom; on an axis, that axis only. Drag: move. Shift and drag: zoom into a box. "
    "Double click: follow the data. Keys: + − ← → Home."
)
SMOOTHING_STEPS = 100
FIRST_SMOOTHING = 0.9
AXIS_TIP = "Horizontal axis: training steps, epochs (passes over the training images), or time without pauses"
ENLARGE_TIP = "Give the curves the place of samples and tabs, too"
SHOWN_AT_FIRST = ("loss", "probability")


def smoothing_weight(position: int) -> float:
    """Convert a slider position to the weight of the past: 0 to 0.999, logarithmic in the averaging length."""
    return 0.0 if position == 0 else 1.0 - 10.0 ** (-3.0 * position / SMOOTHING_STEPS)


def smoothing_position(weight: float) -> int:
    """Convert a weight of the past to the nearest slider position."""
    return 0 if weight <= 0 else round(-math.log10(1.0 - min(weight, 0.999)) * SMOOTHING_STEPS / 3.0)


NOTHING_YET = "Losses, gradient norms and speed are plotted here while a model trains."
NO_POSITIONS = {
    "step": "no curves are recorded.",
    "epoch": "the number of training images is not recorded, so there are no epochs; choose step or time.",
    "time": "no speed is recorded, so there is no time; choose step.",
}
"""Axis → reason why a run has no curves on it."""


class TrainCurves(ActiveWidget):
    """Curves of the overlaid runs.

    With one run, colours distinguish terms; with several, colours distinguish runs and dashes terms.

    Args:
        state: state of training.
        library: library of runs, for titles and image specs.
        panel: panel that names the controls and holds the actions.

    Signals:
        enlarged: whether the curves are to have the place of samples and tabs, too.
    """

    enlarged = Signal(bool)

    def __init__(self, state: TrainingState, library: RunLibrary, panel: Panel) -> None:
        super().__init__()
        self._state = state
        self._source = CurveTraces(state, library)
        self.plots: dict[str, CurvePlot] = {}
        self._toggles: dict[str, QToolButton] = {}
        self._smoothing = FIRST_SMOOTHING
        self._log = False
        self._unit = UNITS[0]
        self._by = "step"
        self._marked: list[tuple[int, QColor]] = []
        self._empty = QLabel(NOTHING_YET, self)
        self._empty.setProperty("role", "muted")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.hide()
        self._groups = QHBoxLayout()
        self._groups.setSpacing(4)
        self._make_controls(panel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self._tool_box = QWidget(self)
        self._tool_box.setLayout(self._tool_row(panel))
        layout.addWidget(self._tool_box)
        layout.addWidget(self._empty, 1)
        layout.addWidget(self._splitter, 1)
        panel.name_widget(self, "curves", "Training curves", "")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        state.history_changed.connect(self._on_history_changed)
        state.overlays_changed.connect(self._schedule)
        state.run_changed.connect(self._schedule)
        library.changed.connect(self._on_library_changed)
        theme().changed.connect(self._schedule)

    # ---- controls ---------------------------------------------------------------------------------------------------

    def _make_controls(self, panel: Panel) -> None:
        self._unit_combo = QComboBox(self)
        self._unit_combo.addItems(list(UNITS))
        tip = "Log-likelihoods and their bounds in nats per image, or in bits per dimension (sub-pixel)."
        panel.name_widget(self._unit_combo, "unit", "Unit of likelihoods", tip)
        self._axis_combo = QComboBox(self)
        for axis in AXES:
            self._axis_combo.addItem(axis, axis)
        panel.name_widget(self._axis_combo, "axis", "Horizontal axis", AXIS_TIP)
        self._axis_combo.currentIndexChanged.connect(lambda index: self.set_axis(self._axis_combo.itemData(index)))
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setRange(0, SMOOTHING_STEPS)
        self._slider.setFixedWidth(56)
        self._weight = NumberEdit(whole=False, low=0.0, high=0.999, parent=self)
        self._weight.set_value(self._smoothing)
        self._slider.setValue(smoothing_position(self._smoothing))
        self._weight.setFixedWidth(68)
        tip = "Weight of the past in an exponential moving average of training curves; the raw curve stays visible."
        panel.name_widget(self._slider, "smoothing", "Smoothing", tip)
        panel.name_widget(self._weight, "smoothing_typed", "Smoothing weight, typed", tip)
        self._unit_combo.currentTextChanged.connect(self.set_unit)
        self._slider.valueChanged.connect(lambda position: self.set_smoothing(smoothing_weight(position)))
        self._weight.editingFinished.connect(self._on_weight_typed)

    def _tool_row(self, panel: Panel) -> QBoxLayout:
        log = panel.add_action(
            "log", "Log", "Ctrl+G", self.set_log, icon="log", tip="Logarithmic value axis", checkable=True
        )
        follow = panel.add_action(
            "follow", "Follow", "Ctrl+F", self.follow, icon="follow", tip="Show all steps, and new ones as they arrive"
        )
        tip, key = ENLARGE_TIP, "Ctrl+Shift+G"
        self._enlarge = panel.add_action(
            "enlarge", "Enlarge curves", key, self.enlarged.emit, icon="fit", tip=tip, checkable=True
        )
        panel.remember(self._unit_combo, self._axis_combo, self._slider, log)
        smoothing = ThemedIcon("smooth", self)
        smoothing.setToolTip(self._slider.toolTip())
        log_button, follow_button = panel.button(log, icon_only=True), panel.button(follow, icon_only=True)
        self._tool_groups, self._tool_controls = groups, controls = QHBoxLayout(), QHBoxLayout()
        controls.setSpacing(8)
        controls.addStretch(1)
        for widget in (
            self._unit_combo,
            self._axis_combo,
            smoothing,
            self._slider,
            self._weight,
            log_button,
            follow_button,
            panel.button(self._enlarge, icon_only=True),
        ):
            controls.addWidget(widget)
        groups.addLayout(self._groups)
        groups.addStretch(1)
        self._tools = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._tools.setContentsMargins(0, 0, 0, 0)
        self._tools.setSpacing(8)
        self._tools.addLayout(groups)
        self._tools.addLayout(controls, 1)
        return self._tools

    def set_controls_shown(self, shown: bool) -> None:
        """Show the controls above the plots, or the plots alone."""
        self._tool_box.setVisible(shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Place the groups in a row of their own in a narrow window."""
        super().resizeEvent(event)
        self._arrange_tools()

    def minimumSizeHint(self) -> QSize:
        """Width of the groups or the controls one above the other, even while they are side by side."""
        rows = max(row.minimumSize().width() for row in (self._tool_groups, self._tool_controls))
        hint = super().minimumSizeHint()
        return QSize(min(hint.width(), max(rows, self._splitter.minimumSizeHint().width())), hint.height())

    def event(self, event: QEvent) -> bool:
        """Arrange the controls when groups were added or removed."""
        if event.type() == QEvent.Type.LayoutRequest:
            self._arrange_tools()
        return super().event(event)

    def _arrange_tools(self) -> None:
        rows = (self._tool_groups, self._tool_controls)
        fits = sum(row.sizeHint().width() for row in rows) + self._tools.spacing() <= self.width()
        directions = QBoxLayout.Direction
        self._tools.setDirection(directions.LeftToRight if fits else directions.TopToBottom)

    def set_unit(self, unit: str) -> None:
        """Show log-likelihoods in ``nats`` or ``bits/dim``."""
        self._unit = unit
        self._schedule()

    def set_axis(self, axis: str) -> None:
        """Show curves by ``step``, ``epoch`` or ``time``, and all of them."""
        self._by = axis
        for plot in self.plots.values():
            plot.set_axis(AXES[axis], unit=self._axis_unit)
        self.follow()
        self._schedule()

    @property
    def _axis_unit(self) -> int:
        return 1 if self._by == "step" else PER_UNIT

    def set_smoothing(self, weight: float) -> None:
        """Set the smoothing of all training curves."""
        self._smoothing = min(max(weight, 0.0), 0.999)
        with QSignalBlocker(self._slider):
            self._slider.setValue(smoothing_position(self._smoothing))
        self._weight.set_value(round(self._smoothing, 3))
        for plot in self.plots.values():
            plot.set_smoothing(self._smoothing)

    def set_log(self, on: bool) -> None:
        """Set logarithmic or linear value axes."""
        self._log = on
        for plot in self.plots.values():
            plot.set_log(on)

    def follow(self) -> None:
        """Follow the data in all plots."""
        for plot in self.plots.values():
            plot.follow()

    def _on_weight_typed(self) -> None:
        try:
            self.set_smoothing(float(self._weight.value or 0.0))
        except ValueError:
            self.set_smoothing(self._smoothing)

    # ---- data -------------------------------------------------------------------------------------------------------

    def _on_history_changed(self, run: str) -> None:
        if run in self._state.overlays:
            self._schedule()

    def _on_library_changed(self) -> None:
        """Mark a checkpoint that was kept."""
        if self._source.marks(self._by) != self._marked:
            self._schedule()

    def set_active(self, active: bool) -> None:
        """Draw what arrived while the curves were hidden, as soon as the panel is there."""
        if active:
            self._schedule()
        else:
            self._timer.stop()

    def _schedule(self) -> None:
        if self.active and not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Update all plots; called by the timer."""
        groups: dict[str, tuple[Group, list[Trace]]] = {}
        without: list[str] = []
        for run in self._state.overlays:
            traces = self._source.traces(run, self._unit, self._by)
            for group, trace in traces:
                groups.setdefault(group.key, (group, []))[1].append(trace)
            if not traces and self._state.history(run).names():
                without.append(self._source.title(run))
        marks = self._marked = self._source.marks(self._by)
        extent = steps_of([trace for _, traces in groups.values() for trace in traces])
        ordered = sorted(groups, key=lambda key: not key.startswith(SHOWN_AT_FIRST))
        self._empty.setText(f"{', '.join(without)}: {NO_POSITIONS[self._by]}" if without else NOTHING_YET)
        self._empty.setVisible(bool(without) or not groups)
        self._splitter.setVisible(bool(groups))
        for key in [k for k in self._toggles if k not in groups]:
            self._drop(key)
        for key in ordered:
            if key not in self._toggles:
                self._add_toggle(groups[key][0])
            if self._toggles[key].isChecked():
                if key not in self.plots:
                    self._add_plot(groups[key][0])
                self.plots[key].set_unit(groups[key][0].unit)
                self.plots[key].set_steps(extent)
                self.plots[key].set_traces(groups[key][1])
                self.plots[key].marks.set(marks)
        self._keep_order(ordered)
        self._unit_combo.setEnabled(LIKELIHOOD in groups)

    def _keep_order(self, keys: list[str]) -> None:
        """Place the losses first, whichever curve arrived first."""
        for place, key in enumerate(keys):
            if self._groups.indexOf(self._toggles[key]) != place:
                self._groups.insertWidget(place, self._toggles[key])
        for place, key in enumerate([key for key in keys if key in self.plots]):
            if self._splitter.indexOf(self.plots[key]) != place:
                self._splitter.insertWidget(place, self.plots[key])

    # ---- plots ------------------------------------------------------------------------------------------------------

    def _add_plot(self, group: Group) -> None:
        """Create the plot of a group."""
        from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot

        plot = CurvePlot(group.title, group.unit)
        plot.setObjectName(f"train.curves.{group.key}")
        plot.setAccessibleName(f"{group.title} by training step")
        plot.setToolTip(PLOT_TIP)
        plot.set_axis(AXES[self._by], unit=self._axis_unit)
        plot.set_smoothing(self._smoothing)
        plot.set_log(self._log)
        plot.hovered.connect(self._on_hovered)
        plot.zoomed.connect(self._on_zoomed)
        plot.follow_wanted.connect(self.follow)
        if self.plots:
            plot.link_x(next(iter(self.plots.values())))
        self.plots[group.key] = plot
        self._splitter.addWidget(plot)

    def _add_toggle(self, group: Group) -> None:
        """Create the button that shows and hides the plot of a group."""
        toggle = QToolButton(self)
        toggle.setText(group.short or group.title)
        toggle.setCheckable(True)
        toggle.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        toggle.setChecked(group.key.startswith(SHOWN_AT_FIRST))
        toggle.setObjectName(f"train.curves.show.{group.key}")
        toggle.setAccessibleName(f"Show {group.title}")
        toggle.setToolTip(f"Show or hide the plot: {group.title}.")
        toggle.toggled.connect(lambda on: self._show_plot(group.key, on))
        self._groups.addWidget(toggle)
        self._toggles[group.key] = toggle

    def _show_plot(self, key: str, on: bool) -> None:
        if key in self.plots:
            self.plots[key].setVisible(on)
        self._schedule()

    def _drop(self, key: str) -> None:
        for widget in (self.plots.pop(key, None), self._toggles.pop(key)):
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        plots = list(self.plots.values())
        for plot in plots[1:]:
            plot.link_x(plots[0])

    def _on_hovered(self, step: float | None) -> None:
        for plot in self.plots.values():
            plot.set_cursor(step)

    def _on_zoomed(self) -> None:
        """Stop following in all plots, which show the same steps."""
        for plot in self.plots.values():
            plot.following_x = False
