"""A client whose commands about files of runs are answered, at a test's request, by the engine's own feature."""

from fake_client import FakeClient

from gmstudio.engine.runs.files_handlers import RunFiles
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import CommandFailed, Reason


class FilesEngine(FakeClient):
    """Answers at once, so that only reading in threads is waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._handlers = RunFiles(EngineContext(self.deliver)).handlers()
        self.others: list[Command] = []

    def _write(self, command: Command) -> None:
        super()._write(command)
        handler = self._handlers.get(type(command))
        if handler is None:
            self.others.append(command)
            return
        try:
            job = handler(command)
            for event in job or ():
                if event is not None:
                    self.deliver(event)
        except ValueError as error:
            self.deliver(
                CommandFailed(
                    request=command.request,
                    command=type(command).__name__,
                    message=str(error),
                    reason=Reason.RUN_UNUSABLE,
                )
            )
