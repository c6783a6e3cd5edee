"""A client whose commands about files of runs are answered, at a test's request, by the engine's own feature."""

from fake_client import FakeClient

from gmstudio.engine.runs.exports_handlers import RunExports
from gmstudio.engine.runs.files_handlers import RunFiles
from gmstudio.engine.runtime.context import EngineContext
from gmstudio.protocol.base import Command
from gmstudio.protocol.engine import CommandFailed, Reason


class FilesEngine(FakeClient):
    """Answers what was sent when a test calls ``serve``: in the window's event loop the work would be a stall."""

    def __init__(self) -> None:
        super().__init__()
        context = EngineContext(self.deliver)
        self._handlers = RunFiles(context).handlers() | RunExports(context).handlers()
        self._answered = 0
        self.others: list[Command] = []

    def serve(self) -> None:
        """Answer what was sent, and what is sent meanwhile."""
        while self._answered < len(self.sent):
            self._answered += 1
            self._answer(self.sent[self._answered - 1])

    def _answer(self, command: Command) -> None:
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
