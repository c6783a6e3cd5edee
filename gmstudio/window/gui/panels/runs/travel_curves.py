"""Curves of the run of the Time travel page, with a cursor at the step that is shown."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QStackedLayout

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import theme
from gmstudio.window.gui.widgets.active_widget import ActiveWidget
from gmstudio.window.state.runs.travel import TravelState
from gmstudio.window.state.training.curves import AXES, group_of, headline_of, label_of

if TYPE_CHECKING:
    from gmstudio.window.gui.widgets.plots.curve_line import Trace
    from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot

REFRESH_MS = 60
SPLITS = {"train": "train", "valid": "validation"}
TIP = "Loss of the run, with a cursor at the step that is shown and a mark where settings were changed."
NOTHING = "This run has no curves yet."
SMOOTHING = 0.9


class TravelCurves(ActiveWidget):
    """Plot of the quantity that measures the model with its parts, of training and validation.

    Args:
        panel: names the plot.
        state: with the step that is shown.

    Attributes:
        plot: made when the page is first shown; None before.
    """

    def __init__(self, panel: Panel, state: TravelState) -> None:
        super().__init__()
        self._panel, self._state = panel, state
        self.plot: CurvePlot | None = None
        self._empty = QLabel(NOTHING)
        self._empty.setProperty("role", "muted")
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._empty)
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        for change in (state.changed, state.moved, theme().changed):
            change.connect(self._schedule)

    def set_active(self, active: bool) -> None:
        """Draw what arrived while the page was hidden."""
        if active:
            self.refresh()
        else:
            self._timer.stop()

    def _schedule(self) -> None:
        if self.active and not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Draw the curves up to now."""
        state = self._state
        objective = state.opened.objective if state.opened is not None else None
        name = headline_of(objective, state.history) or next(iter(state.history.names()), "")
        group = group_of(objective, name, "nats")
        plot = self._plot_of(group.title)
        plot.set_unit(group.unit)
        names = [one for one in state.history.names() if group_of(objective, one, "nats") == group]
        plot.set_traces([trace for place, one in enumerate(names) for trace in self._traces(one, place)])
        plot.set_steps((0, state.last) if name else None)
        plot.set_cursor(state.at if name else None)
        changes = state.opened.changes if state.opened is not None else ()
        plot.marks.set([(change.step, theme().color("accent")) for change in changes])
        self._stack.setCurrentWidget(plot if name else self._empty)

    def _traces(self, name: str, place: int) -> "list[Trace]":
        """Training and validation of a curve, in the colour of its place."""
        from gmstudio.window.gui.widgets.plots.curve_line import Trace
        from gmstudio.window.gui.widgets.plots.smoothed_curve import gap_of_steps

        state = self._state
        objective = state.opened.objective if state.opened is not None else None
        traces = []
        for split, legend in SPLITS.items():
            curve = state.history.curve(split, name)
            if curve is not None:
                traces.append(
                    Trace(
                        key=(state.run, split, name),
                        label=label_of(name, objective),
                        steps=curve.steps,
                        values=curve.values,
                        color=theme().series(place),
                        split=legend,
                        validation=split == "valid",
                        generation=curve.generation,
                        spacing=gap_of_steps(curve.steps),
                    )
                )
        return traces

    def _plot_of(self, title: str) -> "CurvePlot":
        """The plot; another quantity gets another one."""
        from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot

        if self.plot is not None and self.plot.accessibleName() == title:
            return self.plot
        if self.plot is not None:
            self._stack.removeWidget(self.plot)
            self.plot.deleteLater()
        plot = self.plot = CurvePlot(title)
        self._panel.name_widget(plot, "travel_curves", title, TIP)
        plot.set_axis(AXES["step"])
        plot.set_smoothing(SMOOTHING)
        self._stack.addWidget(plot)
        return plot
