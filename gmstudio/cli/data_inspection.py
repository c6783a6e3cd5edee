"""Inspection of images for ``gmstudio data info``: read and counted, not kept."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gmstudio.cli.data_documents import class_counts, content_text, imported_document, print_details
from gmstudio.cli.terminal import say

if TYPE_CHECKING:
    from gmstudio.data.importing.raw import RawSet
    from gmstudio.data.importing.set_file import ImportedSet
    from gmstudio.data.importing.settings import ImportSettings

INSPECTION_KEYS = (
    "name",
    "path",
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
    "guesses",
    "remarks",
    "entropy",
)
MAX_BAD_LISTED = 100
EMPTY_PATH_REMEDY = "Name a file or folder; the working directory is a point."


def inspect(
    what: str, values: dict[str, str | None], parse: Callable[[dict[str, str | None]], "ImportSettings"]
) -> Iterator[Any]:
    """Inspect a source, an imported set or files; yields progress, and a document with ``INSPECTION_KEYS`` at the end.

    Args:
        what: name or path.
        values: settings of the source, or of the import of the files.
        parse: makes them settings of an import.

    Raises:
        ValueError: when there is nothing of that name, or it cannot be used.
    """
    from gmstudio.data import SOURCES
    from gmstudio.data.importing.kept_sets import imports_home, named_import
    from gmstudio.data.importing.set_file import is_import, open_import
    from gmstudio.system.typed_path import typed_path

    if not what.strip():
        raise ValueError(f"The path is empty. {EMPTY_PATH_REMEDY}")
    path = typed_path(what)
    kept = named_import(imports_home(), what)
    if path.is_dir() and is_import(path):
        parse(values)
        yield _of_imported(open_import(path))
    elif path.exists():
        yield from _of_files(path, parse(values))
    elif what in SOURCES:
        yield _of_source(what, values)
    elif kept is not None:
        parse(values)
        yield _of_imported(kept)
    else:
        raise ValueError(
            f"There is no file, data source or imported set {what!r}. gmstudio data list shows those there are."
        )


def _of_imported(imported: "ImportedSet") -> dict[str, Any]:
    document = {**imported_document(imported), "entropy": None}
    return {key: document["folder" if key == "path" else key] for key in INSPECTION_KEYS}


def _of_source(name: str, values: dict[str, str | None]) -> dict[str, Any]:
    import numpy as np

    from gmstudio.data import SOURCES, load
    from gmstudio.data.points import entropy

    if "folder" in SOURCES[name].Config.__struct_fields__:
        raise ValueError(f"{name} reads files of yours. Name their folder: gmstudio data info FOLDER.")
    dataset = load(name, values)
    splits = (dataset.train, dataset.valid, dataset.test)
    labels = [split.labels for split in splits if split.labels is not None]
    image = dataset.image
    settings = "these settings" if values else "the default settings"
    found: tuple[object, ...] = (
        SOURCES[name].title,
        None,
        sum(dataset.sizes.values()),
        image.channels,
        image.height,
        image.width,
        "points" if dataset.axes else "images",
        [{"name": axis.title, "low": axis.low, "high": axis.high} for axis in dataset.axes],
        dict(dataset.sizes),
        class_counts(np.concatenate(labels) if labels else None, dataset.label_names),
        0,
        [],
        [],
        [f"{image.levels} levels with {settings}.", *dataset.remarks],
        None if dataset.truth is None else entropy(dataset.truth),
    )
    return dict(zip(INSPECTION_KEYS, found, strict=True))


def _of_files(path: Path, settings: "ImportSettings") -> Iterator[Any]:
    import numpy as np

    from gmstudio.data.importing.decoding_pieces import decode_pieces
    from gmstudio.data.importing.opening import open_raw
    from gmstudio.data.importing.raw import RawSet
    from gmstudio.data.importing.survey import survey
    from gmstudio.data.progress import Progress

    raw: RawSet | None = None
    for item in open_raw(path, settings):
        if isinstance(item, RawSet):
            raw = item
        else:
            yield item
    assert raw is not None
    for found in survey(raw, settings):
        if isinstance(found, Progress):
            yield found
        else:
            target, guesses = found
    bad: list[dict[str, str]] = []
    rows: list[Any] = []
    done = num_bad = 0
    for piece in decode_pieces(raw, np.arange(len(raw)), target):
        num_bad += len(piece.bad)
        bad += [{"name": error.name, "reason": error.reason} for error in piece.bad[: MAX_BAD_LISTED - len(bad)]]
        rows.append(piece.indices)
        done += len(piece.indices) + len(piece.bad)
        yield Progress("decode", done, len(raw), num_bad)
    yield _file_document(path, raw, target, (*raw.guesses, *guesses), np.concatenate(rows), num_bad, bad)


def _file_document(
    path: Path, raw: "RawSet", target: Any, guesses: tuple[Any, ...], rows: Any, num_bad: int, bad: list[dict[str, str]]
) -> dict[str, Any]:
    import numpy as np

    from gmstudio.protocol.data import SPLITS

    splits = None if raw.splits is None else raw.splits[rows]
    sizes = {} if splits is None else {split: int(np.sum(splits == at)) for at, split in enumerate(SPLITS)}
    values: tuple[object, ...] = (
        raw.title,
        str(path.absolute()),
        len(rows),
        *target.shape,
        raw.content,
        [{"name": axis.name, "low": axis.low, "high": axis.high} for axis in raw.axes],
        sizes,
        class_counts(None if raw.labels is None else raw.labels[rows], raw.label_names),
        num_bad,
        bad,
        [{"setting": guess.setting, "text": guess.text} for guess in guesses],
        list(raw.remarks),
        None,
    )
    return dict(zip(INSPECTION_KEYS, values, strict=True))


def print_inspection(document: Mapping[str, Any]) -> None:
    """Print an inspection, line by line."""
    say(f"{document['name']}: {document['images']:,} {content_text(document)}")
    print_details(document)
    if document["entropy"] is not None:
        say(f"entropy of the true distribution: {document['entropy']:.4f} nats, the least −log p of any model")
    if document["path"]:
        say(document["path"])
