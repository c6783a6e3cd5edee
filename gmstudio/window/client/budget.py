"""Budget of repeated background work: a share of the engine's time."""

import math
import time


class Budget:
    """Computes the pause between two pieces of work, longer after a longer piece.

    After work of t seconds the next begins t · (1 / share - 1) seconds later, so that it takes at most ``share`` of the
    engine's time in the long run.

    Args:
        share: share of the engine's time, above 0 and at most 1.
        gap_s: shortest pause.
        longest_s: longest pause.
    """

    def __init__(self, share: float, *, gap_s: float = 0.0, longest_s: float = math.inf) -> None:
        assert 0 < share <= 1
        self._share, self._gap_s, self._longest_s = share, gap_s, longest_s
        self._began_s = self._free_s = -math.inf

    @property
    def wait_s(self) -> float:
        """Seconds until the next piece may begin; 0: now."""
        return max(0.0, self._free_s - time.monotonic())

    def begin(self) -> None:
        """Note the start of a piece of work."""
        self._began_s = time.monotonic()

    def end(self, took_s: float | None = None) -> float:
        """Note the end of the piece.

        Args:
            took_s: seconds of the engine's time that it took; None: since ``begin``.

        Returns:
            Seconds until the next piece.
        """
        now = time.monotonic()
        if took_s is None:
            took_s = now - self._began_s
        pause_s = min(max(self._gap_s, took_s * (1 / self._share - 1)), self._longest_s)
        self._free_s = now + pause_s
        return pause_s

    def reset(self) -> None:
        """Allow the next piece now."""
        self._began_s = self._free_s = -math.inf
