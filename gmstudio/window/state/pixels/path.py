"""The recorded path of a generation, as far as the window has seen it."""

import numpy as np
from numpy.typing import NDArray

from gmstudio.window.state.pixels.snapshot import PixelSnapshot


class PathMemory:
    """Values of the recorded path, as far as they were seen, and the steps whose value the user chose.

    Attributes:
        chosen: steps whose value the user chose.
        stale: values beyond the current step come from another seed or temperature, or from a real image: advancing
            draws new ones.
    """

    def __init__(self) -> None:
        self.chosen: frozenset[int] = frozenset()
        self.stale = False
        self._known: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)

    def begin(self, *, stale: bool, same_prefix: bool, chosen: frozenset[int] = frozenset()) -> None:
        """Begin the path of another generation; the choices remain if it continues the same sub-pixels."""
        self._known = np.zeros(0, dtype=np.uint8)
        self.stale = stale
        if not same_prefix:
            self.chosen = chosen

    def learn(self, state: PixelSnapshot) -> None:
        """Record the placed values; those beyond remain known as far as the path reaches."""
        channel, row, column = state.order[: state.step].T
        placed = state.image[channel, row, column]
        self._known = np.concatenate((placed, self._known[state.step :]))[: state.path]
        self.chosen = frozenset(s for s in self.chosen if s < state.path)

    def choose(self, step: int, *, keep: bool = False) -> None:
        """Record that the user sets the value of a step; later choices are dropped unless the later values are kept."""
        self.chosen = frozenset(s for s in self.chosen if keep or s < step) | {step}

    def upcoming(self, state: PixelSnapshot) -> int | None:
        """Value recorded for the next sub-pixel; None where it is unknown or will be drawn again."""
        if self.stale or state.step >= min(len(self._known), state.path):
            return None
        return int(self._known[state.step])
