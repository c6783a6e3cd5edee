"""The two kinds of message: commands to the engine, events from it."""

import msgspec


class Command(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of what the window asks of the engine."""

    request: int = 0


class Event(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Base of what the engine tells the window."""

    request: int = 0
