"""Horizontal axis of a plot over frames."""

from collections.abc import Sequence

import pyqtgraph  # type: ignore[import-untyped]


class FrameAxis(pyqtgraph.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """Horizontal axis that can write other numbers at its ticks than their coordinates."""

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self._positions: tuple[int, ...] | None = None

    def set_positions(self, positions: Sequence[int] | None) -> None:
        """Set the number of each frame 0, 1, …; None: the coordinates."""
        new = None if positions is None else tuple(positions)
        if new != self._positions:
            self._positions = new
            self.picture = None
            self.update()

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Write the ticks; a tick between two frames, or beyond the last one, has no number."""
        if self._positions is None:
            texts: list[str] = super().tickStrings(values, scale, spacing)
            return texts
        frames = [int(v) if v == int(v) and 0 <= v < len(self._positions) else None for v in values]
        return ["" if frame is None else f"{self._positions[frame]:,}" for frame in frames]
