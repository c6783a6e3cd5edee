"""Turns of a quick sequence of interactive commands between two pieces of other work.

A step of training can take a second. A generation that plays, or a slider, sends a command, shows the reply and sends
the next some milliseconds later: if training resumed in between, each turn would wait for a whole step. So interactive
commands earn a share of the time that training takes, and while they use it training waits for the next of them.

While a slider is dragged, its image is all that counts: long pieces of training and of jobs (statistics of the
dimensions, rows of images) wait until it rests. A drag that never rests lets a piece through now and then, so that
other work takes about ``1 / (1 + DRAG_SHARE)`` of the time.
"""

import math
import time
from collections.abc import Callable

SHARE = 0.5
"""Time for interactive commands per time of training, while they follow one another."""
MOST_S = 1.0
"""Time that can be earned at most."""
SHORT_GRACE_S = 0.003
"""Time to wait for the next command of a sequence when no time is left."""
LONG_GRACE_S = 0.02
"""Time to wait for it while there is: a frame of the window and the way there and back."""
DRAG_SHARE = 30.0
"""Time for a drag per time of other work meanwhile; fewer than one move in twenty then waits for a piece of it."""
MOST_DRAG_S = 10.0
"""Longest time that other work waits for a drag."""
REST_S = 0.1
"""Time without a move after which a dragged slider rests."""
SHORT_PIECE_S = 0.006
"""Pieces of other work that are not longer go on during a drag, since no image waits noticeably for them."""


class InteractiveTurns:
    """Account of the time that a sequence of interactive commands may still take before other work goes on.

    Args:
        clock: seconds, rising.

    Attributes:
        left_s: seconds that are left.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.left_s = 0.0
        self._clock = clock
        self._in_sequence = False
        self._dragged_at = self._free_until = -math.inf
        self._piece_s = self._training_s = 0.0

    def trained(self, seconds: float, *, alone: bool = True) -> None:
        """Earn a share of a piece of training.

        Args:
            seconds: that it took.
            alone: no command was answered meanwhile; those that were need no time after it.
        """
        if alone:
            self.left_s = min(MOST_S, self.left_s + SHARE * seconds)
        self._training_s = max(seconds, 0.9 * self._training_s)  # between long steps there are short pieces

    def worked(self, seconds: float, processor_s: float) -> None:
        """Note a piece of training or of a job, or one of each.

        Args:
            seconds: that it took.
            processor_s: of these, on the processor; other programs do not make a piece long.
        """
        self._piece_s = max(processor_s, self._piece_s / 2)
        self._free_until = self._clock() + min(MOST_DRAG_S, DRAG_SHARE * seconds)

    def answered(self, *, interactive: bool, seconds: float, dragged: bool = False) -> None:
        """Note that a command was answered, ``seconds`` after the one before, or after the wait for it began.

        Args:
            interactive: it is one of a quick sequence.
            seconds: see above.
            dragged: it shows a code that moves; other commands in between do not end a drag.
        """
        self._in_sequence = interactive
        if interactive:
            self.left_s = max(0.0, self.left_s - seconds)
        if dragged:
            now = self._clock()
            if now - self._dragged_at > REST_S + seconds:
                self._free_until = now + MOST_DRAG_S
            self._dragged_at = now

    def missed(self) -> None:
        """Note that no command came in time: the sequence is over."""
        self._in_sequence = False

    @property
    def long_training(self) -> bool:
        """A piece of the training lately took so long that a command would wait noticeably for the next one."""
        return self._training_s > SHORT_PIECE_S

    @property
    def wait_s(self) -> float:
        """Seconds to wait for the next command before work goes on; 0 outside a sequence."""
        drag_s = min(self._dragged_at + REST_S, self._free_until) - self._clock()
        if drag_s > 0.0 and self._piece_s > SHORT_PIECE_S:
            return drag_s
        return max(SHORT_GRACE_S, min(LONG_GRACE_S, self.left_s)) if self._in_sequence else 0.0
