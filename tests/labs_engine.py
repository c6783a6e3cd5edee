"""The laboratories' feature without a process: commands in, events out, jobs advanced by hand."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
import pytest

from gmstudio.engine.jobs import JobFailedError, Jobs
from gmstudio.engine.labs import handlers
from gmstudio.engine.labs.bench import EngineLabBench
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.engine.runtime.errors import error_sentence, reason_of
from gmstudio.labs.base import Lab
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.config import ConfigError
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.labs import LabShown

SHORT_STEPS = 50


class LabsEngine:
    """Handles commands as the server does.

    Attributes:
        sent: all events.
    """

    def __init__(self) -> None:
        self.sent: list[Event] = []
        self.jobs = Jobs(self.sent.append)
        context = EngineContext(self.sent.append)
        self.feature = handlers.LabsFeature(context)
        self._handlers = self.feature.handlers()
        self._requests = 0

    def send(self, command: Command) -> int:
        """Send a command; its number."""
        self._requests += 1
        command = msgspec.structs.replace(command, request=self._requests)
        try:
            job = self._handlers[type(command)](command)
        except Exception as error:
            self._fail(command, error)
        else:
            if job is not None:
                self.jobs.add(command, job)
        return self._requests

    def advance(self, pieces: int = 1) -> None:
        """Do some pieces of the jobs under way."""
        for _ in range(pieces):
            if self.jobs:
                try:
                    self.jobs.advance()
                except JobFailedError as failed:
                    self._fail(failed.command, failed.error)

    def finish(self) -> None:
        """Do all pieces."""
        while self.jobs:
            self.advance()

    def ask(self, command: Command) -> LabShown:
        """Send a command and return its last reply."""
        request = self.send(command)
        self.finish()
        return self.shown(request)

    def refused(self, command: Command) -> CommandFailed:
        """Send a command and return its failure."""
        request = self.send(command)
        self.finish()
        return self.failure(request)

    def shown(self, request: int) -> LabShown:
        """Last reply to a request."""
        (shown,) = [e for e in self.sent if isinstance(e, LabShown) and e.request == request and e.done]
        return shown

    def failure(self, request: int) -> CommandFailed:
        """Failure of a request."""
        (failure,) = [e for e in self.sent if isinstance(e, CommandFailed) and e.request == request]
        return failure

    def _fail(self, command: Command, error: Exception) -> None:
        fields = error.errors if isinstance(error, ConfigError) else {}
        name, message, reason = type(command).__name__, error_sentence(error), reason_of(error)
        self.sent.append(
            CommandFailed(request=command.request, command=name, message=message, reason=reason, fields=fields)
        )


@pytest.fixture
def short_trainings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that labs train learn for some steps only, for tests of what does not depend on how well they do."""
    entire = EngineLabBench.train

    def begun(bench: EngineLabBench, *args: Any, **options: Any) -> Iterator[int]:
        return islice(entire(bench, *args, **options), SHORT_STEPS)

    monkeypatch.setattr(EngineLabBench, "train", begun)


@pytest.fixture
def with_labs(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, type[Lab]]]:
    """The engine's labs by name, which a test fills."""
    labs: dict[str, type[Lab]] = {}
    monkeypatch.setattr(handlers, "LABS", labs)
    yield labs
