"""Statistics of the latent dimensions: KL and pixel change, the order they give, and the collapsed dimensions.

Shapes: Z latent dimensions.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.latents import ComputeDimensionStats, DimensionStatsComputed
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.latents.space import LatentSpace

Sort = Literal["index", "kl", "pixel_change"]
COLLAPSED_NATS = 0.01
"""A dimension of less mean KL carries no information about x: its posterior is the prior for every image."""
WEAK_CHANGE = 0.005
"""A dimension of less pixel change (0 … 1) is hardly visible."""
LIVE_PAUSE_S = 3.0
LIVE_SHARE = 0.1
"""While the model trains, the statistics take at most about this share of the engine's time."""


class DimensionStatistics(QObject):
    """Statistics of the latent dimensions of the selected run.

    Args:
        link: the way to the engine.
        space: the selected run.

    Attributes:
        kl: (Z,) mean KL(q(z_j|x) ‖ p(z_j)) over validation images, nats; None without a posterior or before computed.
        pixel_change: (Z,) root mean square change of the decoded means (0 … 1) from -1σ to 1σ; None before computed.
        step: training step of the weights; -1 before.
        sort: the chosen order.
        hiding: dimensions below the threshold are hidden.
        thresholds: by statistic, the least value of a dimension that is shown.
        problem: why there are none, or "".

    Signals:
        changed: statistics or ``problem`` differ, or the first are being computed.
        sort_changed: ``sort``, ``hiding`` or ``thresholds`` differ.
    """

    changed = Signal()
    sort_changed = Signal()

    def __init__(self, link: EngineLink, space: LatentSpace) -> None:
        super().__init__(space)
        self._space = space
        self.kl: NDArray[np.float32] | None = None
        self.pixel_change: NDArray[np.float32] | None = None
        self.step = -1
        self.sort: Sort = "kl"
        self.problem = ""
        self.hiding = False
        self.thresholds: dict[Sort, float] = {"kl": COLLAPSED_NATS, "pixel_change": WEAK_CHANGE, "index": 0.0}
        self._budget = Budget(LIVE_SHARE, gap_s=LIVE_PAUSE_S)
        self._request = Request(link, self)
        self._request.replied.connect(self._on_computed)
        self._request.failed.connect(self._on_failed)
        space.run_changed.connect(self._on_run_changed)
        space.halted.connect(self._request.drop)

    # ---- computing -------------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Statistics are being computed."""
        return self._request.busy

    @property
    def due(self) -> bool:
        """The budget of a model in training allows to compute them again."""
        return not self.busy and self._budget.wait_s == 0

    def compute(self) -> None:
        """Compute the statistics of the open run again; the reply to an older request no longer counts."""
        if self._space.opened is None:
            return
        self._budget.begin()
        self._request.send(ComputeDimensionStats(run=self._space.run))
        if self.pixel_change is None:
            self.changed.emit()

    def _on_computed(self, event: DimensionStatsComputed) -> None:
        self._budget.end()
        self.kl = None if event.kl is None else event.kl.numpy()
        self.pixel_change = event.pixel_change.numpy()
        self.step, self.problem = event.step, ""
        self.changed.emit()

    def _on_failed(self, event: CommandFailed) -> None:
        self._budget.end()
        self.problem = "" if event.reason is Reason.ENGINE_GONE else event.message
        self.changed.emit()

    def _on_run_changed(self) -> None:
        self._request.cancel()
        self._budget.reset()
        self.kl = self.pixel_change = None
        self.step, self.problem = -1, ""
        self.changed.emit()

    # ---- statistics ------------------------------------------------------------------------------------------------

    @property
    def collapsed(self) -> NDArray[np.bool_] | None:
        """(Z,) dimensions of less than ``COLLAPSED_NATS``; None where KL is not known."""
        return None if self.kl is None else self.kl < COLLAPSED_NATS

    @property
    def kl_total(self) -> float:
        """Mean KL of the whole code, nats: information about x; 0 where KL is not known."""
        return 0.0 if self.kl is None else float(self.kl.sum())

    @property
    def sorted_by(self) -> Sort:
        """The order in use: pixel change where there is no KL, index as long as nothing is computed."""
        if self.sort == "kl" and self.kl is not None:
            return "kl"
        return "pixel_change" if self.sort != "index" and self.pixel_change is not None else "index"

    def order(self) -> list[int]:
        """All dimensions, the strongest first."""
        values, num_dims = self._values_of(self.sorted_by), self._space.code.num_dims
        return list(range(num_dims)) if values is None else _descending(values)

    def strongest(self, count: int) -> list[int]:
        """The strongest dimensions in any order of display: by KL where it is known, else by pixel change."""
        values = self.kl if self.kl is not None else self.pixel_change
        return [] if values is None else _descending(values)[:count]

    # ---- order and threshold -----------------------------------------------------------------------------------

    @property
    def hidden_by(self) -> Sort:
        """The statistic of the threshold: the one sorted by, else KL where it is known; ``index``: none."""
        if self.sorted_by != "index":
            return self.sorted_by
        return "kl" if self.kl is not None else "pixel_change" if self.pixel_change is not None else "index"

    def shown(self) -> list[int]:
        """The dimensions that are not hidden, in order."""
        values = self._values_of(self.hidden_by)
        if not self.hiding or values is None:
            return self.order()
        return [dim for dim in self.order() if values[dim] >= self.thresholds[self.hidden_by]]

    def set_sort(self, sort: Sort) -> None:
        """Choose another order."""
        if sort != self.sort:
            self.sort = sort
            self.sort_changed.emit()

    def set_hiding(self, hiding: bool) -> None:
        """Hide the dimensions below the threshold, or show all."""
        if hiding != self.hiding:
            self.hiding = hiding
            self.sort_changed.emit()

    def set_threshold(self, value: float) -> None:
        """Set the threshold of the statistic ``hidden_by``; a negative one becomes 0."""
        if value != self.thresholds[self.hidden_by]:
            self.thresholds[self.hidden_by] = max(0.0, value)
            self.sort_changed.emit()

    def _values_of(self, sort: Sort) -> NDArray[np.float32] | None:
        """(Z,) a statistic; None for ``index``, before it is computed, and where it is of another space."""
        values = {"kl": self.kl, "pixel_change": self.pixel_change, "index": None}[sort]
        return values if values is not None and len(values) == self._space.code.num_dims else None


def _descending(values: NDArray[np.float32]) -> list[int]:
    return [int(dim) for dim in np.argsort(-values, kind="stable")]
