"""Rate and time left of work in stages, and the times at which its progress is reported."""

import time
from dataclasses import dataclass

from gmstudio.data.progress import Progress

REPORT_S = 0.1
"""Time between two reports of progress."""
MEASURED_S = 0.5
"""Time after which a rate is known."""


@dataclass(frozen=True)
class Pace:
    """Speed of work.

    Args:
        rate: units per second; 0: unknown.
        seconds_left: of this stage; negative: unknown.
    """

    rate: float = 0.0
    seconds_left: float = -1.0


class Meter:
    """Measures the speed of a stage of work from its progress."""

    def __init__(self) -> None:
        self._stage = ""
        self._began = self._reported = time.monotonic()
        self._first = 0

    def due(self) -> bool:
        """Return whether it is time for a report, which is then counted."""
        now = time.monotonic()
        if now - self._reported < REPORT_S:
            return False
        self._reported = now
        return True

    def pace(self, progress: Progress) -> Pace:
        """Return the speed of the present stage."""
        now = time.monotonic()
        if progress.stage != self._stage or progress.done < self._first:
            self._stage, self._began, self._first = progress.stage, now, progress.done
        seconds, done = now - self._began, progress.done - self._first
        if seconds < MEASURED_S or not done:
            return Pace()
        rate = done / seconds
        return Pace(rate, (progress.total - progress.done) / rate if progress.total else -1.0)
