"""Surface of one run: with the present weights, drawn again while they train, or of a recorded step."""

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from gmstudio.protocol.engine import CommandFailed, Reason
from gmstudio.protocol.plane import DrawSurface, SurfaceDrawn, SurfaceMethod, SurfaceMetrics
from gmstudio.window.client.budget import Budget
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.latest_wins import LatestWins
from gmstudio.window.state.runs.library import RunLibrary

SHARE = 0.15
"""Share of the engine's time that the surfaces of a run in training take at most, approximately."""
GAP_S, LONGEST_S = 0.1, 20.0
MAX_KEPT = 96
"""Recorded surfaces that are kept, 256 KiB each at 256 × 256 cells."""
NUM_SAMPLES = 500


@dataclass(frozen=True, eq=False)
class Surface:
    """Density of a model over the grid.

    Args:
        values: (L₂, L₁) float32 probability of each cell.
        method: how it was computed; None: the model has no density and no samples.
        samples: (N, D) float32 points drawn from the model; None: none.
        metrics: distances from the true p*.
        step: training step of the weights.
        note: one sentence; empty: none.
    """

    values: NDArray[np.float32]
    method: SurfaceMethod | None
    samples: NDArray[np.float32] | None
    metrics: SurfaceMetrics
    step: int
    note: str = ""

    @classmethod
    def of(cls, event: SurfaceDrawn) -> "Surface":
        """Take a reply of the engine."""
        samples = None if event.samples is None else event.samples.numpy()
        return cls(event.values.numpy(), event.method, samples, event.metrics, event.weights_step, event.note)


class SurfaceFeed(QObject):
    """Requests the surface of a run that is wanted: one at a time, the newest wish wins.

    While the run trains, that of the present weights is requested again and again, within ``SHARE`` of the engine's
    time. Recorded ones do not change and are kept.

    Args:
        events: connection to the engine.
        library: tells whether the run trains.
        run: name of the run.

    Attributes:
        surface: that is shown, perhaps still of another step than the wanted one; None: none arrived yet.
        step: recorded step that is wanted; None: the present weights.
        problem: reason why the last request failed, or "".

    Signals:
        changed: ``surface`` or ``problem`` changed.
        weights_changed: a surface of newer weights arrived.
    """

    changed = Signal()
    weights_changed = Signal()

    def __init__(self, events: EngineLink, library: RunLibrary, run: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.run = run
        self.surface: Surface | None = None
        self.step: int | None = None
        self.problem = ""
        self._library = library
        self._active, self._due = False, True
        self._seed = 0
        self._newest = -1
        self._kept: OrderedDict[int, Surface] = OrderedDict()
        self._budget = Budget(SHARE, gap_s=GAP_S, longest_s=LONGEST_S)
        self._latest = LatestWins(events, self)
        self._latest.replied.connect(self._on_drawn)
        self._latest.failed.connect(self._on_failed)
        self._latest.dropped.connect(self._on_dropped)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._on_timeout)

    @property
    def busy(self) -> bool:
        """A surface is being computed."""
        return self._latest.busy

    @property
    def trains(self) -> bool:
        """The run is in training, and not paused."""
        return self._library.live == self.run and self._library.live_status == "running"

    @property
    def current(self) -> bool:
        """The surface is the wanted one."""
        return self.surface is not None and (self.step is None or self.surface.step == self.step)

    def kept(self, step: int) -> Surface | None:
        """Return the surface of a recorded step that arrived before; None where it did not, or was dropped since."""
        return self._kept.get(step)

    def set_active(self, active: bool) -> None:
        """Request surfaces only while they are seen."""
        self._active = active
        if active:
            self._request_due()
        else:
            self._halt()

    def show(self, step: int | None) -> None:
        """Show the surface of a recorded step; None: of the present weights."""
        if step == self.step:
            return
        self.step = step
        self._due = True
        kept = self._kept.get(step) if step is not None else None
        if kept is not None:
            self._latest.cancel()
            self._latest.reset()
            self._due = False
            self._set(kept)
        self._request_due()

    def refresh(self, seed: int | None = None) -> None:
        """Request the surface again: other weights, or other samples where a seed is given."""
        if seed is not None and seed != self._seed:
            self._seed = seed
            self._kept.clear()
        self.problem, self._due = "", True
        self._request_due()

    def _halt(self) -> None:
        self._timer.stop()
        self._due = self._due or self._latest.busy
        self._latest.cancel()
        self._latest.reset()

    def _request_due(self) -> None:
        if self._active and self._due and self._library.catalog is not None:
            self._due = False
            self._timer.stop()
            command = DrawSurface(run=self.run, step=self.step, num_samples=NUM_SAMPLES, seed=self._seed)
            under_way = self._latest.command if self._latest.busy else None
            if isinstance(under_way, DrawSurface) and under_way.step is None:
                self._latest.replace(command)  # samples are perhaps counted for it, which takes many seconds
            else:
                self._latest.submit(command)

    def _on_timeout(self) -> None:
        self._due = True
        self._request_due()

    def _on_drawn(self, event: SurfaceDrawn) -> None:
        asked = self._latest.answered
        assert isinstance(asked, DrawSurface)
        surface = Surface.of(event)
        if event.done and asked.step is not None and asked.seed == self._seed:
            self._kept[asked.step] = surface
            while len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        if (asked.step is None) != (self.step is None):
            return  # a wish that was given up
        if event.done and self.step is None:
            self._plan_next(event.engine_ms)
        self.problem = ""
        self._set(surface)

    def _plan_next(self, engine_ms: float) -> None:
        wait_s = self._budget.end(engine_ms / 1000)
        if self.trains and self._active:
            self._timer.start(round(1000 * wait_s))

    def _set(self, surface: Surface) -> None:
        self.surface = surface
        self.changed.emit()
        if self.step is None and surface.step != self._newest:
            self._newest = surface.step
            self.weights_changed.emit()

    def _on_failed(self, failure: CommandFailed) -> None:
        if failure.reason is Reason.ENGINE_GONE:
            self._due = True
        else:
            self.problem = failure.message
        self.changed.emit()

    def _on_dropped(self) -> None:
        """Ask again where the engine ended the work for another reason than a newer wish."""
        if not self._latest.busy and self._active:
            self._due = True
            self._timer.start(round(1000 * GAP_S))
