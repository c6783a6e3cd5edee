"""A client without an engine: records what is sent, and a test delivers events by hand."""

from typing import TypeVar

from gmstudio.protocol.base import Command
from gmstudio.window.client.engine_link import EngineLink

CommandT = TypeVar("CommandT", bound=Command)


class FakeClient(EngineLink):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Command] = []

    def _write(self, command: Command) -> None:
        self.sent.append(command)

    def last(self, kind: type[CommandT]) -> CommandT:
        """The newest command of a kind; fails when there is none."""
        found = [c for c in self.sent if isinstance(c, kind)]
        assert found, f"no {kind.__name__} among {[type(c).__name__ for c in self.sent]}"
        return found[-1]
