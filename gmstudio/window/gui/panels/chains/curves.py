"""Curves of the Chains panel: metrics along the trajectory, and the autocorrelation of the chains."""

import math
import time
from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.plots.curve_line import Trace
from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot
from gmstudio.window.state.chains.mixing import CONVERGED, Floats, Mixing
from gmstudio.window.state.chains.state import ChainsState

CHAIN = "chain"
SELECTED_WIDTH = 2.5
MAX_TRACES = 12
"""Chains that are drawn as curves; the mean is over all chains."""
REFRESH_MS = 100
MIXING_S = 0.5
"""Interval of computing the mixing while frames arrive."""
TOO_FEW = "too few steps to estimate"
MIXING_TIP = (
    "Autocorrelation ρ of the metric and of the pixels by lag in transitions, over all chains and without the first "
    "fifth of each (burn-in). It falls to 0 quickly where chains mix well.\n"
    "Integrated autocorrelation time τ = 1 + 2 Σ ρ: transitions per independent sample.\n"
    "R̂ of the pixels: spread over all chains relative to that within each; above 1.1 they have not converged."
)


class CurvesView(QWidget):
    """Chosen metric of every chain along the trajectory, and its autocorrelation.

    Args:
        panel: panel that names the controls.
        state: state of the chains.

    Signals:
        chain_hovered: number of the chain whose curve is under the pointer; -1: none is.
    """

    chain_hovered = Signal(int)

    def __init__(self, panel: Panel, state: ChainsState) -> None:
        super().__init__(panel)
        self._state = state
        self._low, self._mixed_at = False, 0.0
        self._pointed = self._selected = -1
        self.metric_combo = QComboBox()
        tip = "Metric plotted along the trajectory and written below each image"
        panel.name_widget(self.metric_combo, "metric", "Metric", tip)
        self.plot = CurvePlot("Trajectory", by="frame", kept=True)
        tip = "Curves of the chains and their mean. The line marks the frame that is shown; click to show another, "
        tip += "and a curve to select its chain, also among the images."
        panel.name_widget(self.plot, "plot", "Metric along the trajectory", tip)
        self.mixing = CurvePlot("Autocorrelation ρ", by="lag")
        panel.name_widget(self.mixing, "mixing", "Autocorrelation", MIXING_TIP)
        self.summary = QLabel()
        self.summary.setProperty("role", "muted")
        self.summary.setWordWrap(True)
        panel.name_widget(self.summary, "mixing_summary", "Mixing of the chains", MIXING_TIP)
        self._nothing = QLabel("This trajectory has no metrics.")
        self._nothing.setProperty("role", "muted")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._lay_out()
        self.metric_combo.activated.connect(lambda index: self._on_metric(self.metric_combo.itemText(index)))
        self.plot.clicked.connect(self._on_clicked)
        self.plot.trace_clicked.connect(self._on_trace_clicked)
        self.plot.trace_hovered.connect(lambda key: self.chain_hovered.emit(_chain_of(key)))
        self.mixing.hovered.connect(self.mixing.set_cursor)
        state.grown.connect(self._schedule)
        state.changed.connect(self._schedule)
        state.moved.connect(self._move_cursor)
        theme().changed.connect(self.refresh)
        self.refresh()

    def set_low(self, low: bool) -> None:
        """Hide the plot of the autocorrelation where two plots do not fit."""
        if low != self._low:
            self._low = low
            self.refresh()

    def point_at(self, chain: int) -> None:
        """Draw the curve of a chain as that under the pointer; -1: none."""
        if chain != self._pointed:
            self._pointed = chain
            self.plot.set_traces(self._traces())

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        self._label = QLabel("Metric")
        self._label.setBuddy(self.metric_combo)
        row.addWidget(self._label)
        row.addWidget(self.metric_combo, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(row)
        column.addWidget(self._nothing)
        column.addWidget(self.plot, 3)
        column.addWidget(self.mixing, 2)
        column.addWidget(self.summary)
        column.addStretch()

    def _schedule(self) -> None:
        """Refresh soon; frames arrive more often than the curves need to be redrawn."""
        if not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Draw the frames that arrived."""
        state = self._state
        metrics = list(state.frames.metrics)
        names = [metric.title for metric in metrics]
        if [self.metric_combo.itemText(i) for i in range(self.metric_combo.count())] != names:
            self.metric_combo.clear()
            self.metric_combo.addItems(names)
        self.metric_combo.setCurrentIndex(metrics.index(state.metric) if state.metric in metrics else -1)
        for widget in (self._label, self.metric_combo, self.plot):
            widget.setVisible(bool(names) or state.running)
        self._nothing.setVisible(not names and not state.running and state.length > 0)
        self.plot.set_axis(state.axis, state.frames.positions)
        self.plot.set_traces(self._traces())
        self._move_cursor()
        if not state.running or time.monotonic() - self._mixed_at > MIXING_S:
            self._show_mixing()
            self._mixed_at = time.monotonic()

    def _traces(self) -> list[Trace]:
        """Return the curve of each chain, and of several chains their mean; of the kept trajectory its mean.

        The means and the selected chain are in the legend.
        """
        curve = self._state.curve().astype(np.float64)
        if not curve.size:
            return []
        steps = np.arange(len(curve), dtype=np.int64)
        if self._state.kind == "training" or curve.shape[1] == 1:
            return [Trace("mean", self._metric_title(), steps, curve[:, 0], theme().series(0), width=1.5)]
        chosen = [c for c in (self._state.chain, self._pointed) if 0 <= c < curve.shape[1]]
        shown = sorted({*range(min(curve.shape[1], MAX_TRACES)), *chosen})
        chains = [self._chain_trace(c, steps, curve[:, c], chosen) for c in shown]
        mean = Trace("mean", "mean", steps, curve.mean(axis=1), theme().color("text"), width=1.5)
        return [*chains, mean, *self._kept_traces(len(curve))]

    def _chain_trace(self, chain: int, steps: NDArray[np.int64], values: Floats, chosen: list[int]) -> Trace:
        label, width = (f"chain {chain + 1}", SELECTED_WIDTH) if chain in chosen else ("", 1.0)
        color = theme().series(chain)
        return Trace((CHAIN, chain), label, steps, values, color, among_many=chain not in chosen, width=width)

    def _kept_traces(self, length: int) -> list[Trace]:
        """Return the mean of the kept trajectory, at the frames of the present one that belong to its frames."""
        kept, metric = self._state.kept, self._state.metric
        values = kept.frames.metrics.get(metric) if kept is not None and metric is not None else None
        if kept is None or values is None:
            return []
        frames = self._state.frames
        at = [kept.frames.counterpart(frames, index) for index in range(min(length, len(frames)))]
        mean = values.mean(axis=1).astype(np.float64)[at]
        steps = np.arange(len(at), dtype=np.int64)
        return [Trace("kept", "mean of the kept one", steps, mean, theme().color("text"), Qt.PenStyle.DashLine)]

    def _metric_title(self) -> str:
        metric = self._state.metric
        return metric.title if metric is not None else ""

    def _show_mixing(self) -> None:
        by_metric, by_pixels = self._state.mixing()
        known = len(by_pixels.rho) > 0
        self.mixing.setVisible(known and not self._low)
        self.summary.setVisible(known)
        if not known:
            return
        metric = self._state.metric
        name = metric.name if metric is not None else ""
        named = ((name, by_metric), ("pixels", by_pixels))
        self.mixing.set_traces(
            [
                Trace(label, label, np.arange(len(found.rho), dtype=np.int64), found.rho, theme().series(i), width=1.5)
                for i, (label, found) in enumerate(named)
                if len(found.rho)
            ]
        )
        self.summary.setText(mixing_summary(name, by_metric, by_pixels))

    def _move_cursor(self) -> None:
        state = self._state
        if state.chain != self._selected:
            self._selected = state.chain
            self.plot.set_traces(self._traces())
        if state.length:
            self.plot.set_cursor(state.position, state.frames.labels[state.position])
        else:
            self.plot.set_cursor(None)

    def _on_metric(self, title: str) -> None:
        """Plot a metric, unless the frames that had it were dropped since it was listed."""
        metric = next((metric for metric in self._state.frames.metrics if metric.title == title), None)
        if metric is not None:
            self._state.set_metric(metric)

    def _on_trace_clicked(self, key: Hashable) -> None:
        if _chain_of(key) >= 0:
            self._state.select_chain(_chain_of(key))

    def _on_clicked(self, frame: int) -> None:
        self._state.pause()
        self._state.seek(frame)


def _chain_of(key: Hashable) -> int:
    """Number of the chain whose curve has this key; -1 for another curve, or none."""
    return key[1] if isinstance(key, tuple) and key[0] == CHAIN else -1


def mixing_summary(name: str, by_metric: Mixing, by_pixels: Mixing) -> str:
    """Write the integrated autocorrelation times, and whether the chains have converged.

    Args:
        name: name of the metric.
        by_metric: mixing by the metric.
        by_pixels: mixing by the pixels.
    """
    found = [(label, mixing.time) for label, mixing in ((name, by_metric), ("pixels", by_pixels)) if len(mixing.rho)]
    if all(math.isinf(tau) for _, tau in found):
        times = f"{TOO_FEW} τ"
    else:
        times = f"τ in transitions: {', '.join(f'{label} {_format_time(tau)}' for label, tau in found)}"
    return f"Autocorrelation time: {times}.{_convergence(by_pixels.r_hat)}"


def _format_time(transitions: float) -> str:
    return TOO_FEW if math.isinf(transitions) else f"{transitions:.1f}"


def _convergence(r_hat: float) -> str:
    if math.isnan(r_hat):
        return ""
    value = "∞" if math.isinf(r_hat) else f"{r_hat:.2f}"
    return f" Converged (R̂ = {value})." if r_hat <= CONVERGED else f" Not converged (R̂ = {value} > {CONVERGED:g})."
