"""Copy of the model in training with the weights of its last finished step, to be explored while the next is made."""

import copy
import time
from collections.abc import Callable

from gmstudio.engine.runtime.context import LiveRun
from gmstudio.engine.runtime.memory import is_out_of_memory
from gmstudio.engine.runtime.models import Loaded

COPY_SHARE = 0.03
"""Time for copies per time of training: a copy that takes longer is made at every other step, or less often."""
EXPLORED_S = 60.0
"""Time since the model was explored, after which no copies are made."""


class StepCopy:
    """Keeps one copy of the model in training, as long as it is explored.

    A copy is an object of its own, which later ones leave as it is: a job that works with it goes on with its weights.

    Args:
        clock: seconds, rising.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: Loaded | None = None
        self._explored_at = self._next_at = float("-inf")

    def note_explored(self) -> None:
        """Note that the model in training was explored just now."""
        self._explored_at = self._clock()

    def of(self, live: LiveRun) -> Loaded | None:
        """Return the copy, made anew where there is a later step and time for it; None where nobody explores it.

        Call it between two steps.

        Args:
            live: the run in training, on the CPU.
        """
        now = self._clock()
        if now - self._explored_at > EXPLORED_S:
            self._kept = None
        elif now >= self._next_at and not self._is_of(live):
            self._kept = None  # its memory is there for the next one
            self._kept = _copied(live)
            self._next_at = now + (self._clock() - now) / COPY_SHARE
        return self._kept

    def drop(self) -> None:
        """Forget the copy, at the end of the training."""
        self._kept = None
        self._explored_at = self._next_at = float("-inf")

    def _is_of(self, live: LiveRun) -> bool:
        kept = self._kept
        return kept is not None and kept.step == live.step and kept.model.config == live.model.config


def _copied(live: LiveRun) -> Loaded | None:
    """Copy; None without memory for it, which is no reason to end the training."""
    try:
        return Loaded(copy.deepcopy(live.model).eval().requires_grad_(False), live.step, live.record)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return None
