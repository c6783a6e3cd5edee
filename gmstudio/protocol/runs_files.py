"""Messages about files of runs that travel between the window's machine and the engine's, in pieces."""

from typing import ClassVar

from gmstudio.protocol.base import Command, Event
from gmstudio.protocol.runs import RunInfo

PIECE_BYTES = 1 << 20
"""Bytes of a piece."""


class SendRunFile(Command, frozen=True, kw_only=True):
    """Send a piece of a packed run; answered with ``RunFileReceived``. Pieces follow one another.

    Args:
        upload: identity of the file, 32 hexadecimal digits that the sender chose.
        name: of the file, for messages.
        size: of the whole file, in bytes.
        offset: of the piece; 0 begins the file anew.
        data: the piece, ``PIECE_BYTES`` at most.
    """

    upload: str
    name: str
    size: int
    offset: int
    data: bytes


class ImportSentRun(Command, frozen=True, kw_only=True):
    """Unpack a packed run that was sent whole into the library.

    Answered with ``FileProgressed`` any number of times, then ``RunImported``; the sent file is removed in any case.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("upload",)
    background: ClassVar[bool] = True

    upload: str


class DropRunFile(Command, frozen=True, kw_only=True):
    """Remove a file that was sent in part, or an export that was prepared; answered with ``Done``.

    Args:
        file: ``SendRunFile.upload`` or ``ExportPrepared.export``.
    """

    file: str


class PrepareExport(Command, frozen=True, kw_only=True):
    """Export a run to a file that the window fetches: the engine may be on another machine.

    Answered with ``FileProgressed`` any number of times, then ``ExportPrepared``.

    Args:
        run: the run.
        form: name of an ``ExportForm`` that is a file.
        like: ``ExportPrepared.export`` of the same content in another form, which is not computed again where it is the
            newest one of the engine; empty: none.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run", "form")
    background: ClassVar[bool] = True

    run: str
    form: str
    like: str = ""


class FetchPrepared(Command, frozen=True, kw_only=True):
    """Fetch a piece of a prepared export; answered with ``PreparedPiece``."""

    export: str
    offset: int


class RunFileReceived(Event, frozen=True, kw_only=True):
    """A piece was written.

    Args:
        received: bytes of the file so far.
    """

    upload: str
    received: int


class FileProgressed(Event, frozen=True, kw_only=True):
    """A run is being exported or unpacked, or made of a file of weights.

    Args:
        share: part that is done, 0 to 1.
    """

    share: float

    def ends_request(self) -> bool:
        """Return False: the result of the command follows."""
        return False


class RunImported(Event, frozen=True, kw_only=True):
    """A run was imported into the library.

    Args:
        info: its description.
        remarks: sentences, such as that it has another name here.
    """

    info: RunInfo
    remarks: tuple[str, ...] = ()


class ExportPrepared(Event, frozen=True, kw_only=True):
    """An export can be fetched.

    Args:
        run: the run.
        form: name of the ``ExportForm``.
        export: identity of the file.
        size: of the file, in bytes.
        name: suggested for the file.
        remarks: sentences on what could not be exported.
    """

    run: str
    form: str
    export: str
    size: int
    name: str
    remarks: tuple[str, ...] = ()


class PreparedPiece(Event, frozen=True, kw_only=True):
    """A piece of a prepared export; an empty one: the file ends here."""

    export: str
    offset: int
    data: bytes
