"""Link to one generation in the engine: one command in flight, the others in a queue."""

from collections import deque
from dataclasses import dataclass

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import CommandFailed
from gmstudio.protocol.pixels import (
    AdvancePixels,
    ClosePixels,
    EditPixel,
    ForgetPath,
    OpenPixels,
    PixelsMoved,
    PixelsOpened,
    PlacePixel,
    RewindPixels,
)
from gmstudio.window.client.engine_link import EngineLink
from gmstudio.window.client.request import Request
from gmstudio.window.state.pixels.snapshot import PixelSnapshot

CAPABILITY = "pixel_session"
"""Of the runs that generations can be opened of."""

GenerationCommand = AdvancePixels | PlacePixel | RewindPixels | ForgetPath | EditPixel
"""Command about the open generation; its ``session`` is filled in when it is sent."""


@dataclass(frozen=True, eq=False)
class NewGeneration:
    """A generation to be opened.

    Args:
        command: the command that opens it.
        target: step of its path to go to once it is open; None: stay where it opens.
        stale: advancing from an earlier step draws new values instead of following its path.
        same_weights: keep the weights of the generation that it replaces.
        same_prefix: it continues the sub-pixels placed so far, so the user's choices among them remain valid.
        chosen: otherwise, the steps whose value the user chose.
    """

    command: OpenPixels
    target: int | None = None
    stale: bool = False
    same_weights: bool = False
    same_prefix: bool = False
    chosen: frozenset[int] = frozenset()


class GenerationLink(QObject):
    """Sends commands about a generation one at a time and turns the replies into snapshots.

    A generation stays open until the one that replaces it is open, so that a refusal loses nothing.

    Args:
        link: the way to the engine.

    Signals:
        moved: reply to a command: the ``NewGeneration`` or ``GenerationCommand`` that was sent, and the
            ``PixelSnapshot``. ``busy`` is false already.
        refused: the ``CommandFailed`` that came instead; the queue is empty.
    """

    moved = Signal(object, object)
    refused = Signal(object)

    def __init__(self, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._opened: PixelsOpened | None = None
        self._replaced: PixelsOpened | None = None
        self._sent: NewGeneration | GenerationCommand | None = None
        self._queue: deque[NewGeneration | GenerationCommand] = deque()
        self._request = Request(link, self)
        self._request.replied.connect(self._on_replied)
        self._request.failed.connect(self._on_failed)

    @property
    def busy(self) -> bool:
        """A command is in flight."""
        return self._request.busy

    @property
    def has_queued(self) -> bool:
        """Commands are waiting in the queue."""
        return bool(self._queue)

    @property
    def is_open(self) -> bool:
        """A generation is open, and none is being opened."""
        return self._opened is not None

    def open(self, new: NewGeneration) -> None:
        """Queue another generation in place of all that is queued for this one."""
        self._queue.clear()
        self._queue.append(new)

    def enqueue(self, *commands: GenerationCommand) -> None:
        """Queue commands that must not be lost; ``send_queued`` sends them."""
        self._queue.extend(commands)

    def send_queued(self) -> bool:
        """Send the first command of the queue.

        Returns:
            False where the queue is empty.
        """
        if self._queue:
            self.send(self._queue.popleft())
            return True
        return False

    def send(self, what: NewGeneration | GenerationCommand) -> None:
        """Send a command now; none may be in flight."""
        assert not self.busy, "one command at a time"
        command: Command
        if isinstance(what, NewGeneration):
            self._replaced, self._opened = self._opened, None
            command = what.command
            if what.same_weights and self._replaced is not None:
                command = msgspec.structs.replace(command, weights_of=self._replaced.session)
        else:
            assert self._opened is not None, "a move before a generation is open"
            command = msgspec.structs.replace(what, session=self._opened.session)
        self._sent = what
        self._request.send(command)

    def close(self) -> None:
        """Close the generation in the engine and expect no reply."""
        opened = self._opened or self._replaced
        if opened is not None:
            self._link.send(ClosePixels(session=opened.session))
        self.drop()

    def drop(self) -> None:
        """Forget the generation, the queue and the command in flight."""
        self._queue.clear()
        self._request.drop()
        self._opened = self._replaced = None

    def _on_replied(self, event: Event) -> None:
        if isinstance(event, PixelsOpened):
            if self._replaced is not None:
                self._link.send(ClosePixels(session=self._replaced.session))
            self._opened, self._replaced = event, None
            return
        assert isinstance(event, PixelsMoved) and self._opened is not None, "an open generation replies"
        self.moved.emit(self._sent, PixelSnapshot.of(self._opened, event))

    def _on_failed(self, failure: CommandFailed) -> None:
        self._queue.clear()
        if self._opened is None:
            self._opened, self._replaced = self._replaced, None
        self.refused.emit(failure)
