"""What each latent dimension does, by measure: KL and effect, the order they give, and the collapsed ones."""

import time
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import ComputeDimensionStats, DimensionStatsComputed
from gmstudio.window.client.engine_link import EngineLink

Sort = Literal["index", "kl", "effect"]
COLLAPSED_NATS = 0.01
"""A dimension whose mean KL is below this carries nothing: its posterior is the prior for every image."""
WEAK_EFFECT = 0.005
"""A dimension that changes the pixels (0 … 1) by less than this, root mean square, is hardly seen."""
LIVE_PAUSE_S = 3.0
LIVE_SHARE = 0.1
"""While the model trains, measuring takes at most about this share of the engine's time."""


class DimensionStatistics(QObject):
    """Measures of the latent dimensions of one run.

    Attributes:
        kl: (Z,) mean KL(q(z_j|x) ‖ p(z_j)) over validation images, nats; None without a posterior or before measured.
        effect: (Z,) root mean square change of the means (0 … 1) from -1σ to 1σ; None before measured.
        step: training step of the weights that were measured; -1 before.
        sort: the order that the user wants.
        hiding: whether dimensions below the threshold are left out.
        thresholds: by measure, what those that are shown reach at least.
        problem: why measuring failed, or "".

    Signals:
        changed: new measures, none any more, a problem, or the first are being taken.
        sort_changed: another order is wanted, or others are to be left out.
    """

    changed = Signal()
    sort_changed = Signal()

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.kl: NDArray[np.float32] | None = None
        self.effect: NDArray[np.float32] | None = None
        self.step = -1
        self.sort: Sort = "kl"
        self.problem = ""
        self.hiding = False
        self.thresholds: dict[Sort, float] = {"kl": COLLAPSED_NATS, "effect": WEAK_EFFECT, "index": 0.0}
        self._events = events
        self._request = 0
        self._asked_s = self._took_s = 0.0
        self._answered_s = float("-inf")
        events.on(DimensionStatsComputed).connect(self._on_measured)
        events.on(CommandFailed).connect(self._on_failed)

    @property
    def busy(self) -> bool:
        """Whether a measurement is under way."""
        return self._request != 0

    @property
    def due(self) -> bool:
        """Whether a model in training may be measured again."""
        pause = max(LIVE_PAUSE_S, self._took_s / LIVE_SHARE)
        return not self.busy and time.monotonic() - self._answered_s > pause

    @property
    def sorted_by(self) -> Sort:
        """The order that there is: by effect where there is no KL, by index as long as nothing is measured."""
        if self.sort == "kl" and self.kl is not None:
            return "kl"
        return "effect" if self.sort != "index" and self.effect is not None else "index"

    @property
    def collapsed(self) -> NDArray[np.bool_] | None:
        """(Z,): which dimensions carry less than ``COLLAPSED_NATS``; None when KL is not known."""
        return None if self.kl is None else self.kl < COLLAPSED_NATS

    @property
    def kl_total(self) -> float:
        """Mean KL over all dimensions together, nats; what the code tells of an image. 0 when it is not known."""
        return 0.0 if self.kl is None else float(self.kl.sum())

    def order(self, num_dims: int) -> list[int]:
        """All dimensions, the ones that matter most first."""
        measure = {"kl": self.kl, "effect": self.effect, "index": None}[self.sorted_by]
        if measure is None or len(measure) != num_dims:
            return list(range(num_dims))
        return [int(dim) for dim in np.argsort(-measure, kind="stable")]

    def strongest(self, count: int) -> list[int]:
        """The dimensions that matter most, whatever is sorted by: by KL where it is known, else by effect."""
        measure = self.kl if self.kl is not None else self.effect
        return [] if measure is None else [int(dim) for dim in np.argsort(-measure, kind="stable")[:count]]

    @property
    def hidden_by(self) -> Sort:
        """The measure whose threshold holds: the one sorted by, else KL where it is known; ``index``: none."""
        if self.sorted_by != "index":
            return self.sorted_by
        return "kl" if self.kl is not None else "effect" if self.effect is not None else "index"

    def shown(self, num_dims: int) -> list[int]:
        """The dimensions that are not left out, in order."""
        by = self.hidden_by
        measure = {"kl": self.kl, "effect": self.effect, "index": None}[by]
        order = self.order(num_dims)
        if not self.hiding or measure is None or len(measure) != num_dims:
            return order
        return [dim for dim in order if measure[dim] >= self.thresholds[by]]

    def hide(self, hiding: bool) -> None:
        """Leave out the dimensions below the threshold, or show all."""
        if hiding != self.hiding:
            self.hiding = hiding
            self.sort_changed.emit()

    def set_threshold(self, value: float) -> None:
        """Leave out the dimensions below this, in the measure of ``hidden_by``."""
        if value != self.thresholds[self.hidden_by]:
            self.thresholds[self.hidden_by] = max(0.0, value)
            self.sort_changed.emit()

    def set_sort(self, sort: Sort) -> None:
        """Want another order."""
        if sort != self.sort:
            self.sort = sort
            self.sort_changed.emit()

    def measure(self, run: str) -> None:
        """Measure a run's dimensions anew; an older measurement under way no longer counts."""
        self._asked_s = time.monotonic()
        self._request = self._events.send(ComputeDimensionStats(run=run))
        if self.effect is None:
            self.changed.emit()

    def clear(self) -> None:
        """Know nothing (of another run)."""
        self._request = 0
        self.kl = self.effect = None
        self.step, self.problem = -1, ""
        self._answered_s, self._took_s = float("-inf"), 0.0
        self.changed.emit()

    def halt(self) -> None:
        """Wait for nothing; what is known stays."""
        self._request = 0

    def _on_measured(self, event: DimensionStatsComputed) -> None:
        if not self.busy or event.request != self._request:
            return
        self._settle()
        self.kl = None if event.kl is None else event.kl.numpy()
        self.effect = event.effect.numpy()
        self.step, self.problem = event.step, ""
        self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        if self.busy and event.request == self._request:
            self._settle()
            self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
            self.changed.emit()

    def _settle(self) -> None:
        self._request = 0
        self._answered_s = time.monotonic()
        self._took_s = self._answered_s - self._asked_s
