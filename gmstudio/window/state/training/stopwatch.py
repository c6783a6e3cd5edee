"""Stopwatch for the time that a training has taken, without pauses."""

import time


class Stopwatch:
    """Counts seconds while it runs."""

    def __init__(self) -> None:
        self._counted_s = 0.0
        self._since_s: float | None = None

    def run(self, running: bool) -> None:
        """Start or stop counting; harmless when nothing changes."""
        now = time.monotonic()
        if self._since_s is not None:
            self._counted_s += now - self._since_s
        self._since_s = now if running else None

    @property
    def seconds(self) -> float:
        """Seconds counted so far."""
        return self._counted_s + (time.monotonic() - self._since_s if self._since_s is not None else 0.0)
