"""Imported sets on the disk: where they are kept, and how they are found."""

import os
from pathlib import Path

from gmstudio.data.dataset import DataError
from gmstudio.data.importing.set_file import ImportedSet, is_import, open_import
from gmstudio.runs.library import runs_home

HOME_NAME = "data"


def imports_home() -> Path:
    """Folder of the imported sets: ``data`` beside the library of runs.

    Raises:
        RunError: when the library's place is unknown.
    """
    return runs_home().parent / HOME_NAME


def list_imports(home: Path) -> tuple[ImportedSet, ...]:
    """Imported sets, the newest first; what is no set, or damaged, is left out."""
    found = []
    try:
        folders = [Path(entry.path) for entry in os.scandir(home) if entry.is_dir() and not entry.name.startswith(".")]
    except OSError:
        return ()
    for folder in folders:
        if is_import(folder):
            try:
                found.append(open_import(folder))
            except DataError:
                continue
    return tuple(sorted(found, key=lambda imported: (imported.record.date, imported.folder.name), reverse=True))


def find_import(home: Path, sha256: str) -> ImportedSet | None:
    """Return the imported set of this hash, by which a run names the images that it saw; None where it is gone."""
    return next((imported for imported in list_imports(home) if imported.record.sha256 == sha256), None)


def named_import(home: Path, name: str) -> ImportedSet | None:
    """Return the imported set that has this name, the latest of several; None when there is none."""
    wanted = name.strip().casefold()
    return next((found for found in list_imports(home) if found.record.name.casefold() == wanted), None)
