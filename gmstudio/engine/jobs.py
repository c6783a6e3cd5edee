"""Jobs that take turns piece by piece; a newer job with the same key replaces an older one."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gmstudio.engine.runtime.feature import Job
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed, Reason

SENTENCES = {Reason.SUPERSEDED: "A newer request replaced this one.", Reason.CANCELLED: "This was cancelled."}


@dataclass(eq=False)
class _Entry:
    command: Command
    job: Job
    key: tuple[Any, ...] | None


class Jobs:
    """Jobs under way.

    Args:
        send: takes their events.
    """

    def __init__(self, send: Callable[[Event], None]) -> None:
        self._send = send
        self._entries: deque[_Entry] = deque()

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def foreground(self) -> bool:
        """There is a job that training waits for."""
        return any(not entry.command.background for entry in self._entries)

    def add(self, command: Command, job: Job) -> None:
        """Add a job; an older one with the same key ends as superseded."""
        key = command.job_key()
        if key is not None:
            for entry in [entry for entry in self._entries if entry.key == key]:
                self._end(entry, Reason.SUPERSEDED)
        self._entries.append(_Entry(command, job, key))

    def cancel(self, request: int) -> None:
        """End the job of a request; harmless when it has none."""
        for entry in [entry for entry in self._entries if entry.command.request == request]:
            self._end(entry, Reason.CANCELLED)

    def advance(self) -> None:
        """Do one piece of the next job.

        Raises:
            JobFailedError: when the job failed; it is removed.
        """
        entry = self._entries.popleft()
        try:
            event = next(entry.job)
            if event is not None:
                self._send(event)
        except StopIteration:
            return
        except Exception as error:
            raise JobFailedError(entry.command, error) from error
        self._entries.append(entry)

    def _end(self, entry: _Entry, reason: Reason) -> None:
        self._entries.remove(entry)
        close = getattr(entry.job, "close", None)
        if close is not None:
            close()
        name = type(entry.command).__name__
        self._send(CommandFailed(request=entry.command.request, command=name, message=SENTENCES[reason], reason=reason))


class JobFailedError(Exception):
    """A job raised an error.

    Args:
        command: command that the job carried out.
        error: error that it raised.
    """

    def __init__(self, command: Command, error: Exception) -> None:
        super().__init__(str(error))
        self.command = command
        self.error = error
