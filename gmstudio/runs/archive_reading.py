"""Unpacking of a run from one file (see ``archive_format``): checked before, while and after it is written.

An archive may come from anybody. Its directory, names and declared sizes are checked before anything is written; each
file is unpacked into a folder of its own under a hidden name, no further than to its declared size, and compared with
its checksum; then the run is opened, and only then has it a place in the library.
"""

import errno
import hashlib
import os
import shutil
import stat
import struct
import time
import uuid
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from gmstudio.protocol.plain_text import plain_text
from gmstudio.runs.archive_format import (
    FORMAT_NAME,
    FORMAT_VERSION,
    FREE_GROWTH,
    LIST_NAME,
    MAX_DIRECTORY_BYTES,
    MAX_FILES,
    MAX_GROWTH,
    MAX_LIST_BYTES,
    MAX_TOTAL_BYTES,
    ArchiveList,
    name_problem,
)
from gmstudio.runs.atomic import sync_folder
from gmstudio.runs.record import RECORD_NAME, RunDamagedError, RunError, RunRecord, read_record
from gmstudio.system.regular_file import open_regular

PIECE_BYTES = 1 << 20
PREFIX = ".importing-"
ABANDONED_S = 86_400.0
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_MAX_COMMENT = 65_535
_AGAIN = "Get the file again, or export the run again."


class RunUnpacker:
    """Unpacks a run into a library.

    Args:
        source: the archive.
        home: folder of the library.
        shown: name of the archive in sentences; empty: its path.

    Attributes:
        remarks: sentences on what is other than in the archive, such as a name that was taken.
    """

    def __init__(self, source: Path, home: Path, shown: str = "") -> None:
        self._source, self._home = source, home
        self._shown = plain_text(shown, 200) or str(source)
        self.remarks: tuple[str, ...] = ()
        self._place: Path | None = None

    @property
    def place(self) -> Path:
        """Folder of the run in the library, after ``pieces``."""
        assert self._place is not None, "it is not unpacked yet"
        return self._place

    def pieces(self) -> Generator[float, None, None]:
        """Unpack the run, yielding the share that is done (0 to 1) after each small piece; a failure leaves nothing.

        Raises:
            RunError: when the archive is damaged, hostile or of a newer format, or there is no room for it.
            OSError: when the archive cannot be read.
        """
        remove_abandoned(self._home)
        with open_regular(self._source) as file:
            self._check_directory(file)
            try:
                with zipfile.ZipFile(file) as archive:
                    yield from self._unpack(archive)
            except RunError:
                raise
            except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError) as error:
                raise RunDamagedError(f"{self._shown} is damaged ({error}). {_AGAIN}") from error
            except OSError as error:
                if error.errno != errno.EINVAL:  # which is a place before the beginning of the file
                    raise
                raise RunDamagedError(f"{self._shown} is damaged: its directory is wrong. {_AGAIN}") from error

    def _unpack(self, archive: zipfile.ZipFile) -> Iterator[float]:
        entries = self._checked_entries(archive)
        content = self._read_list(archive, entries)
        scratch = self._home / f"{PREFIX}{uuid.uuid4().hex[:12]}"
        folder = scratch / "run"  # one level below the library's runs, so that it is not listed as one of them
        try:
            try:
                folder.mkdir(parents=True)
                yield from self._write_all(archive, content, folder)
                self._check_record(folder)
                self._put_in_place(folder, content.name)
            except OSError as error:
                if error.errno == errno.EINVAL:
                    raise
                raise RunError(
                    f"{self._shown} could not be unpacked into {self._home} ({error.strerror or error}). Free some "
                    "space, or check the folder's permissions."
                ) from error
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        yield 1.0

    # ---- checks before anything is written ---------------------------------------------------------------------

    def _check_directory(self, file: IO[bytes]) -> None:
        """Check the size of the archive's directory, which ``zipfile`` would read whole."""
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _END.size - _MAX_COMMENT, 0))
        tail = file.read()
        at = tail.rfind(b"PK\5\6")
        if at < 0 or len(tail) - at < _END.size:
            raise RunDamagedError(f"{self._shown} is no run packed by gmstudio, or it is cut short. {_AGAIN}")
        _, _, _, _, count, directory, _, _ = _END.unpack_from(tail, at)
        before = at - _LOCATOR.size - _END_64.size
        if before >= 0 and tail[at - _LOCATOR.size :].startswith(b"PK\6\7"):
            _, _, _, _, _, _, _, count, directory, _ = _END_64.unpack_from(tail, before)
        if count > MAX_FILES or directory > MAX_DIRECTORY_BYTES:
            raise RunDamagedError(
                f"{self._shown} promises {count:,} files in a directory of {directory:,} bytes; a packed run has at "
                f"most {MAX_FILES:,} in {MAX_DIRECTORY_BYTES:,}. It was not unpacked."
            )
        file.seek(0)

    def _checked_entries(self, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
        """Entries by name, their names and kinds checked."""
        entries: dict[str, zipfile.ZipInfo] = {}
        folded: set[str] = set()
        for entry in archive.infolist():
            name = entry.orig_filename
            problem = name_problem(name) or _entry_problem(entry)
            if not problem and name.casefold() in folded:
                problem = "is there twice"
            if problem:
                raise RunDamagedError(f"{self._shown} was not unpacked: its file {_quoted(name)} {problem}.")
            folded.add(name.casefold())
            entries[name] = entry
        for name in entries:
            if any(parent.casefold() in folded for parent in _parents(name)):
                raise RunDamagedError(f"{self._shown} was not unpacked: {_quoted(name)} is a file within a file.")
        if LIST_NAME not in entries:
            raise RunDamagedError(
                f"{self._shown} is an archive, but no run packed by gmstudio: it has no {LIST_NAME}. A data set in an "
                "archive is opened on the Data panel."
            )
        return entries

    def _read_list(self, archive: zipfile.ZipFile, entries: dict[str, zipfile.ZipInfo]) -> ArchiveList:
        """Read the list of files, and compare it with the entries."""
        if entries[LIST_NAME].file_size > MAX_LIST_BYTES:
            raise RunDamagedError(f"{self._shown} has a list of files of over {MAX_LIST_BYTES >> 20} MiB. {_AGAIN}")
        with archive.open(entries[LIST_NAME]) as file:
            text = file.read(MAX_LIST_BYTES)
        try:
            content = msgspec.json.decode(text, type=ArchiveList)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise RunDamagedError(f"{self._shown} has a damaged list of files ({error}). {_AGAIN}") from error
        if content.format != FORMAT_NAME or content.format_version > FORMAT_VERSION:
            raise RunError(
                f"{self._shown} has format {content.format_version}; this gmstudio reads up to {FORMAT_VERSION}. "
                "Import it with a newer gmstudio."
            )
        different = sorted(entries.keys() - {LIST_NAME} ^ content.files.keys())
        if different:
            raise RunDamagedError(f"{self._shown} lists other files than it has, such as {different[0]}. {_AGAIN}")
        if RECORD_NAME not in entries:
            raise RunDamagedError(f"{self._shown} has no {RECORD_NAME}, so it holds no run. {_AGAIN}")
        self._check_sizes(content, entries)
        return content

    def _check_sizes(self, content: ArchiveList, entries: dict[str, zipfile.ZipInfo]) -> None:
        for name, promised in content.files.items():
            if entries[name].file_size != promised.size or promised.size < 0:
                raise RunDamagedError(f"{self._shown} is damaged: {name} has another size than its list says. {_AGAIN}")
        total = sum(promised.size for promised in content.files.values())
        packed = self._source.stat().st_size
        limit = min(max(FREE_GROWTH, MAX_GROWTH * packed), MAX_TOTAL_BYTES)
        if total > limit:
            raise RunDamagedError(
                f"{self._shown} would unpack to {total:,} bytes from {packed:,}; at most {limit:,} are unpacked from a "
                "file of this size. It is no packed run."
            )
        existing = next(folder for folder in (self._home, *self._home.parents) if folder.exists())
        free = shutil.disk_usage(existing).free
        if total > free:
            raise RunError(
                f"{self._shown} needs {total / 2**20:,.0f} MiB, and {self._home} has {free / 2**20:,.0f} MiB left. "
                "Free some space and import it again."
            )

    # ---- writing ----------------------------------------------------------------------------------------------

    def _write_all(self, archive: zipfile.ZipFile, content: ArchiveList, folder: Path) -> Iterator[float]:
        total, done = max(sum(promised.size for promised in content.files.values()), 1), 0
        for name, promised in content.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            digest, left = hashlib.sha256(), promised.size
            with archive.open(name) as source, path.open("xb") as target:
                while block := source.read(min(PIECE_BYTES, left + 1)):
                    left -= len(block)
                    if left < 0:
                        break
                    target.write(block)
                    digest.update(block)
                    done += len(block)
                    yield done / total
                target.flush()
                os.fsync(target.fileno())
            if left or digest.hexdigest() != promised.sha256:
                raise RunDamagedError(f"{self._shown} is damaged: the checksum of {name} is wrong. {_AGAIN}")

    def _check_record(self, folder: Path) -> None:
        try:
            read_record(folder)
        except RunError as error:  # names the folder, which is about to be removed
            raise RunDamagedError(str(error).replace(str(folder), self._shown)) from error

    def _put_in_place(self, folder: Path, wanted: str) -> None:
        for part in {*(path.parent for path in folder.rglob("*"))}:
            sync_folder(part)
        usable = not name_problem(f"{wanted}.json") and "/" not in wanted
        name, number = (wanted if usable else "imported"), 1
        taken = {path.name.casefold() for path in self._home.iterdir()}
        while (name if number == 1 else f"{name}-{number}").casefold() in taken:
            number += 1
        self._place = self._home / (name if number == 1 else f"{name}-{number}")
        if number > 1:
            again = read_record_or_none(self._home / name)
            same = again is not None and again.created == read_record(folder).created
            what = "has this run already, so that this is a copy" if same else "has another run of this name"
            self.remarks = (f"The library {what}: it is named {self._place.name} here.",)
        folder.rename(self._place)
        sync_folder(self._home)


def remove_abandoned(home: Path) -> None:
    """Remove what an import left whose process was killed, when it is older than ``ABANDONED_S``."""
    for path in home.glob(f"{PREFIX}*") if home.is_dir() else ():
        with suppress(FileNotFoundError):  # another process has just finished
            if time.time() - path.stat().st_mtime > ABANDONED_S:
                shutil.rmtree(path, ignore_errors=True)


def read_record_or_none(folder: Path) -> RunRecord | None:
    """Read the record of a run; None where it is missing or damaged."""
    try:
        return read_record(folder)
    except RunError:
        return None


def _entry_problem(entry: zipfile.ZipInfo) -> str:
    kind = stat.S_IFMT(entry.external_attr >> 16) if entry.create_system == 3 else 0
    if entry.is_dir() or kind not in (0, stat.S_IFREG):
        return "is a link, a folder or a device, not a file"
    if entry.flag_bits & 0x1:
        return "is encrypted"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in a way that gmstudio does not use"
    return ""


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _quoted(name: str) -> str:
    return repr(plain_text(name, 100))
