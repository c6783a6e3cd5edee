"""The Chains panel's curves: what is measured along the timeline, with the cursor on it, and how fast chains mix."""

import math

import numpy as np
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from gmstudio.gui.panels.panel import Panel
from gmstudio.gui.theme import GRID, theme
from gmstudio.gui.widgets.curve_line import Trace
from gmstudio.gui.widgets.curve_plot import CurvePlot
from gmstudio.session.autocorrelation import integrated_time
from gmstudio.session.chains import ChainsSession

MAX_TRACES = 16
"""Chains that have a curve of their own; the mean is over all of them."""


class CurvesView(QWidget):
    """The chosen measure of every chain over the moments, and its autocorrelation over lags.

    Args:
        panel: whose controls these are.
        session: what they show.
    """

    def __init__(self, panel: Panel, session: ChainsSession) -> None:
        super().__init__(panel)
        self._session = session
        self.measure = QComboBox()
        panel.name_widget(self.measure, "measure", "Measure", "What is drawn along the timeline and under each image")
        self.plot = CurvePlot("Along the timeline")
        panel.name_widget(
            self.plot, "plot", "Measure along the timeline", "Each chain's curve; the line is the cursor."
        )
        self.mixing = CurvePlot("Autocorrelation")
        panel.name_widget(
            self.mixing,
            "mixing",
            "Autocorrelation",
            "How alike the measure is to itself so many transitions later, averaged over the chains; where they mix "
            "well it falls to 0 quickly.",
        )
        self.words = QLabel()
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        row = QHBoxLayout()
        label = QLabel("Measure")
        label.setBuddy(self.measure)
        row.addWidget(label)
        row.addWidget(self.measure, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(GRID // 2)
        column.addLayout(row)
        column.addWidget(self.plot, 3)
        column.addWidget(self.mixing, 2)
        column.addWidget(self.words)
        self.measure.activated.connect(lambda index: session.set_measure(self.measure.itemText(index)))
        session.grown.connect(self.refresh)
        session.moved.connect(self._move_cursor)
        theme().changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Draw what came."""
        session = self._session
        names = list(session.measures)
        if [self.measure.itemText(i) for i in range(self.measure.count())] != names:
            self.measure.clear()
            self.measure.addItems(names)
        self.measure.setCurrentIndex(self.measure.findText(session.measure))
        self.measure.setEnabled(len(names) > 1)
        self.plot.set_traces(self._traces())
        self._move_cursor()
        self._show_mixing()

    def _traces(self) -> list[Trace]:
        """Each chain's curve, and where there are several of them their mean, which alone is named."""
        curve = self._session.curve().astype(np.float64)
        if not curve.size:
            return []
        steps = np.arange(len(curve), dtype=np.int64)
        if self._session.kind == "training" or curve.shape[1] == 1:
            return [Trace("mean", self._session.measure, steps, curve[:, 0], theme().series(0))]
        shown = range(min(curve.shape[1], MAX_TRACES))
        chains = [Trace(("chain", c), "", steps, curve[:, c], theme().series(c)) for c in shown]
        return [*chains, Trace("mean", "mean", steps, curve.mean(axis=1), theme().color("text"))]

    def _show_mixing(self) -> None:
        rho = self._session.autocorrelation()
        is_chain = self._session.kind == "generation" and len(rho) > 0
        self.mixing.setVisible(is_chain)
        self.words.setVisible(is_chain)
        if not is_chain:
            return
        lags = np.arange(len(rho), dtype=np.int64)
        self.mixing.set_traces([Trace("rho", "ρ(lag)", lags, rho, theme().series(0))])
        time = integrated_time(rho)
        self.words.setText(
            "Too short to tell how fast it mixes: the autocorrelation has not died away."
            if math.isinf(time)
            else f"Integrated autocorrelation time: {time:.1f} transitions, about the way to an independent state."
        )

    def _move_cursor(self) -> None:
        session = self._session
        self.plot.set_cursor(session.position if session.length else None)
