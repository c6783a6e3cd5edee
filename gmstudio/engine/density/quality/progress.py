"""Progress of a measurement in stages, and its speed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

REPORT_S = 0.2
"""Time between two reports."""
MEASURED_S = 0.5
"""Time after which a rate is known."""


@dataclass(frozen=True)
class Step:
    """State of a stage of work.

    Args:
        stage: for display, for example ``drawing samples``.
        done: so far.
        total: in all; 0: unknown.
    """

    stage: str
    done: int = 0
    total: int = 0


def count_steps(stage: str, total: int) -> Iterator[Step]:
    """Steps 1 … total of a stage."""
    return (Step(stage, done, total) for done in range(1, total + 1))


class Pace:
    """Speed of the present stage, and the times at which it is reported."""

    def __init__(self) -> None:
        self._stage = ""
        self._began = self._reported = 0.0
        self._first = 0

    def due(self, step: Step) -> bool:
        """Note a step; return whether it is to be reported: the first of a stage, and some later ones."""
        now = time.monotonic()
        if step.stage != self._stage:
            self._stage, self._began, self._first, self._reported = step.stage, now, step.done, now
            return True
        if now - self._reported < REPORT_S:
            return False
        self._reported = now
        return True

    def rate(self, step: Step) -> float:
        """Units per second; 0: unknown."""
        seconds, done = time.monotonic() - self._began, step.done - self._first
        return done / seconds if seconds >= MEASURED_S and done > 0 else 0.0

    def seconds_left(self, step: Step) -> float:
        """Time to the end of the stage; negative: unknown."""
        rate = self.rate(step)
        return (step.total - step.done) / rate if rate and step.total else -1.0
