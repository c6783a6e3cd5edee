"""Breakpoints: a conditional of high entropy, and a value of low probability."""

import math
from dataclasses import dataclass
from typing import Literal

from gmstudio.window.state.pixels.snapshot import PixelSnapshot, entropy_nats

StopKind = Literal["entropy", "probability"]


@dataclass(frozen=True)
class Breakpoints:
    """Conditions at which a generation stops by itself; both thresholds are kept while they are off.

    Args:
        entropy: stop before a sub-pixel whose conditional has a larger entropy, nats.
        entropy_on: that breakpoint is on.
        probability: stop after a sub-pixel whose value had a smaller probability.
        probability_on: that breakpoint is on.
    """

    entropy: float = 0.6
    entropy_on: bool = False
    probability: float = 0.01
    probability_on: bool = False

    @property
    def stop_entropy(self) -> float | None:
        """The threshold, or None where it is off."""
        return self.entropy if self.entropy_on else None

    @property
    def stop_probability(self) -> float | None:
        """The threshold, or None where it is off."""
        return self.probability if self.probability_on else None

    def hit(self, state: PixelSnapshot) -> "Stop | None":
        """Return the breakpoint reached by a generation that was advanced, or None.

        The engine checks breakpoints within one command; the position where a command ends is checked here, so that
        playing one sub-pixel at a time stops too.
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
    """A breakpoint that was reached.

    Args:
        kind: of breakpoint.
        value: the entropy in nats, or the probability of the value.
        threshold: of the breakpoint.
        step: of the sub-pixel.
    """

    kind: StopKind
    value: float
    threshold: float
    step: int
