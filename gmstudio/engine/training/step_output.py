"""What a piece of training yields, and the error with which training ends."""

from typing import NamedTuple

from gmstudio.protocol.base import Event


class StepOutput(NamedTuple):
    """Result of one piece of work.

    Args:
        events: for the window.
        at_step_boundary: the next piece begins a new step; all work of the last step is done.
    """

    events: tuple[Event, ...]
    at_step_boundary: bool


WORKING = StepOutput((), at_step_boundary=False)


class TrainingFailedError(RuntimeError):
    """Training cannot continue; the sentence names the reason and the remedy."""
