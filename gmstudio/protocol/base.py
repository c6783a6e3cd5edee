"""The two kinds of message: commands to the engine, events from it."""

from typing import Any, ClassVar

import msgspec


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of all commands, from the window to the engine.

    Args:
        request: number that every reply repeats.
    """

    request: int = 0

    interactive: ClassVar[bool] = False
    """One of a quick sequence (a dragged slider, a playing generation): the engine waits briefly for the next."""

    superseded_within: ClassVar[tuple[str, ...] | None] = None
    """Fields that a newer command of this class must share with an older one, still at work, to replace it; an empty
    tuple: every newer one does; None: none does."""

    background: ClassVar[bool] = False
    """The job of such a command takes turns with training, which pauses during the jobs of all others."""

    @property
    def dragged(self) -> bool:
        """It shows something that is being dragged: training and jobs wait until it rests."""
        return False

    def job_key(self) -> tuple[Any, ...] | None:
        """Key of the job that carries this command out: a newer job with the same key ends the older one."""
        if self.superseded_within is None:
            return None
        return (type(self).__name__, *(getattr(self, name) for name in self.superseded_within))


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of all events, from the engine to the window.

    Args:
        request: number of the command that this replies to; 0: unasked.
    """

    request: int = 0

    def ends_request(self) -> bool:
        """Return whether this is the last reply to its request."""
        return True
