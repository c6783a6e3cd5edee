"""Frames of a trajectory, as they arrive from the engine.

Shapes: M frames, N chains, C channels, H height, W width.
"""

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.chains import TrajectoryAppended
from gmstudio.protocol.metrics import Metric


class Frames:
    """Frames of one trajectory; they are only ever appended.

    Attributes:
        labels: M labels, one for each frame.
        positions: M positions on the trajectory's axis.
        metrics: metric → (M, N) values.
        weights_step: training step of the weights; -1 before a frame arrived.
    """

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.positions: list[int] = []
        self.metrics: dict[Metric, NDArray[np.float32]] = {}
        self.weights_step = -1
        self._images: NDArray[np.uint8] = np.zeros((0, 0, 1, 1, 1), np.uint8)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def images(self) -> NDArray[np.uint8]:
        """(M, N, C, H, W) uint8, 0 … 255."""
        return self._images[: len(self)]

    def frame(self, index: int) -> NDArray[np.uint8]:
        """Images of a frame, (N, C, H, W); none where there is no frame."""
        return self.images[index] if len(self) else self.images.reshape(0, 1, 1, 1)

    def append(self, event: TrajectoryAppended) -> None:
        """Append the frames of an event."""
        self.weights_step = event.weights_step
        if not event.labels:
            return
        images, start = event.images.numpy(), len(self)
        self.labels += event.labels
        self.positions += event.positions
        if start == 0 or len(self) > len(self._images):
            old, room = self._images[:start], max(len(self), event.steps)
            self._images = np.empty((room if start == 0 else 2 * room, *images.shape[1:]), np.uint8)
            if start:
                self._images[:start] = old
        self._images[start : len(self)] = images
        for found in event.metrics:
            known = self.metrics.get(found.metric)
            new = found.values.numpy()
            self.metrics[found.metric] = new if known is None else np.concatenate([known, new])

    def evenly(self, count: int) -> list[int]:
        """Numbers of up to ``count`` frames, evenly spaced over the trajectory, the first and the last among them."""
        number = min(count, len(self))
        return [round(i * (len(self) - 1) / max(number - 1, 1)) for i in range(number)]

    def strip(self, count: int) -> tuple[NDArray[np.uint8], list[int]]:
        """Return frames evenly spaced over the trajectory: (N, K, C, H, W) images, and the K frame numbers."""
        chosen = self.evenly(count)
        return np.swapaxes(self.images[chosen], 0, 1), chosen

    def newest_at(self, position: int | None) -> int | None:
        """Number of the newest frame at a position of the axis; None: at any. None where there is no such frame."""
        found = (i for i in reversed(range(len(self))) if position is None or self.positions[i] == position)
        return next(found, None)

    def counterpart(self, other: "Frames", index: int) -> int:
        """Number of the frame here that belongs to a frame of another trajectory.

        By the position on the axis where positions only rise or only fall in both; else by the share of the trajectory.
        """
        if not len(self) or not len(other):
            return 0
        if _monotonic(self.positions) and _monotonic(other.positions):
            wanted = other.positions[index]
            return int(np.abs(np.asarray(self.positions) - wanted).argmin())
        return round(index * (len(self) - 1) / max(len(other) - 1, 1))


def _monotonic(positions: list[int]) -> bool:
    steps = np.diff(positions)
    return bool((steps > 0).all() or (steps < 0).all())
