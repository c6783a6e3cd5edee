"""Messages about the trash of the library."""

from typing import ClassVar

import msgspec

from gmstudio.protocol.base import Command, Event


class ListTrash(Command, frozen=True, kw_only=True):
    """List the runs in the trash; answered with ``TrashListed``."""

    background: ClassVar[bool] = True


class EmptyTrash(Command, frozen=True, kw_only=True):
    """Delete runs in the trash for good; answered with ``TrashListed``.

    Args:
        places: of those that are deleted, as ``TrashedRun`` has them; others stay.
    """

    background: ClassVar[bool] = True

    places: tuple[str, ...]


class TrashedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the trash.

    Args:
        run: name that it had.
        place: path that it has now, for ``RestoreRun`` and ``EmptyTrash``.
        title: its name, or that of its folder.
        family: key in ``FAMILIES``; empty where it is damaged.
        data: key in ``SOURCES``; empty where it is damaged.
        step: training steps made.
        created: start of the run, ISO 8601 in UTC.
        size_bytes: of all its files.
    """

    run: str
    place: str
    title: str
    family: str
    data: str
    step: int
    created: str
    size_bytes: int


class TrashListed(Event, frozen=True, kw_only=True):
    """The runs in the trash, newest first.

    Args:
        runs: that are there.
        folder: the trash, on the engine's machine.
    """

    runs: tuple[TrashedRun, ...]
    folder: str
