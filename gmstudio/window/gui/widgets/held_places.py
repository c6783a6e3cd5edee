"""Places to which the user drags things, kept against answers that come late."""

import math
import time
from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

LATE_S = 1.5
"""Time after a move within which its earlier places can still come back, in seconds."""
Key = TypeVar("Key", bound=Hashable)
Place = tuple[float, ...]


class HeldPlaces(Generic[Key]):
    """Where the user has put things that the engine draws.

    What is dragged is where the pointer has it. After the drag the engine's places count, but for those that only
    repeat an earlier place of the drag, or the one before it: these answer what was asked before.

    Attributes:
        held: what is being dragged.
    """

    def __init__(self) -> None:
        self.held: Key | None = None
        self._trails: dict[Key, list[Place]] = {}
        self._said: dict[Key, Place] = {}
        self._moved_at = 0.0

    def put(self, key: Key, place: Place) -> None:
        """Put something at a place."""
        before = [self._said[key]] if key in self._said else []
        self._trails.setdefault(key, before).append(place)
        self._moved_at = time.monotonic()

    def get(self, key: Key) -> Place | None:
        """Place where the user has put something; None: where the engine has it."""
        trail = self._trails.get(key)
        return trail[-1] if trail else None

    def release(self) -> None:
        """End the drag; what the engine has said of its last place, for example at a limit, counts from now on."""
        self.held = None
        self.settle(self._said)

    def settle(self, said: Mapping[Key, Place]) -> None:
        """Take the places of the engine, all that there are."""
        self._said = dict(said)
        if self.held is not None and self.held not in said:
            self.held = None
        late_may_come = time.monotonic() - self._moved_at < LATE_S
        for key, trail in list(self._trails.items()):
            late = late_may_come and key in said and any(_same(said[key], place) for place in trail[:-1])
            if key not in said or (key != self.held and not late):
                del self._trails[key]

    def confirm(self, key: Key) -> None:
        """Take what the engine has said last of a thing as its answer to the last move: none comes late any more.

        So it returns where a move was refused or undone; while it is dragged, as soon as the drag ends.
        """
        trail = self._trails.get(key)
        if trail is not None and key == self.held:
            self._trails[key] = trail[-1:]
        elif trail is not None:
            del self._trails[key]


def _same(a: Place, b: Place) -> bool:
    return all(math.isclose(x, y, rel_tol=1e-5, abs_tol=1e-9) for x, y in zip(a, b, strict=True))
