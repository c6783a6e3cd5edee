"""Turns of a quick sequence of interactive commands between two pieces of training.

A step of training can take a second. A generation that plays, or a slider, sends a command, shows the reply and sends
the next some milliseconds later: if training resumed in between, each turn would wait for a whole step. So interactive
commands earn a share of the time that training takes, and while they use it training waits for the next of them.
"""

SHARE = 0.5
"""Time for interactive commands per time of training, while they follow one another."""
MOST_S = 1.0
"""Time that can be earned at most."""
SHORT_GRACE_S = 0.003
"""Time to wait for the next command of a sequence when no time is left."""
LONG_GRACE_S = 0.02
"""Time to wait for it while there is: a frame of the window and the way there and back."""


class InteractiveTurns:
    """Account of the time that a sequence of interactive commands may still take before training goes on.

    Attributes:
        left_s: seconds that are left.
    """

    def __init__(self) -> None:
        self.left_s = 0.0
        self._in_sequence = False

    def trained(self, seconds: float) -> None:
        """Earn a share of a piece of training that took ``seconds``."""
        self.left_s = min(MOST_S, self.left_s + SHARE * seconds)

    def answered(self, *, interactive: bool, seconds: float) -> None:
        """Note that a command was answered, ``seconds`` after the one before, or after the wait for it began."""
        self._in_sequence = interactive
        if interactive:
            self.left_s = max(0.0, self.left_s - seconds)

    def missed(self) -> None:
        """Note that no command came in time: the sequence is over."""
        self._in_sequence = False

    @property
    def wait_s(self) -> float:
        """Seconds to wait for the next command before work goes on; 0 outside a sequence."""
        if not self._in_sequence:
            return 0.0
        return max(SHORT_GRACE_S, min(LONG_GRACE_S, self.left_s))
