"""What follows a download: single members of an archive are unpacked, and chosen files are put into one folder."""

import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from gmstudio.data.dataset import DataError

_PIECE_BYTES = 1 << 20
_MAX_MEMBER_BYTES = 1 << 30


def unpack_members(archive: Path, names: Sequence[str], folder: Path) -> Iterator[float]:
    """Unpack members of a zip archive into a folder, by their last name; what is there with the right size is kept.

    Args:
        archive: the archive.
        names: of the members, without their folders.
        folder: where they go; nothing else is written.

    Yields:
        The share that is done.

    Raises:
        DataError: when the archive is damaged or lacks a member.
        OSError: when a file cannot be written.
    """
    folder.mkdir(exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            members = {PurePosixPath(info.filename).name: info for info in packed.infolist() if not info.is_dir()}
            for number, name in enumerate(names):
                if name not in members or members[name].file_size > _MAX_MEMBER_BYTES:
                    raise DataError(f"{archive} holds no {name}. Delete it, and download it again.")
                for done in _unpack(packed, members[name], folder / name):
                    yield (number + done) / len(names)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise DataError(f"{archive} is damaged ({error}). Delete it, and download it again.") from error


def _unpack(packed: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> Iterator[float]:
    if path.exists() and path.stat().st_size == info.file_size:
        return
    part = path.with_name(path.name + ".part")
    try:
        with packed.open(info) as source, part.open("wb") as target:
            while piece := source.read(_PIECE_BYTES):
                target.write(piece)
                yield target.tell() / max(1, info.file_size)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def link_files(paths: Sequence[Path], folder: Path) -> Path:
    """Put files into a folder of their own, without a copy where the file system allows it.

    Raises:
        OSError: when they cannot be put there.
    """
    folder.mkdir(exist_ok=True)
    for path in paths:
        target = folder / path.name
        if target.exists():
            continue
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)
    return folder
