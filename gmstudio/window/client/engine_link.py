"""Connection to the engine for the window's state: commands out, events in by their class."""

from collections.abc import Callable

import msgspec
from PySide6.QtCore import QObject, Signal, SignalInstance
from shiboken6 import isValid

from gmstudio.protocol.base import Command, Event

Deliver = Callable[[Event], None]


class _Channel(QObject):
    """Channel for the events of one class.

    Signals:
        received: the event.
    """

    received = Signal(object)


class EngineLink(QObject):
    """Numbers and sends commands; delivers events to the subscribers of their class and to the answered request.

    Attributes:
        is_local: the engine runs on this machine; another one has other files.
        machine: name of the engine's machine for people; "" where it is this one, or is not known.
    """

    is_local = True
    machine = ""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._channels: dict[type[Event], _Channel] = {}
        self._waiting: dict[int, Deliver] = {}
        self._last_request = 0

    def on(self, kind: type[Event]) -> SignalInstance:
        """Return the signal of all events of a class, replies included."""
        if kind not in self._channels:
            self._channels[kind] = _Channel(self)
        return self._channels[kind].received

    def send(self, command: Command, deliver: Deliver | None = None) -> int:
        """Number a command and send it to the engine.

        Args:
            command: the command; its ``request`` is replaced.
            deliver: takes the replies, up to the last one; state objects use ``Request`` instead.

        Returns:
            Number of the request, which the replies repeat.
        """
        self._last_request += 1
        number = self._last_request
        if deliver is not None:
            self._waiting[number] = deliver
        self._write(msgspec.structs.replace(command, request=number))
        return number

    def forget(self, request: int) -> None:
        """Deliver no further reply to this request; harmless when there is none."""
        self._waiting.pop(request, None)

    def deliver(self, event: Event) -> None:
        """Deliver an event to its subscribers, then to its request."""
        channel = self._channels.get(type(event))
        if channel is not None:
            channel.received.emit(event)
        deliver = self._waiting.get(event.request)
        if deliver is not None:
            if event.ends_request():
                del self._waiting[event.request]
            owner = getattr(deliver, "__self__", None)
            if not isinstance(owner, QObject) or isValid(owner):  # else it was deleted while it waited
                deliver(event)

    def _write(self, command: Command) -> None:
        raise NotImplementedError
