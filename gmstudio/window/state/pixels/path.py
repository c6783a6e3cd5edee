"""What the window remembers of a generation's path, and the clock that it is played by: no messages."""

import numpy as np
from numpy.typing import NDArray

from gmstudio.window.state.pixels.snapshot import PixelSnapshot


class PathMemory:
    """The values of the remembered path, as far as they were seen, and which of them the user chose.

    Attributes:
        chosen: steps whose value the user chose.
        stale: what lies beyond was made with another seed or temperature, or is a given image: going on draws anew.
    """

    def __init__(self) -> None:
        self.chosen: frozenset[int] = frozenset()
        self.stale = False
        self._known: NDArray[np.uint8] = np.zeros(0, dtype=np.uint8)

    def begin(self, *, stale: bool, same_prefix: bool) -> None:
        """Another generation was opened; the choices stand if it continues the same sub-pixels."""
        self._known = np.zeros(0, dtype=np.uint8)
        self.stale = stale
        if not same_prefix:
            self.chosen = frozenset()

    def learn(self, state: PixelSnapshot) -> None:
        """Take in what is placed now; values beyond it stay known as far as the path goes."""
        channel, row, column = state.order[: state.step].T
        placed = state.image[channel, row, column]
        self._known = np.concatenate((placed, self._known[state.step :]))[: state.path]
        self.chosen = frozenset(s for s in self.chosen if s < state.path)

    def choose(self, step: int, *, keep: bool = False) -> None:
        """The user sets the value of a step; choices after it are forgotten unless what follows is kept."""
        self.chosen = frozenset(s for s in self.chosen if keep or s < step) | {step}

    def upcoming(self, state: PixelSnapshot) -> int | None:
        """The value that the path holds for the next sub-pixel; None where it is not known or will be drawn anew."""
        if self.stale or state.step >= min(len(self._known), state.path):
            return None
        return int(self._known[state.step])
