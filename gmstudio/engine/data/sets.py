"""Imported data sets for the window: the list of them, read a folder at a time, and their descriptions."""

import os
from collections.abc import Iterator
from pathlib import Path

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.kept_sets import imports_home
from gmstudio.data.importing.set_file import ImportedSet, is_import, open_import
from gmstudio.protocol.base import Event
from gmstudio.protocol.data_import import DataSetDescribed, DataSetDetails, DataSetInfo, DataSetsListed, ListDataSets
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.plain_text import is_encodable, plain_text

STORED_LEVELS = 256


def list_sets(command: ListDataSets) -> Iterator[Event | None]:
    """List the imported data sets, one a piece; one that is damaged never hides the others."""
    home = imports_home()
    found: list[DataSetInfo] = []
    problems: list[str] = []
    for folder in _folders(home):
        if not is_import(folder):
            continue
        if is_encodable(str(folder)):
            try:
                found.append(describe(open_import(folder)))
            except DataError as error:
                problems.append(plain_text(str(error)))
        else:
            problems.append(f"{plain_text(folder.name)} has a name that is not UTF-8. Rename the folder.")
        yield None
    found.sort(key=lambda info: (info.date, info.folder), reverse=True)
    yield DataSetsListed(
        request=command.request, home=plain_text(str(home)), sets=tuple(found), problems=tuple(problems)
    )


def _folders(home: Path) -> list[Path]:
    try:
        with os.scandir(home) as entries:
            return [Path(entry.path) for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except FileNotFoundError:
        return []


def describe(imported: ImportedSet) -> DataSetInfo:
    """Describe an imported data set for lists."""
    record = imported.record
    size, channels, height, width = record.shape
    labels = imported.labels
    return DataSetInfo(
        folder=str(imported.folder),
        name=plain_text(record.name),
        size=size,
        image=ImageSpec(channels, height, width, STORED_LEVELS),
        content=record.content,
        num_classes=0 if labels is None else len(record.label_names) or 1 + int(labels.max(initial=-1)),
        split_sizes=record.split_sizes,
        source=record.source,
        bytes=_bytes(imported.folder),
        date=record.date,
    )


def _bytes(folder: Path) -> int:
    try:
        with os.scandir(folder) as entries:
            return sum(entry.stat().st_size for entry in entries if entry.is_file())
    except OSError:  # removed meanwhile
        return 0


def described(imported: ImportedSet, request: int) -> DataSetDescribed:
    """Describe an imported data set and its import."""
    record = imported.record
    details = DataSetDetails(
        sha256=record.sha256,
        settings=dict(record.settings),
        guesses=tuple(guess.text for guess in record.guesses),
        remarks=record.remarks,
        num_bad=record.num_bad,
        bad=tuple((file.name, file.reason) for file in record.bad),
        duplicates=tuple((pair.name, pair.other) for pair in record.duplicates),
        num_duplicates=record.num_duplicates,
        num_between_splits=record.num_between_splits,
        num_dropped=record.num_dropped,
    )
    return DataSetDescribed(request=request, info=describe(imported), details=details)
