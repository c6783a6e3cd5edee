"""Atomic replacement of files: after a crash there is the old file or the new one, never a part."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make renames inside ``folder`` survive a power cut (Windows cannot and need not do this for a folder)."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, data: bytes) -> None:
    """Write a file and wait until the disk has it.

    Raises:
        OSError: when the disk is full or the folder cannot be written.
    """
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of ``path`` in one step: a reader sees the old bytes or the new ones, never a part.

    Raises:
        OSError: when the disk is full or the folder cannot be written; the old file is then unchanged.
    """
    temporary = path.with_name(f".{path.name}.writing")
    try:
        write_synced(temporary, data)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
