"""Colours of a projection: by label, by a known factor, or by a statistic of the Density panel.

Shapes: N images.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.density import (
    ListStatistics,
    OfferedStatistic,
    ScoreImages,
    ScoresComputed,
    StatisticsListed,
)
from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.window.client.request import Request
from gmstudio.window.state.features.projection import ProjectionState

NOTHING, LABEL, FACTOR, STATISTIC = "none", "label", "factor:", "statistic:"


class ColourOption(NamedTuple):
    """Quantity by which points can be coloured.

    Args:
        key: ``none``, ``label``, ``factor:NAME`` or ``statistic:NAME``.
        title: for display.
        tip: what it is, or why it cannot be computed.
        enabled: it can be computed.
    """

    key: str
    title: str
    tip: str
    enabled: bool = True


class ProjectionColours(QObject):
    """Quantity by which the points are coloured, and its values.

    Args:
        state: with the projection.

    Attributes:
        by: key of the quantity.
        hidden: labels whose points are not shown.
        low: percent of the values that have the lowest colour.
        high: percent of the values below the highest colour.
        values: (N,) float64 of a factor or statistic, NaN where they are not known yet; None: there are none.
        unit: of the values.
        title: of the values.
        problem: sentence on why there are none; empty: there is none.
        progress: of scoring, in words; empty: nothing is scored.

    Signals:
        changed: anything changed.
        options_changed: other quantities are offered.
    """

    changed = Signal()
    options_changed = Signal()

    def __init__(self, state: ProjectionState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.by, self.hidden = state.owner.colour or LABEL, frozenset[int]()
        self.low, self.high = 2.0, 98.0
        self.values: NDArray[np.float64] | None = None
        self.unit = self.title = self.problem = self.progress = ""
        self._state = state
        self._statistics: tuple[OfferedStatistic, ...] = ()
        self._listed = ""
        self._scored: ScoreImages | None = None
        self._active = False
        self._list = Request(state.owner.link, self)
        self._list.replied.connect(self._on_listed)
        self._score = Request(state.owner.link, self)
        self._score.replied.connect(self._on_scored)
        self._score.failed.connect(self._on_failed)
        state.images_changed.connect(self._on_images_changed)
        state.places_changed.connect(self._refresh)
        state.owner.run_changed.connect(self._list_statistics)
        state.owner.library.catalog_arrived.connect(self._refresh)  # of a new engine, which scores what is missing

    def options(self) -> tuple[ColourOption, ...]:
        """Return the quantities by which the points can be coloured."""
        shown = self._state.shown
        found = [
            ColourOption(NOTHING, "One colour", "All points have one colour."),
            ColourOption(LABEL, "Label", "The class of each image."),
        ]
        for name in () if shown is None else shown.reply.factor_names:
            found.append(ColourOption(FACTOR + name, f"Factor: {name}", "A known factor of variation of the images."))
        for offered in self._statistics:
            card = offered.card
            tip = offered.refusal or card.help
            found.append(ColourOption(STATISTIC + card.name, card.title, tip, not offered.refusal))
        return tuple(found)

    def set_active(self, active: bool) -> None:
        """Request only while the page is on the screen."""
        self._active = active
        self._list_statistics()
        self._refresh()

    def choose(self, by: str) -> None:
        """Colour by another quantity."""
        if by != self.by:
            self.by = self._state.owner.colour = by
            self._score.cancel()
            self._scored = None
            self.values, self.problem, self.progress = None, "", ""
            self._refresh()

    def set_hidden(self, hidden: frozenset[int]) -> None:
        """Choose the labels whose points are not shown."""
        if hidden != self.hidden:
            self.hidden = hidden
            self.changed.emit()

    def set_range(self, low: float, high: float) -> None:
        """Choose the quantiles at the ends of the colour scale, percent."""
        if (low, high) != (self.low, self.high):
            self.low, self.high = low, high
            self.changed.emit()

    def value_text(self, index: int) -> str:
        """Value of an image in words; empty: there is none."""
        if self.values is None or not 0 <= index < len(self.values) or np.isnan(self.values[index]):
            return ""
        return f"{self.title} {self.values[index]:.4g} {self.unit}".rstrip()

    def _list_statistics(self) -> None:
        run = self._state.owner.run
        if run != self._listed:
            self._statistics, self._listed = (), ""
            self._list.drop()
            self.options_changed.emit()
        if self._active and run and not self._listed and not self._list.busy:
            self._list.send(ListStatistics(run=run))

    def _on_listed(self, event: StatisticsListed) -> None:
        self._statistics, self._listed = event.statistics, event.run
        self.options_changed.emit()
        self._refresh()

    def _on_images_changed(self) -> None:
        self._score.cancel()
        self._scored = None
        self.values, self.hidden, self.problem, self.progress = None, frozenset(), "", ""
        self.options_changed.emit()

    def _refresh(self) -> None:
        """Take the values of the quantity, or have them computed."""
        shown = self._state.shown
        name = self.by.partition(":")[2]
        if shown is None:
            self.values = None
        elif self.by.startswith(FACTOR):
            names = shown.reply.factor_names
            if shown.factors is not None and name in names:
                self.values, self.title = shown.factors[:, names.index(name)].astype(np.float64), name
                self.unit = self.problem = ""
            else:
                self.values, self.problem = None, f"These images have no factor {name}; choose another quantity."
        elif self.by.startswith(STATISTIC):
            self._score_if_needed(name)
        else:
            self.values = None
        self.changed.emit()

    def _score_if_needed(self, name: str) -> None:
        shown = self._state.shown
        offered = next((offered for offered in self._statistics if offered.card.name == name), None)
        if shown is None or offered is None or not self._active:
            return
        if offered.refusal:
            self.values, self.problem = None, offered.refusal
            return
        command = ScoreImages(run=shown.command.run, images=shown.command.images, statistic=name)
        if command == self._scored:
            return
        self._scored = command
        self.values, self.problem, self.progress = None, "", f"{offered.card.title}: waiting for the engine"
        self._score.replace(command)

    def _on_scored(self, event: ScoresComputed) -> None:
        shown = self._state.shown
        values = event.values.numpy().astype(np.float64)
        if shown is None or len(values) != len(shown.places):
            return
        self.values, self.title, self.unit = values, event.statistic.title, event.statistic.unit
        done, total = event.progress.done, event.progress.total
        self.progress = "" if event.done else f"{event.statistic.title}: {done:,} of {total:,} images"
        self.problem = " ".join(event.warnings) if event.done else ""
        self.changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        gone = failure.reason is Reason.ENGINE_GONE
        self._scored = None if gone else self._scored
        self.problem, self.progress = "" if gone else failure.message, ""
        self.changed.emit()
