"""Turns in which lists of runs are filled: for a limited time where there are few runs, else one in each turn."""

import time
from collections import deque
from collections.abc import Callable
from weakref import WeakMethod

from PySide6.QtCore import QObject, QTimer, SignalInstance
from shiboken6 import isValid

MANY = 500
"""Runs from which on what follows the library waits for its turn, so that none waits for all."""

BUDGET_S = 0.012
"""Processor time of a turn in which several lists of few runs are filled."""

Follower = WeakMethod[Callable[[], None]]


class Turns(QObject):
    """Calls what follows a signal, one after another, with all other events in between where there are many runs.

    Args:
        changed: the signal that is followed.
        count: returns the number of runs.
    """

    def __init__(self, changed: SignalInstance, count: Callable[[], int], parent: QObject) -> None:
        super().__init__(parent)
        self._count = count
        self._followers: list[Follower] = []
        self._due: deque[Follower] = deque()
        self._timer = QTimer(self, singleShot=True, interval=0)
        self._timer.timeout.connect(self._next)
        changed.connect(self._on_changed)

    def add(self, work: Callable[[], None]) -> None:
        """Call a method after each change, once for several that come before its turn, as long as its object exists."""
        self._followers.append(WeakMethod(work))

    @property
    def waiting(self) -> bool:
        """Something has still to be called."""
        return bool(self._due)

    def _on_changed(self) -> None:
        self._followers = [follower for follower in self._followers if _method(follower) is not None]
        self._due.extend(follower for follower in self._followers if follower not in self._due)
        if self._count() < MANY:
            self._next()
        else:
            self._timer.start()

    def _next(self) -> None:
        """Call those that are due until the turn is over: what waited for longest first, so that each has its turn."""
        self._timer.start()  # before the first, so that the others have their turn even if it fails
        end = time.thread_time() + BUDGET_S
        while self._due:
            _call(self._due.popleft())
            if time.thread_time() > end or self._count() >= MANY:
                break
        if not self._due:
            self._timer.stop()


def _method(follower: Follower) -> Callable[[], None] | None:
    """The method, unless its object is gone."""
    work = follower()
    return work if work is not None and isValid(work.__self__) else None  # type: ignore[attr-defined]


def _call(follower: Follower) -> None:
    work = _method(follower)
    if work is not None:
        work()
