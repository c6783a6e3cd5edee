"""The library of imported sets: names, and a trash from which sets can be restored."""

from pathlib import Path

import msgspec

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.kept_sets import list_imports
from gmstudio.data.importing.set_file import SET_NAME, ImportedSet, is_import, open_import
from gmstudio.data.importing.store import unused_name
from gmstudio.protocol.plain_text import MAX_TITLE, plain_text
from gmstudio.runs.atomic import replace_file
from gmstudio.runs.trash import free_place, refusal, trash_home
from gmstudio.system.os_errors import os_error_sentence

TRASH_NAME = "data"


def rename_import(folder: Path, name: str) -> ImportedSet:
    """Give an imported set another name; its folder stays, so that runs find it.

    Args:
        folder: its place.
        name: the new name; empty: that of the files. A number is added where another set has that name.

    Raises:
        DataError: when there is no such set, or it cannot be written.
    """
    record = open_import(folder).record
    chosen = plain_text(name, MAX_TITLE) or plain_text(Path(record.source).stem, MAX_TITLE) or folder.name
    chosen = unused_name(chosen, [other for other in list_imports(folder.parent) if not other.folder.samefile(folder)])
    record = msgspec.structs.replace(record, name=chosen)
    try:
        replace_file(folder / SET_NAME, msgspec.json.format(msgspec.json.encode(record), indent=1))
    except OSError as error:
        raise DataError(f"{folder} cannot be renamed: {os_error_sentence(error)}") from error
    return open_import(folder)


def trash_import(folder: Path) -> Path:
    """Move an imported set into the trash, whole and at once.

    Returns:
        Its new place.

    Raises:
        DataError: when there is no such set, or it cannot be moved; it then stays where it is.
    """
    if not is_import(folder):
        raise DataError(f"{folder} is no imported data set, or is gone already. Refresh the list.")
    trash = trash_home() / TRASH_NAME
    try:
        trash.mkdir(parents=True, exist_ok=True)
        place = free_place(trash, folder.name)
        folder.rename(place)
    except OSError as error:
        raise DataError(refusal(folder, trash, error)) from error
    return place


def restore_import(place: Path, folder: Path) -> ImportedSet:
    """Move an imported set back from the trash.

    Args:
        place: where it is in the trash.
        folder: where it was.

    Raises:
        DataError: when it is not in the trash, its former place is taken, or it cannot be moved.
    """
    if place.parent != trash_home() / TRASH_NAME or not is_import(place):
        raise DataError(f"{place} is not in the trash; it may have been restored or deleted already.")
    if folder.exists():
        raise DataError(f"{folder} exists again, so the data set in the trash cannot take its place. Move it by hand.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        place.rename(folder)
    except OSError as error:
        raise DataError(refusal(place, folder, error)) from error
    return open_import(folder)
