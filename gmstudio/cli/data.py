"""``gmstudio data``: data sets on this machine and elsewhere: list, info, import, download; needs no torch."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gmstudio.cli.data_documents import DOWNLOAD_KEYS, imported_document, lists_document, print_imported, print_lists
from gmstudio.cli.data_progress import following
from gmstudio.cli.json_output import JsonOption, print_json
from gmstudio.cli.options import parse_setting
from gmstudio.cli.terminal import say

if TYPE_CHECKING:
    from gmstudio.data.downloading import DownloadedSet
    from gmstudio.data.importing.set_file import ImportedSet
    from gmstudio.data.importing.settings import ImportSettings

T = TypeVar("T")
INTERRUPTED = 130

commands = typer.Typer(help="List, inspect, import and download data sets.", no_args_is_help=True)
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Set a field=value of the import, such as size=28, colour=grey, label_column=first, or of the data "
        "source; may be repeated.",
    ),
]
NameOption = Annotated[str, typer.Option("--name", help="Name of the imported set; by default that of the files.")]


@commands.command("list")
def list_data(as_json: JsonOption = False) -> None:
    """List the data sources, the imported sets, and the sets that can be downloaded."""
    document = lists_document()
    print_json(document) if as_json else print_lists(document)


@commands.command()
def info(
    what: Annotated[
        str, typer.Argument(metavar="PATH_OR_NAME", help="File or folder of images, imported set, or data source.")
    ],
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show counts per split, size, classes, guesses and bad files; files are read, and nothing is kept."""
    from gmstudio.cli.data_inspection import INSPECTION_KEYS, inspect, print_inspection

    document = _run(inspect(what, _parsed(settings), _validated), dict, as_json)
    assert set(document) == set(INSPECTION_KEYS)
    print_json(document) if as_json else print_inspection(document)


@commands.command("import")
def import_data(
    path: Annotated[str, typer.Argument(metavar="PATH", help="Folder or zip of pictures, or a file of images.")],
    name: NameOption = "",
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Import images as a data set, for train --data images --data-dir SET; Ctrl+C leaves nothing behind."""
    from gmstudio.cli.data_inspection import EMPTY_PATH_REMEDY
    from gmstudio.system.typed_path import typed_path

    if not path.strip():
        raise ValueError(f"The path is empty. {EMPTY_PATH_REMEDY}")
    _show_imported(_import(typed_path(path), _import_settings(settings), name, as_json), as_json)


@commands.command()
def download(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a set; gmstudio data list shows them.")],
    classes: Annotated[
        list[str] | None, typer.Argument(metavar="[CLASS]...", help="Classes, of sets that are downloaded by class.")
    ] = None,
    settings: SettingsOption = None,
    accept: Annotated[bool, typer.Option("--yes", "-y", help="Accept the licence without being asked.")] = False,
    keep_files: Annotated[
        bool, typer.Option("--no-import", help="Download only, and print where the files are.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Download a known set once its licence is accepted, check its hashes, import it; continues after Ctrl+C."""
    from gmstudio.data.downloading import DownloadedSet, find_remote
    from gmstudio.data.downloading import download as fetch
    from gmstudio.data.downloading.registry import chosen_files

    remote = find_remote(name)
    size = sum(file.size for file in chosen_files(remote, classes or ()))
    _accept_licence(f"{remote.title}: {remote.summary}", remote.licence, remote.licence_url, size, accept, as_json)
    found = _run(fetch(remote.name, classes=classes or ()), DownloadedSet, as_json)
    chosen = {**found.settings, **_parsed(settings)}
    imported = None if keep_files else _import(found.path, _validated(chosen), found.name, as_json)
    _show_download(found, imported, as_json)


def _show_download(found: "DownloadedSet", imported: "ImportedSet | None", as_json: bool) -> None:
    if as_json:
        values = (
            found.remote.name,
            str(found.path.absolute()),
            found.remote.licence,
            found.remote.licence_url,
            found.remote.citation,
            imported and imported_document(imported),
        )
        print_json(dict(zip(DOWNLOAD_KEYS, values, strict=True)))
    elif imported is None:
        say(str(found.path))
        say(f"Cite: {found.remote.citation}.")
    else:
        _show_imported(imported, as_json=False)
        say(f"Cite: {found.remote.citation}.")


def _accept_licence(title: str, licence: str, url: str, size: int, accepted: bool, as_json: bool) -> None:
    """Show the licence, and ask for its acceptance where it was not given."""
    for line in (title, f"Licence: {licence} {url}", f"Download: {size / 1e6:,.1f} MB"):
        typer.echo(line, err=as_json)
    if accepted:
        return
    if not sys.stdin.isatty():
        raise ValueError("The licence must be accepted before the download. Read it, and add --yes.")
    typer.confirm("Accept the licence and download?", abort=True, err=as_json)


def _import(path: Path, settings: "ImportSettings", name: str, as_json: bool) -> "ImportedSet":
    from gmstudio.data.importing.kept_sets import imports_home
    from gmstudio.data.importing.set_file import ImportedSet
    from gmstudio.data.importing.store import import_images

    return _run(import_images(path, settings, imports_home(), name), ImportedSet, as_json)


def _show_imported(imported: "ImportedSet", as_json: bool) -> None:
    document = imported_document(imported)
    print_json(document) if as_json else print_imported(document)


def _run(pieces: Iterator[Any], kind: type[T], as_json: bool) -> T:
    """Follow work with a progress bar and return its last item; Ctrl+C ends it in order.

    Raises:
        typer.Exit: with code 130 on Ctrl+C.
    """
    try:
        with closing(pieces), following(to_stderr=as_json) as follow:  # type: ignore[type-var]
            for item in pieces:
                if isinstance(item, kind):
                    return item
                follow(item)
    except KeyboardInterrupt:
        typer.secho("Stopped; nothing was imported.", fg=typer.colors.YELLOW, err=True)
        raise typer.Exit(INTERRUPTED) from None
    raise AssertionError(f"{pieces} ended without a result.")


def _parsed(settings: list[str] | None) -> dict[str, str | None]:
    return dict(parse_setting(text) for text in settings or ())


def _import_settings(settings: list[str] | None) -> "ImportSettings":
    return _validated(_parsed(settings))


def _validated(values: dict[str, str | None]) -> "ImportSettings":
    from gmstudio.data.importing.settings import ImportSettings
    from gmstudio.protocol.config import parse_config

    return parse_config(ImportSettings, {name: "" if value is None else value for name, value in values.items()})
