"""Surfaces that were recorded while a run trained: their steps, times and distances from the true p*.

Shapes: S recorded steps.
"""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.plane import SurfaceMetrics, SurfaceRecorded, SurfacesListed

Axis = Literal["step", "time"]
AXIS_TITLES: dict[Axis, str] = {"step": "training step", "time": "training time, s"}
METRICS: tuple[str, ...] = tuple(field.name for field in msgspec.structs.fields(SurfaceMetrics))


class RecordedSurfaces:
    """Steps of a run at which its surface was recorded, with training time and metrics.

    Attributes:
        steps: (S,) int64, rising.
        seconds: (S,) float64 training time.
        metrics: field of ``SurfaceMetrics`` → (S,) float64; NaN where unknown.
    """

    def __init__(self) -> None:
        self.steps: NDArray[np.int64] = np.zeros(0, np.int64)
        self.seconds: NDArray[np.float64] = np.zeros(0)
        self.metrics: dict[str, NDArray[np.float64]] = {name: np.zeros(0) for name in METRICS}

    def __len__(self) -> int:
        return len(self.steps)

    def take_list(self, event: SurfacesListed) -> None:
        """Replace all by those that the engine lists; steps that came since it made the list stay."""
        newer = self.steps > (event.steps.numpy()[-1] if len(event.steps.numpy()) else -1)
        listed = {name: values.numpy() for name, values in event.metrics.items()}
        unknown = np.full(len(event.steps.numpy()), np.nan)
        self.metrics = {n: np.append(listed.get(n, unknown), self.metrics[n][newer]) for n in METRICS}
        self.seconds = np.append(event.seconds.numpy(), self.seconds[newer])
        self.steps = np.append(event.steps.numpy(), self.steps[newer])

    def append(self, event: SurfaceRecorded) -> None:
        """Append a step; those at and after it go, as they are of a training that was repeated from before them."""
        before = self.steps < event.step
        self.metrics = {n: np.append(v[before], getattr(event.metrics, n)) for n, v in self.metrics.items()}
        self.seconds = np.append(self.seconds[before], event.seconds)
        self.steps = np.append(self.steps[before], event.step)

    def positions(self, axis: Axis) -> NDArray[np.float64]:
        """(S,) places on an axis."""
        return self.steps.astype(np.float64) if axis == "step" else self.seconds

    def index_at(self, place: float, axis: Axis) -> int:
        """Number of the last one not after a place on an axis, or of the first one; -1 where there is none."""
        if not len(self):
            return -1
        return max(int(np.searchsorted(self.positions(axis), place, side="right")) - 1, 0)

    def metrics_at(self, index: int) -> SurfaceMetrics:
        """Metrics of one of them."""
        return SurfaceMetrics(**{name: float(values[index]) for name, values in self.metrics.items()})
