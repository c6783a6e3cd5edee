"""Latest-wins requests, for a slider that moves faster than the engine answers."""

from PySide6.QtCore import QObject

from gmstudio.protocol.base import Command, Event
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request


class LatestWins(Request):
    """One command in flight, one pending; a newer pending command replaces the older.

    Args:
        link: connection to the engine.

    Attributes:
        answered: the command that the last ``replied`` or ``failed`` answers.
    """

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(link, parent)
        self._pending: Command | None = None
        self.answered: Command | None = None

    def submit(self, command: Command) -> None:
        """Send the command now, or as soon as the one in flight has ended, unless a newer one comes.

        A command in flight that waits for data to load is not waited for.
        """
        if self.loading is not None:
            self._pending = None
            self.replace(command)
        elif self.busy:
            self._pending = command
        else:
            self.send(command)

    def reset(self) -> None:
        """Drop the command in flight and the pending one; a late reply is ignored."""
        self.drop()
        self._pending = None

    def deliver(self, event: Event) -> None:
        """Take a reply; the pending command is sent before the reply is processed, so that the engine does not idle."""
        self.answered = self.command
        if event.ends_request():
            self.end()
            if self._pending is not None:
                pending, self._pending = self._pending, None
                self.send(pending)
        self.announce(event)
