"""The Chains panel's curves: what is measured along the trajectory, with the cursor on it, and how fast chains mix."""

import math
import time

import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.window.gui.panel import Panel
from gmstudio.window.gui.theme import GRID, theme
from gmstudio.window.gui.widgets.plots.curve_line import Trace
from gmstudio.window.gui.widgets.plots.curve_plot import CurvePlot
from gmstudio.window.state.chains.mixing import CONVERGED, Mixing
from gmstudio.window.state.chains.state import ChainsState

MAX_TRACES = 12
"""Chains that have a curve of their own; the mean is over all of them."""
REFRESH_MS = 100
MIXING_S = 0.5
"""While moments come, how they mix is worked out so seldom."""
TOO_LONG = "too long to tell"
MIXING_TIP = (
    "Autocorrelation of the measure, and of the pixels, by how many transitions two states are apart; over all chains "
    "together and without the first fifth of them (burn-in). Where chains mix well it falls to 0 quickly.\n"
    "τ = 1 + 2 Σ ρ: so many transitions are worth one independent state.\n"
    "R̂ of the pixels: spread over all chains against that within each; above 1.1, they have not come together."
)


class CurvesView(QWidget):
    """The chosen measure of every chain over the moments, and its autocorrelation over lags.

    Args:
        panel: whose controls these are.
        session: what they show.
    """

    def __init__(self, panel: Panel, session: ChainsState) -> None:
        super().__init__(panel)
        self._session = session
        self._low, self._mixed_at = False, 0.0
        self.measure = QComboBox()
        panel.name_widget(self.measure, "measure", "Measure", "What is drawn along the trajectory and under each image")
        self.plot = CurvePlot("Trajectory", by="moment", kept=True)
        tip = "Each chain's curve and their mean. The line is the cursor; click to go there."
        panel.name_widget(self.plot, "plot", "Measure along the trajectory", tip)
        self.mixing = CurvePlot("Autocorrelation ρ", by="lag")
        panel.name_widget(self.mixing, "mixing", "Autocorrelation", MIXING_TIP)
        self.words = QLabel()
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        panel.name_widget(self.words, "mixing_words", "How the chains mix", MIXING_TIP)
        self._nothing = QLabel("Nothing is measured along this trajectory.")
        self._nothing.setProperty("role", "muted")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._lay_out()
        self.measure.activated.connect(lambda index: session.set_metric(list(session.metrics)[index]))
        self.plot.clicked.connect(self._on_clicked)
        self.mixing.hovered.connect(self.mixing.set_cursor)
        session.grown.connect(self._schedule)
        session.changed.connect(self._schedule)
        session.moved.connect(self._move_cursor)
        theme().changed.connect(self.refresh)
        self.refresh()

    def set_low(self, low: bool) -> None:
        """Do without the plot of the autocorrelation, where there is no room for two."""
        if low != self._low:
            self._low = low
            self.refresh()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        self._label = QLabel("Measure")
        self._label.setBuddy(self.measure)
        row.addWidget(self._label)
        row.addWidget(self.measure, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(row)
        column.addWidget(self._nothing)
        column.addWidget(self.plot, 3)
        column.addWidget(self.mixing, 2)
        column.addWidget(self.words)
        column.addStretch()

    def _schedule(self) -> None:
        """Moments come often; what they say is worked out a few times a second."""
        if not self._timer.isActive():
            self._timer.start()

    def refresh(self) -> None:
        """Draw what came."""
        session = self._session
        metrics = list(session.metrics)
        names = [metric.title for metric in metrics]
        if [self.measure.itemText(i) for i in range(self.measure.count())] != names:
            self.measure.clear()
            self.measure.addItems(names)
        self.measure.setCurrentIndex(metrics.index(session.metric) if session.metric in metrics else -1)
        for widget in (self._label, self.measure, self.plot):
            widget.setVisible(bool(names) or session.running)
        self._nothing.setVisible(not names and not session.running and session.length > 0)
        self.plot.set_traces(self._traces())
        self._move_cursor()
        if not session.running or time.monotonic() - self._mixed_at > MIXING_S:
            self._show_mixing()
            self._mixed_at = time.monotonic()

    def _traces(self) -> list[Trace]:
        """Each chain's curve, and where there are several of them their mean, which alone is named."""
        curve = self._session.curve().astype(np.float64)
        if not curve.size:
            return []
        steps = np.arange(len(curve), dtype=np.int64)
        if self._session.kind == "training" or curve.shape[1] == 1:
            return [Trace("mean", self._metric_title(), steps, curve[:, 0], theme().series(0), width=1.5)]
        shown = range(min(curve.shape[1], MAX_TRACES))
        chains = [Trace(("chain", c), "", steps, curve[:, c], theme().series(c), among_many=True) for c in shown]
        return [*chains, Trace("mean", "mean", steps, curve.mean(axis=1), theme().color("text"), width=1.5)]

    def _metric_title(self) -> str:
        metric = self._session.metric
        return metric.title if metric is not None else ""

    def _show_mixing(self) -> None:
        by_measure, by_pixels = self._session.mixing()
        known = len(by_pixels.rho) > 0
        self.mixing.setVisible(known and not self._low)
        self.words.setVisible(known)
        if not known:
            return
        metric = self._session.metric
        name = metric.name if metric is not None else ""
        named = ((name, by_measure), ("pixels", by_pixels))
        self.mixing.set_traces(
            [
                Trace(label, label, np.arange(len(found.rho), dtype=np.int64), found.rho, theme().series(i), width=1.5)
                for i, (label, found) in enumerate(named)
                if len(found.rho)
            ]
        )
        self.words.setText(mixing_words(name, by_measure, by_pixels))

    def _move_cursor(self) -> None:
        session = self._session
        if session.length:
            self.plot.set_cursor(session.position, session.labels[session.position])
        else:
            self.plot.set_cursor(None)

    def _on_clicked(self, moment: int) -> None:
        self._session.pause()
        self._session.seek(moment)


def mixing_words(name: str, by_measure: Mixing, by_pixels: Mixing) -> str:
    """The integrated autocorrelation times, and whether the chains agree.

    Args:
        name: of the measure.
        by_measure: how it mixes.
        by_pixels: how the pixels do.
    """
    found = [(words, m.time) for words, m in ((name, by_measure), ("pixels", by_pixels)) if len(m.rho)]
    if all(math.isinf(tau) for _, tau in found):
        times = f": {TOO_LONG} from so few transitions"
    else:
        times = f", in transitions: {', '.join(f'{words} {_time_words(tau)}' for words, tau in found)}"
    return f"Autocorrelation time τ{times}.{_agreement(by_pixels.r_hat)}"


def _time_words(transitions: float) -> str:
    return TOO_LONG if math.isinf(transitions) else f"{transitions:.1f}"


def _agreement(r_hat: float) -> str:
    if math.isnan(r_hat):
        return ""
    agree = "the chains agree" if r_hat <= CONVERGED else "the chains have not come together"
    return f" R̂ = {r_hat:.2f}: {agree}."
