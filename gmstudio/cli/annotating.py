"""``gmstudio annotate``: name, note, tags, star and archive of a run."""

from typing import Annotated

import msgspec
import typer

from gmstudio.cli.family_entries import family_entries
from gmstudio.cli.json_output import JsonOption, print_json
from gmstudio.cli.terminal import new_console
from gmstudio.protocol.plain_text import plain_text
from gmstudio.runs.names import typed_run


def annotate(
    run: Annotated[str, typer.Argument(help="Run: its name in the library, or its folder.")],
    name: Annotated[str | None, typer.Option("--name", help="Name in place of its label; empty: the label.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="Note; empty: none.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Tag to be added; may be repeated.")] = None,
    untag: Annotated[list[str] | None, typer.Option("--untag", help="Tag to be taken away; may be repeated.")] = None,
    starred: Annotated[bool | None, typer.Option("--star/--unstar", help="List it before the others, or not.")] = None,
    archived: Annotated[
        bool | None, typer.Option("--archive/--unarchive", help="List it only with the archived runs, or with all.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give a run a name, a note, tags or a star, or archive it; also while it trains."""
    from gmstudio.cli.run_documents import run_document
    from gmstudio.runs.description import read_description, write_description
    from gmstudio.runs.folder import RunFolder
    from gmstudio.runs.library import summarize

    added, removed = _tags(tag or ()), {one.casefold() for one in _tags(untag or ())}
    given = {"name": name, "note": note, "starred": starred, "archived": archived}
    changed = {field: value for field, value in given.items() if value is not None}
    if not (changed or added or removed):
        raise ValueError("Nothing is to be changed: write --name, --note, --tag, --untag, --star or --archive.")
    with RunFolder.open(typed_run(run)) as folder:
        path = folder.path
        before = read_description(path)
        tags = tuple(dict.fromkeys((*before.tags, *added)))
        tags = tuple(one for one in tags if one.casefold() not in removed)
        write_description(path, msgspec.structs.replace(before, **changed, tags=tags))
    summary = summarize(path)
    if as_json:
        print_json(run_document(summary, family_entries()))
        return
    kept = read_description(path)
    words = ("★" if kept.starred else "", summary.title, ", ".join(kept.tags), "archived" if kept.archived else "")
    new_console().print(plain_text(" · ".join(filter(None, words))), soft_wrap=True)


def _tags(typed: list[str] | tuple[()]) -> tuple[str, ...]:
    """Tags as they are kept: on one line, of which several are separated by commas.

    Raises:
        ValueError: for an empty one.
    """
    parts = [" ".join(part.split()) for one in typed for part in one.split(",")]
    if not all(parts):
        raise ValueError("A tag is empty; write a word, for example --tag baseline.")
    return tuple(dict.fromkeys(parts))
