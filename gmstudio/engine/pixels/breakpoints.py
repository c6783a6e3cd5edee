"""Breakpoints: conditions at which a generation stops by itself."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

TINY = float(np.finfo(np.float32).tiny)
"""Smallest probability whose logarithm is taken: float32 ends there, so 87.3 nats means that much or more."""

Stopped = Literal["", "entropy", "probability"]


@dataclass(frozen=True)
class Breakpoints:
    """Conditions at which a move through a generation stops.

    Args:
        entropy: before a sub-pixel whose conditional has a larger entropy, nats; None: never.
        probability: after a sub-pixel whose value was less likely than this; None: never.
    """

    entropy: float | None = None
    probability: float | None = None

    def first(
        self, begun: int, nats: NDArray[np.float32], entropies: NDArray[np.float32], next_entropy: float
    ) -> tuple[int, Stopped] | None:
        """Return the first stop of a move.

        Args:
            begun: step at which it began; the entropy of that sub-pixel is passed.
            nats: (S,) −log p of each sub-pixel up to the current step.
            entropies: (S,) nats of each of their conditionals.
            next_entropy: of the next conditional, nats; 0 at the end of the image.

        Returns:
            The step to stop at and the reason, or None.
        """
        hits: list[tuple[int, Stopped]] = []
        if self.probability is not None:
            unlikely = np.flatnonzero(np.exp(-nats[begun:]) < self.probability)
            hits += [(begun + 1 + int(place), "probability") for place in unlikely[:1]]
        if self.entropy is not None:
            later = np.append(entropies[begun + 1 :], np.float32(next_entropy))
            hits += [(begun + 1 + int(place), "entropy") for place in np.flatnonzero(later > self.entropy)[:1]]
        return min(hits, key=lambda hit: hit[0]) if hits else None


def entropy_of(conditional: NDArray[np.float32]) -> float:
    """Entropy of (L,) probabilities, nats."""
    return float(-(conditional * np.log(np.maximum(conditional, TINY))).sum())
