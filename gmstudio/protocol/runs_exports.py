"""Messages about exporting a run to files of other programs."""

from typing import ClassVar

import msgspec

from gmstudio.protocol.base import Command, Event


class ExportForm(msgspec.Struct, frozen=True, kw_only=True):
    """Form in which a run can be exported.

    Args:
        name: identity, for example ``tensorboard``; the option of ``gmstudio export`` has the same name.
        title: for menus, for example ``TensorBoard``.
        help: contents, one sentence.
        suffix: of the file that is written, for example ``.csv``; empty: a folder.
        reason: why this run cannot be exported so, one sentence; empty: it can.
    """

    name: str
    title: str
    help: str
    suffix: str = ""
    reason: str = ""


class ListExports(Command, frozen=True, kw_only=True):
    """List the forms in which a run can be exported; answered with ``ExportsListed``."""

    superseded_within: ClassVar[tuple[str, ...] | None] = ()
    background: ClassVar[bool] = True

    run: str


class ExportRun(Command, frozen=True, kw_only=True):
    """Export a run; answered with ``FileProgressed`` any number of times, then ``RunExported``.

    Args:
        run: the run.
        form: name of an ``ExportForm``.
        target: path of the file or folder to be written, on the engine's machine.
        overwrite: replace a file that exists; a folder must be empty or new in any case.
    """

    superseded_within: ClassVar[tuple[str, ...] | None] = ("run", "form")
    background: ClassVar[bool] = True

    run: str
    form: str
    target: str
    overwrite: bool = False


class ExportsListed(Event, frozen=True, kw_only=True):
    """Forms in which a run can be exported, and those in which it cannot, with the reason."""

    run: str
    forms: tuple[ExportForm, ...]


class RunExported(Event, frozen=True, kw_only=True):
    """A run was exported.

    Args:
        target: file or folder that was written.
        files: names of the files in the folder; of a file none.
        remarks: sentences on what could not be exported; usually none.
    """

    run: str
    form: str
    target: str
    files: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
