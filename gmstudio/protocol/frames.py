"""Frames: how a message becomes bytes and bytes become a message.

A frame is a 4-byte little-endian length and that many bytes of MessagePack. Commands go to the engine's standard
input, events come from its standard output. The unions that are decoded follow from the message classes: every
subclass of ``Command`` and ``Event``, of this package and of others.
See docs/protocol.md.
"""

import importlib
import pkgutil
import struct
from collections.abc import Iterator
from functools import cache
from typing import TypeVar, Union

import msgspec

from gmstudio import protocol
from gmstudio.protocol.array import ProtocolError
from gmstudio.protocol.base import Command, Event

PROTOCOL_VERSION = 2
MAX_FRAME_BYTES = 256 * 1024 * 1024
_HEADER = struct.Struct("<I")
_ENCODER = msgspec.msgpack.Encoder()
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Errors of decoding: another structure, text that is no UTF-8, nesting without end."""
MessageT = TypeVar("MessageT", Command, Event)


def commands() -> tuple[type[Command], ...]:
    """Every command class that is defined, in the order of definition."""
    _load_messages()
    return tuple(Command.__subclasses__())


def events() -> tuple[type[Event], ...]:
    """Every event class that is defined, in the order of definition."""
    _load_messages()
    return tuple(Event.__subclasses__())


@cache
def _load_messages() -> None:
    """Import the modules of this package, so that their message classes are defined."""
    for module in pkgutil.iter_modules(protocol.__path__, "gmstudio.protocol."):
        importlib.import_module(module.name)


@cache
def _decoder(kinds: tuple[type[MessageT], ...]) -> msgspec.msgpack.Decoder[MessageT]:
    return msgspec.msgpack.Decoder(Union[kinds])  # noqa: UP007 - of a tuple known at run time


def frame(message: Command | Event) -> bytes:
    """Encode a message with its length in front.

    Raises:
        ProtocolError: when it is longer than the other side would take.
    """
    body = _ENCODER.encode(message)
    if len(body) > MAX_FRAME_BYTES:
        raise ProtocolError(
            f"{type(message).__name__} takes {len(body):,} bytes, and at most {MAX_FRAME_BYTES:,} are sent. "
            "Ask for less at a time."
        )
    return _HEADER.pack(len(body)) + body


def decode_command(body: bytes) -> Command:
    """Decode a frame's body.

    Raises:
        ProtocolError: when it is no command.
    """
    try:
        command: Command = _decoder(commands()).decode(body)
        return command
    except _UNREADABLE as error:
        raise ProtocolError(f"Not a command: {error}") from error


def decode_event(body: bytes) -> Event:
    """Decode a frame's body.

    Raises:
        ProtocolError: when it is no event.
    """
    try:
        event: Event = _decoder(events()).decode(body)
        return event
    except _UNREADABLE as error:
        raise ProtocolError(f"Not an event: {error}") from error


class FrameReader:
    """Cuts a stream of bytes, arriving in any pieces, into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take more bytes; yields the body of every frame that is complete.

        Raises:
            ProtocolError: when a length is absurd (the stream is not ours).
        """
        self._buffer += data
        while len(self._buffer) >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._buffer)
            if length > MAX_FRAME_BYTES:
                raise ProtocolError(f"A frame of {length:,} bytes; at most {MAX_FRAME_BYTES:,} are allowed.")
            end = _HEADER.size + length
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            yield body
