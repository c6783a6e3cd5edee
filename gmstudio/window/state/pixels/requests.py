"""Talking to the engine about one generation: one request in flight, the others in a queue."""

from collections import deque
from dataclasses import dataclass

import msgspec
from PySide6.QtCore import QObject, Signal

from gmstudio.protocol.base import Command
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
from gmstudio.window.state.pixels.snapshot import PixelSnapshot

SessionCommand = AdvancePixels | PlacePixel | RewindPixels | ForgetPath | EditPixel


@dataclass(frozen=True)
class Opening:
    """A generation to be opened.

    Args:
        command: what to open.
        target: step of its path to go to, once it is open; None: stay where it opens.
        stale: going on from an earlier step draws anew instead of following its path.
        same_weights: keep the weights of the generation that it replaces.
        same_prefix: it continues the sub-pixels placed so far, so the user's choices among them still stand.
    """

    command: OpenPixels
    target: int | None = None
    stale: bool = False
    same_weights: bool = False
    same_prefix: bool = False


class PixelRequests(QObject):
    """Sends commands about a generation one at a time, and keeps the state that the replies tell.

    Attributes:
        state: where the open generation stands; None before the first is open.

    Signals:
        moved: ``state`` is another.
        opened: a generation is open; ``moved`` follows.
        changed: what is on its way, or a setting, is another.
        failed: the engine refused, the sentence why.
    """

    moved = Signal()
    opened = Signal()
    changed = Signal()
    failed = Signal(str)

    def __init__(self, events: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state: PixelSnapshot | None = None
        self._events = events
        self._opened: PixelsOpened | None = None
        self._previous: PixelsOpened | None = None
        self._opening: Opening | None = None
        self._in_flight = 0
        self._sent: Command | None = None
        self._queue: deque[Opening | SessionCommand] = deque()
        events.on(PixelsOpened).connect(self._on_opened)
        events.on(PixelsMoved).connect(self._on_moved)
        events.on(CommandFailed).connect(self._on_failed)

    @property
    def busy(self) -> bool:
        """Whether a request is in flight."""
        return self._in_flight != 0

    @property
    def opening(self) -> bool:
        """Whether a generation is asked for that is not open yet."""
        return self._opening is not None or any(isinstance(c, Opening) for c in self._queue)

    @property
    def usable(self) -> bool:
        """Whether there is an open generation to move in."""
        return self.state is not None and self._opened is not None and self._opening is None

    # ---- for what moves in it ------------------------------------------------------------------------------------

    def _on_arrived(self, before: PixelSnapshot | None, opening: Opening | None) -> None:
        """A reply came and ``state`` is another; ``opening`` tells whether of another generation."""
        raise NotImplementedError

    def _on_refused(self) -> None:
        """The engine refused what was sent; the queue is empty."""
        raise NotImplementedError

    def _send(self, what: Opening | SessionCommand) -> None:
        command: Command
        if isinstance(what, Opening):
            self._opening, self._previous, self._opened = what, self._opened, None
            weights_of = self._previous.session if what.same_weights and self._previous else 0
            command = msgspec.structs.replace(what.command, weights_of=weights_of)
        else:
            assert self._opened is not None, "a move before a generation is open"
            command = msgspec.structs.replace(what, session=self._opened.session)
        self._sent = command
        self._in_flight = self._events.send(command)

    def _lose_all(self) -> None:
        """Forget what is open and on its way; the last state stays."""
        self._queue.clear()
        self._in_flight = 0
        self._opened = self._previous = self._opening = None

    # ---- replies -----------------------------------------------------------------------------------------------

    def _on_opened(self, event: PixelsOpened) -> None:
        if not self.busy or event.request != self._in_flight or self._opening is None:
            return
        if self._previous is not None:
            self._events.send(ClosePixels(session=self._previous.session))
        self._opened, self._previous = event, None

    def _on_moved(self, event: PixelsMoved) -> None:
        if not self.busy or event.request != self._in_flight or self._opened is None:
            return
        self._in_flight = 0
        before, self.state = self.state, PixelSnapshot.of(self._opened, event)
        opening, self._opening = self._opening, None
        self._on_arrived(before, opening)

    def _on_failed(self, event: CommandFailed) -> None:
        if not self.busy or event.request != self._in_flight:
            return
        self._in_flight = 0
        self._queue.clear()
        self._opening = None
        if self._opened is None:
            self._opened, self._previous = self._previous, None
        self._on_refused()
        self.failed.emit(event.message)
