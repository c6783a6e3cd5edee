"""Documents and tables of ``gmstudio data list``, ``import`` and ``download``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gmstudio.cli.terminal import new_console, say
from gmstudio.protocol.plain_text import plain_text

if TYPE_CHECKING:
    from gmstudio.data.importing.set_file import ImportedSet

SOURCE_KEYS = ("name", "title", "summary", "needs_files")
IMPORTED_KEYS = (
    "name",
    "folder",
    "source",
    "images",
    "channels",
    "height",
    "width",
    "content",
    "axes",
    "splits",
    "classes",
    "bad",
    "bad_files",
    "duplicates",
    "duplicates_between_splits",
    "guesses",
    "remarks",
    "sha256",
    "date",
)
REMOTE_KEYS = ("name", "title", "summary", "bytes", "by_class", "classes", "licence", "licence_url", "citation")
DOWNLOAD_KEYS = ("name", "path", "licence", "licence_url", "citation", "imported")


def lists_document() -> dict[str, object]:
    """Sources, imported sets and sets that can be downloaded."""
    from gmstudio.data import SOURCES
    from gmstudio.data.downloading import SETS
    from gmstudio.data.importing.kept_sets import imports_home, list_imports

    home = imports_home()
    return {
        "sources": [
            dict(
                zip(
                    SOURCE_KEYS,
                    (key, source.title, source.summary, "folder" in source.Config.__struct_fields__),
                    strict=True,
                )
            )
            for key, source in SOURCES.items()
        ],
        "imports_folder": str(home),
        "imported": [imported_document(imported) for imported in list_imports(home)],
        "downloads": [
            dict(
                zip(
                    REMOTE_KEYS,
                    (
                        remote.name,
                        remote.title,
                        remote.summary,
                        remote.size,
                        remote.by_class,
                        [file.name.removesuffix(".npy") for file in remote.files] if remote.by_class else [],
                        remote.licence,
                        remote.licence_url,
                        remote.citation,
                    ),
                    strict=True,
                )
            )
            for remote in SETS.values()
        ],
    }


def imported_document(imported: "ImportedSet") -> dict[str, Any]:
    """Document of an imported set, with the keys ``IMPORTED_KEYS``."""
    record = imported.record
    count, channels, height, width = record.shape
    values = (
        record.name,
        str(imported.folder.absolute()),
        record.source,
        count,
        channels,
        height,
        width,
        record.content,
        [{"name": axis.name, "low": axis.low, "high": axis.high} for axis in record.axes],
        dict(record.split_sizes),
        class_counts(imported.labels, record.label_names),
        record.num_bad,
        [{"name": bad.name, "reason": bad.reason} for bad in record.bad],
        record.num_duplicates,
        record.num_between_splits,
        [{"setting": guess.setting, "text": guess.text} for guess in record.guesses],
        list(record.remarks),
        record.sha256,
        record.date,
    )
    return dict(zip(IMPORTED_KEYS, values, strict=True))


def class_counts(labels: Any, names: tuple[str, ...]) -> list[dict[str, object]]:
    """Label, name and number of images of each class."""
    import numpy as np

    if labels is None:
        return []
    found, counts = np.unique(labels, return_counts=True)
    return [
        {"label": int(label), "name": names[label] if label < len(names) else str(label), "images": int(count)}
        for label, count in zip(found, counts, strict=True)
    ]


# ---- for people ----------------------------------------------------------------------------------------------------


def print_lists(document: Mapping[str, Any]) -> None:
    """Print the lists as three tables."""
    from rich.table import Column, Table

    console = new_console()
    sources = Table(Column("source", no_wrap=True), "", box=None)
    for source in document["sources"]:
        files = " Files: --data-dir." if source["needs_files"] else ""
        sources.add_row(source["name"], plain_text(f"{source['title']}: {source['summary']}{files}"))
    console.print("Data sources (train --data SOURCE)", style="bold")
    console.print(sources)
    console.print()
    console.print("Imported sets (train --data images --data-dir FOLDER)", style="bold")
    if document["imported"]:
        imported = Table("set", "images", "size", "classes", Column("folder", overflow="fold"), box=None)
        for one in document["imported"]:
            classes = str(len(one["classes"]) or "")
            folder = plain_text(one["folder"])
            imported.add_row(plain_text(one["name"]), f"{one['images']:,}", size_text(one), classes, folder)
        console.print(imported)
    else:
        console.print("none; gmstudio data import PATH makes one")
    console.print()
    remote = Table(Column("name", no_wrap=True), Column("MB", justify="right"), "", "licence", box=None)
    for one in document["downloads"]:
        megabytes = one["bytes"] / 1e6
        size = f"≈ {megabytes / len(one['classes']):,.0f} each" if one["by_class"] else f"{megabytes:,.0f}"
        remote.add_row(one["name"], size, one["summary"], one["licence"])
    console.print("To download (gmstudio data download NAME)", style="bold")
    console.print(remote)


def print_imported(document: Mapping[str, Any]) -> None:
    """Print what was imported, line by line."""
    say(f"{document['name']}: {document['images']:,} {content_text(document)}")
    print_details(document)
    say(document["folder"])


def print_details(document: Mapping[str, Any]) -> None:
    """Print splits, classes, bad files, duplicates, guesses and remarks."""
    if document["splits"]:
        say("splits: " + ", ".join(f"{split} {count:,}" for split, count in document["splits"].items()))
    if document["classes"]:
        shown = [f"{one['name']} {one['images']:,}" for one in document["classes"][:40]]
        more = len(document["classes"]) - len(shown)
        say(f"classes ({len(document['classes'])}): {', '.join(shown)}{f' and {more} more' if more else ''}")
    for axis in document["axes"]:
        say(f"values{' of ' + axis['name'] if axis['name'] else ''}: {axis['low']:g} to {axis['high']:g}")
    if document["bad"]:
        say(f"bad files: {document['bad']:,}")
        for bad in document["bad_files"][:10]:
            say(f"  {bad['name']}: {bad['reason']}")
    if document.get("duplicates"):
        say(f"duplicates: {document['duplicates']:,}, between splits {document['duplicates_between_splits']:,}")
    for guess in document["guesses"]:
        say(f"guess: {guess['text']} (--set {guess['setting']}=)")
    for remark in document["remarks"]:
        say(remark)


def size_text(document: Mapping[str, Any]) -> str:
    """Size of the images of a document: ``28×28 grey``."""
    colour = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGBA"}[document["channels"]]
    return f"{document['height']}×{document['width']} {colour}"


def content_text(document: Mapping[str, Any]) -> str:
    """Kind and size of the images of a document."""
    if document["content"] == "sequences":
        return f"sequences of {document['width']} values"
    if document["content"] == "points":
        return "points of the line" if document["width"] == 1 else "points of the plane"
    return f"images, {size_text(document)}"
