"""The share of the engine's time that repeated background work may take."""

import math
import time


class Budget:
    """Pause between two pieces of work: at least a gap, and longer the longer the last piece took.

    After work of t seconds the next begins t · (1 / share - 1) seconds later, so that it takes at most ``share`` of the
    engine's time in the long run.

    Args:
        share: of the engine's time, above 0 and at most 1.
        gap_s: least pause.
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
        """Note that a piece of work begins."""
        self._began_s = time.monotonic()

    def end(self, took_s: float | None = None) -> float:
        """Note that the piece has ended.

        Args:
            took_s: seconds of the engine's time that it took; None: since ``begin``.

        Returns:
            The pause until the next one, seconds.
        """
        now = time.monotonic()
        if took_s is None:
            took_s = now - self._began_s
        pause_s = min(max(self._gap_s, took_s * (1 / self._share - 1)), self._longest_s)
        self._free_s = now + pause_s
        return pause_s

    def reset(self) -> None:
        """Forget the last piece: the next may begin now."""
        self._began_s = self._free_s = -math.inf
