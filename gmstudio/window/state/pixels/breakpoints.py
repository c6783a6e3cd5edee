"""Where a generation stops by itself: at a conditional of high entropy, after a value that was unlikely."""

import math
from dataclasses import dataclass
from typing import Literal

from gmstudio.window.state.pixels.snapshot import PixelSnapshot, entropy_nats

StopKind = Literal["entropy", "probability"]


@dataclass(frozen=True)
class Breakpoints:
    """When to stop; both thresholds are kept while they are switched off.

    Args:
        entropy: stop before a sub-pixel whose conditional has a larger entropy, nats.
        entropy_on: whether that counts.
        probability: stop after a sub-pixel whose value was less likely than this.
        probability_on: whether that counts.
    """

    entropy: float = 0.6
    entropy_on: bool = False
    probability: float = 0.01
    probability_on: bool = False

    @property
    def stop_entropy(self) -> float | None:
        """The threshold that counts, or None."""
        return self.entropy if self.entropy_on else None

    @property
    def stop_probability(self) -> float | None:
        """The threshold that counts, or None."""
        return self.probability if self.probability_on else None

    def hit(self, state: PixelSnapshot) -> "Stop | None":
        """The breakpoint at which a generation stands after it was advanced, or None.

        The engine stops_at_breakpoints breakpoints within one command; where the command ended by itself it is looked
        at here, so that playing a sub-pixel at a time stops too.
        """
        unlikely = math.exp(-float(state.nats[-1])) if state.step else 1.0
        if state.stopped == "probability" or (self.probability_on and unlikely < self.probability):
            return Stop("probability", unlikely, self.probability, state.step - 1)
        entropy = entropy_nats(state.conditional)
        if state.stopped == "entropy" or (self.entropy_on and not state.finished and entropy > self.entropy):
            return Stop("entropy", entropy, self.entropy, state.step)
        return None


@dataclass(frozen=True)
class Stop:
    """A generation stopped by itself.

    Args:
        kind: which breakpoint it was.
        value: the entropy in nats, or the probability of the value.
        threshold: what it was compared with.
        step: of the sub-pixel in question.
    """

    kind: StopKind
    value: float
    threshold: float
    step: int
