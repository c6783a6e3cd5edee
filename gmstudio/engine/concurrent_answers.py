"""Answers to quick commands from a second thread while the loop is in a long step of training.

The two threads share everything and never work on it at the same time: the loop lends its commands for the time of one
step, in which it touches nothing but the training, and takes them back before it does anything else.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gmstudio.protocol.base import Command

Answer = Callable[[Command], bool]
"""Answers a command; False: it cannot be answered before the step is made."""


class ConcurrentAnswers:
    """Thread that answers commands during a step of training; it sleeps otherwise.

    On Linux a thread keeps the priority that its creator had then. So it is created before the process lowers its
    own: an image that the window waits for is computed before the step.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._accepts: Callable[[Command], bool] | None = None
        """None: the loop takes all commands itself."""
        self._answer: Answer | None = None
        self._waiting: deque[Command] = deque()
        self._working = False
        self._left: list[Command] = []
        threading.Thread(target=self._run, name="concurrent-answers", daemon=True).start()

    def offer(self, command: Command, *, first: bool) -> bool:
        """Take a command to answer, in the thread that reads commands.

        Commands are answered in their order, but one that shows what is dragged overtakes those that wait: where they
        change what it shows, the window requests that again after their replies.

        Args:
            command: that came.
            first: no earlier one waits for the loop.

        Returns:
            False where the command is for the loop: outside a step, and where it is of another kind.
        """
        with self._changed:
            in_turn = command.dragged or (first and not self._left)
            accepted = self._accepts is not None and in_turn and self._accepts(command)
            if accepted:
                self._waiting.append(command)
                self._changed.notify_all()
            return accepted

    @contextmanager
    def during_step(self, accepts: Callable[[Command], bool], answer: Answer) -> Iterator[list[Command]]:
        """Context in which commands are answered by the thread; its end waits for the one in hand.

        Args:
            accepts: whether a command is of a kind that can be answered meanwhile; called by the reading thread.
            answer: called by the thread of the answers; reports its errors itself.

        Returns:
            A list that has at the end the commands that are left to the loop.
        """
        with self._changed:
            self._accepts, self._answer = accepts, answer
            left: list[Command] = []
            self._left = left
        try:
            yield left
        finally:
            with self._changed:
                self._accepts = None
                self._changed.wait_for(lambda: not self._working)  # if it is left, it comes before those that wait
                left += self._waiting
                self._waiting.clear()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._accepts is not None and bool(self._waiting))
                command, answer = self._next(), self._answer
                self._working = True
            assert answer is not None
            answered = False
            try:
                answered = answer(command)
            finally:
                with self._changed:
                    if not answered:
                        self._left.append(command)
                        self._left += self._waiting
                        self._waiting.clear()
                    self._working = False
                    self._changed.notify_all()

    def _next(self) -> Command:
        """Take a command that shows what is dragged, else the one that came first."""
        command = next((waiting for waiting in self._waiting if waiting.dragged), self._waiting[0])
        self._waiting.remove(command)
        return command
