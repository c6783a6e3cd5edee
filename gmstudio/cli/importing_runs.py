"""``gmstudio import``: a run that was exported as one file, or the folder of a run from elsewhere, into the library."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gmstudio.cli.json_output import JsonOption, print_json
from gmstudio.cli.terminal import say, warn
from gmstudio.system.typed_path import typed_path

if TYPE_CHECKING:
    from gmstudio.runs.archive_reading import RunUnpacker

KEYS = ("run", "path", "source", "remarks")


def import_run(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A run as one file (.gmrun), or the folder of a run.")],
    as_json: JsonOption = False,
) -> None:
    """Import a run into the library: all is checked before it appears there, and a name that is taken gets a number."""
    from gmstudio.runs.library import runs_home

    source = typed_path(file).absolute()
    home = runs_home()
    unpacker = _import_folder(source, home) if source.is_dir() else _import_file(source, home)
    warn(unpacker.remarks)
    if as_json:
        print_json(dict(zip(KEYS, (unpacker.place.name, unpacker.place, source, unpacker.remarks), strict=True)))
    else:
        say(str(unpacker.place))


def _import_file(source: Path, home: Path, shown: str = "") -> "RunUnpacker":
    from gmstudio.runs.archive_reading import RunUnpacker

    unpacker = RunUnpacker(source, home, shown)
    for _share in unpacker.pieces():
        pass
    return unpacker


def _import_folder(source: Path, home: Path) -> "RunUnpacker":
    """Import a folder by way of a file, so that it is checked like one."""
    from gmstudio.runs.archive import pack_run
    from gmstudio.runs.record import RunError

    if source.parent == home.absolute():
        raise RunError(f"{source} is in the library already.")
    with tempfile.TemporaryDirectory(prefix="gmstudio-import-") as scratch:
        archive = Path(scratch) / "run.gmrun"
        pack_run(source, archive)
        return _import_file(archive, home, str(source))
