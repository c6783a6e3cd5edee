"""Import of files of images into a set that is kept."""

import hashlib
import os
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.decoding_pieces import decode_pieces
from gmstudio.data.importing.duplicates import Duplicates, find_duplicates
from gmstudio.data.importing.fitting import Target
from gmstudio.data.importing.kept_sets import list_imports
from gmstudio.data.importing.opening import open_raw
from gmstudio.data.importing.raw import BadImageError, Guess, RawSet
from gmstudio.data.importing.set_file import (
    AxisRecord,
    BadFile,
    DuplicateRecord,
    GuessRecord,
    ImportedSet,
    SetRecord,
)
from gmstudio.data.importing.set_writer import SetWriter
from gmstudio.data.importing.settings import ImportSettings
from gmstudio.data.importing.survey import survey
from gmstudio.data.progress import Progress
from gmstudio.protocol.data import SPLITS, SplitName
from gmstudio.protocol.plain_text import plain_text

MAX_BAD_LISTED = 100
MAX_DUPLICATES_LISTED = 20
_SIGNED_FILES = 20_000
T = TypeVar("T")


def import_images(path: Path, settings: ImportSettings, home: Path, name: str = "") -> Iterator[Progress | ImportedSet]:
    """Import files of images, a piece at a time; the last item is the set.

    The same files with the same settings are found again. Closing the iterator ends the import and leaves nothing.

    Args:
        path: see ``open_raw``.
        settings: how files are understood, and what their images become.
        home: folder of the imported sets.
        name: of the set; empty: that of the files. A number is added where another set has that name.

    Raises:
        DataError: when files cannot be used, or the set cannot be written; ConfigError for settings that do not fit.
    """
    raw = yield from _until(open_raw(path, settings), RawSet)  # type: ignore[type-abstract]
    key = _key(path, settings, raw)
    kept = next((imported for imported in list_imports(home) if imported.record.key == key), None)
    if kept is not None:
        yield kept
        return
    target, guesses = yield from _until(survey(raw, settings), tuple)
    writer = SetWriter(home, target.shape)
    try:
        writer.check_room(len(raw))
        bad = yield from _decode(raw, target, settings, writer)
        record = _record(
            raw,
            unused_name(plain_text(name) or plain_text(raw.title) or "images", list_imports(home)),
            (*raw.guesses, *guesses),
            bad,
        )
        record = msgspec.structs.replace(
            record, key=key, source=plain_text(str(path.absolute())), settings=msgspec.to_builtins(settings)
        )
        yield from _finish(raw, record, settings, writer)
    finally:
        writer.discard()


def unused_name(name: str, kept: Sequence[ImportedSet]) -> str:
    """Return the name, followed by a number where another set has it, so that names are unique."""
    taken = {imported.record.name.casefold() for imported in kept}
    numbered = (f"{name} {number}" for number in count(2))
    return name if name.casefold() not in taken else next(found for found in numbered if found.casefold() not in taken)


def _until(pieces: Iterator[Progress | T], kind: type[T]) -> Generator[Progress, None, T]:
    """Pass progress on, and return the item of another kind."""
    for item in pieces:
        if isinstance(item, kind):
            return item
        assert isinstance(item, Progress)
        yield item
    raise AssertionError(f"{pieces} ended without a {kind.__name__}.")


def _key(path: Path, settings: ImportSettings, raw: RawSet) -> str:
    """Value that changes with the files and the settings."""
    digest = hashlib.sha256(os.fsencode(path.resolve()))
    digest.update(msgspec.json.encode((raw.signature or _signature(path), msgspec.to_builtins(settings))))
    return digest.hexdigest()


def _signature(path: Path) -> str:
    """Names, sizes and times of a file, or of those below a folder."""
    digest = hashlib.sha256()
    waiting, seen = [path], 0
    while waiting and seen < _SIGNED_FILES:
        place = waiting.pop()
        seen += 1
        try:
            status = place.stat()
            digest.update(
                f"{place.relative_to(path)} {status.st_size} {status.st_mtime_ns}\n".encode("utf-8", "replace")
            )
            if place.is_dir() and not place.is_symlink():
                waiting += sorted(place.iterdir())
        except OSError:
            continue
    return digest.hexdigest()


class _Bad:
    """Images that could not be decoded: their number, and the first of them."""

    def __init__(self) -> None:
        self.count = 0
        self.listed: list[BadFile] = []

    def add(self, error: BadImageError) -> None:
        self.count += 1
        if len(self.listed) < MAX_BAD_LISTED:
            self.listed.append(BadFile(plain_text(error.name), plain_text(error.reason)))


def _decode(
    raw: RawSet, target: Target, settings: ImportSettings, writer: SetWriter
) -> Generator[Progress, None, _Bad]:
    bad = _Bad()
    order = np.arange(len(raw)) if raw.splits is None else np.argsort(raw.splits, kind="stable")
    done = 0
    for piece in decode_pieces(raw, order, target):
        for error in piece.bad:
            if settings.bad_files == "refuse":
                raise DataError(f"{error} Remove the file, or choose to skip bad files.")
            bad.add(error)
        writer.add(piece.images, piece.indices)
        done += len(piece.images) + len(piece.bad)
        yield Progress("decode", done, len(raw), bad.count)
    if not len(writer.rows):
        first = f" {bad.listed[0].name}: {bad.listed[0].reason}" if bad.listed else ""
        raise DataError(f"None of the {len(raw):,} images can be decoded.{first}")
    return bad


def _record(raw: RawSet, name: str, guesses: Sequence[Guess], bad: _Bad) -> SetRecord:
    """Description of a set, whose key, settings, shape and hash are filled in elsewhere."""
    return SetRecord(
        name=name,
        sha256="",
        key="",
        source="",
        settings={},
        shape=(0, 0, 0, 0),
        content=raw.content,
        axes=tuple(AxisRecord(axis.name, axis.low, axis.high) for axis in raw.axes),
        label_names=raw.label_names,
        has_labels=raw.labels is not None,
        num_bad=bad.count,
        bad=tuple(bad.listed),
        guesses=tuple(GuessRecord(guess.setting, guess.text) for guess in guesses),
        remarks=raw.remarks,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _finish(
    raw: RawSet, record: SetRecord, settings: ImportSettings, writer: SetWriter
) -> Iterator[Progress | ImportedSet]:
    rows = writer.rows
    splits = None if raw.splits is None else raw.splits[rows]
    found = find_duplicates(writer.hashes, splits)
    record = msgspec.structs.replace(
        record,
        num_duplicates=len(found.positions),
        num_between_splits=int(found.between.sum()),
        duplicates=_examples(raw, rows, splits, found),
    )
    if settings.duplicates == "drop" and len(found.positions):
        kept = np.setdiff1d(np.arange(len(rows)), found.positions)
        for done in writer.keep(kept):
            yield Progress("finish", done, len(kept), record.num_bad)
        record = msgspec.structs.replace(record, num_dropped=len(found.positions))
        rows = writer.rows
        splits = None if raw.splits is None else raw.splits[rows]
    labels = None if raw.labels is None else raw.labels[rows]
    if labels is not None and raw.drops_classes and raw.label_names:
        used, labels = np.unique(labels, return_inverse=True)
        record = msgspec.structs.replace(record, label_names=tuple(raw.label_names[label] for label in used))
    if splits is not None:
        sizes: dict[SplitName, int] = {split: int((splits == at).sum()) for at, split in enumerate(SPLITS)}
        record = msgspec.structs.replace(record, split_sizes=sizes)
    for item in writer.finish(record, labels, splits):
        yield item if isinstance(item, ImportedSet) else Progress("finish", item, len(rows), record.num_bad)


def _examples(
    raw: RawSet, rows: NDArray[np.int64], splits: NDArray[np.int8] | None, found: Duplicates
) -> tuple[DuplicateRecord, ...]:
    """Describe some duplicates, those between splits first."""
    first = np.argsort(~found.between, kind="stable")[:MAX_DUPLICATES_LISTED]

    def split(position: int) -> str:
        return "" if splits is None else SPLITS[splits[position]]

    return tuple(
        DuplicateRecord(
            plain_text(raw.name(int(rows[one]))), split(one), plain_text(raw.name(int(rows[other]))), split(other)
        )
        for one, other in zip(found.positions[first].tolist(), found.originals[first].tolist(), strict=True)
    )
