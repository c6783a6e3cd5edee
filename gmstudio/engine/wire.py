"""The engine's connection to the window: one thread reads frames, another writes them."""

import os
import sys
import threading
from queue import Empty, SimpleQueue
from typing import Protocol

from gmstudio.protocol.array import ProtocolError
from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.engine import Ping, Pong
from gmstudio.protocol.frames import FrameReader, decode_command, frame

_READ_BYTES = 1 << 16


class Offer(Protocol):
    """Function that may take a command before the loop does."""

    def __call__(self, command: Command, *, first: bool) -> bool:
        """Return whether the command is taken; ``first``: no earlier one waits."""


class Wire:
    """Queues of received commands and of events to send.

    ``Ping`` is answered by the reading thread, so that the window can distinguish a long step from a stopped process.

    Args:
        fd_in: file descriptor of incoming commands.
        fd_out: file descriptor of outgoing events.
        offer: takes a command in the reading thread, before it would wait; False: it is to wait.
    """

    def __init__(self, fd_in: int, fd_out: int, offer: Offer | None = None) -> None:
        self._offer = offer
        self._fd_in = fd_in
        self._fd_out = fd_out
        self._inbox: SimpleQueue[Command | None] = SimpleQueue()
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self.closed = False
        """The window is gone; no further command will arrive."""
        self._writer = threading.Thread(target=self._write, name="wire-writer", daemon=True)
        self._reader = threading.Thread(target=self._read, name="wire-reader", daemon=True)
        self._writer.start()
        self._reader.start()

    def send(self, event: Event) -> None:
        """Queue an event and return at once.

        Raises:
            ProtocolError: when it is too long.
        """
        self._outbox.put(frame(event))

    def hang_up(self) -> None:
        """Close as if the window were gone; safe in a signal handler."""
        self._inbox.put(None)

    def receive(self, wait_s: float | None = 0.0) -> Command | None:
        """Take the next command.

        Args:
            wait_s: longest time to wait; None: until a command arrives or the window is gone.

        Returns:
            The command; None when none arrived (see ``closed``).
        """
        if self.closed:
            return None
        try:
            command = self._inbox.get(timeout=wait_s) if wait_s != 0.0 else self._inbox.get_nowait()
        except Empty:
            return None
        if command is None:
            self.closed = True
        return command

    def flush(self, timeout_s: float = 5.0) -> None:
        """Send the queued events, then stop sending."""
        self._outbox.put(None)
        self._writer.join(timeout_s)

    def _read(self) -> None:
        reader = FrameReader()
        try:
            while data := os.read(self._fd_in, _READ_BYTES):
                for body in reader.feed(data):
                    command = decode_command(body)
                    if isinstance(command, Ping):
                        self.send(Pong(request=command.request))
                    elif self._offer is None or not self._offer(command, first=self._inbox.empty()):
                        self._inbox.put(command)
        except ProtocolError as error:
            print(f"Standard input is not a gmstudio window: {error}", file=sys.stderr)
        except OSError as error:
            print(f"Reading standard input failed: {error}", file=sys.stderr)
        finally:
            self._inbox.put(None)  # in any case: an engine must not wait for a reader that has ended

    def _write(self) -> None:
        try:
            while (data := self._outbox.get()) is not None:
                view = memoryview(data)
                while view:
                    view = view[os.write(self._fd_out, view) :]
        except OSError as error:  # the window is gone; reading ends too
            print(f"Writing standard output failed: {error}", file=sys.stderr)
