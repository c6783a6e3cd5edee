"""Long work of the engine, advanced piece by piece."""

from collections.abc import Iterator

from gmstudio.protocol.base import Event

Job = Iterator[Event | None]
"""Each piece yields an event, or None when there is nothing to send."""
