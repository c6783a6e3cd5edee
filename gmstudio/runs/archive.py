"""Packing of a run into one file (see ``archive_format``), in pieces, also while another process trains it."""

import contextlib
import hashlib
import sqlite3
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from gmstudio import __version__
from gmstudio.runs.archive_format import DATABASES, LIST_NAME, STORED, ArchiveList, PackedFile, name_problem
from gmstudio.runs.checkpoints import CHECKPOINTS_NAME
from gmstudio.runs.examples import is_example
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.record import RunDamagedError, RunError
from gmstudio.system.regular_file import open_regular, regular_size

PIECE_BYTES = 1 << 20
PAGES = 512
"""Pages of a database that are copied at once."""
LOCK_S = 5.0
"""Time for which a lock of another program is awaited."""
_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
"""A regular file that its owner may write."""


@dataclass(frozen=True)
class _Part:
    """Files that are opened together, since they may be removed together.

    Args:
        names: relative to the run's folder.
        size: of all of them, in bytes.
    """

    names: tuple[str, ...]
    size: int


class RunPacker:
    """Packs a run.

    Args:
        run: its folder, open for reading.

    Attributes:
        skipped: names of files that were not packed, since a run has none of their kind.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._list: dict[str, PackedFile] = {}
        self._scratch = Path()
        self._latest = ""
        self.skipped: list[str] = []

    def pieces(self, target: Path) -> Iterator[float]:
        """Write the archive, yielding the share that is done (0 to 1) after each small piece.

        Args:
            target: the file; what it had is lost. Databases are copied into its folder meanwhile.

        Raises:
            RunDamagedError: when a database is damaged.
            RunError: when checkpoints come and go too quickly, or another program keeps a database locked.
            OSError: when a file cannot be read or written.
        """
        self._latest = next((info.path.name for info in self._run.checkpoints.list() if info.latest), "")
        parts = self._parts()
        total, done = max(sum(part.size for part in parts), 1), 0
        with (
            tempfile.TemporaryDirectory(dir=target.parent, prefix=".gmstudio-pack-") as scratch,
            zipfile.ZipFile(target, "w", allowZip64=True) as archive,
        ):
            self._scratch = Path(scratch)
            for part in parts:
                for count in self._pack_part(archive, part):
                    yield min((done + count) / total, 1.0)
                done += part.size
            self._check_latest()
            content = ArchiveList(software=f"gmstudio {__version__}", name=self._run.path.name, files=self._list)
            archive.writestr(_entry(LIST_NAME), msgspec.json.format(msgspec.json.encode(content), indent=1))
        yield 1.0

    # ---- files ----------------------------------------------------------------------------------------------

    def _parts(self) -> list[_Part]:
        """Files of the folder by name: each checkpoint's together, every other one alone."""
        folder = self._run.path
        groups: dict[str, list[str]] = {}
        for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).parts):
            name = path.relative_to(folder).as_posix()
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if hidden or name.endswith(("-wal", "-shm", "-journal", ".lock")) or path.is_dir():
                continue
            if path.is_symlink() or not path.is_file() or name_problem(name):
                self.skipped.append(name)
                continue
            parts = name.split("/")
            groups.setdefault("/".join(parts[:2]) if len(parts) > 2 else name, []).append(name)
        return [_Part(tuple(names), sum(_size(folder / name) for name in names)) for names in groups.values()]

    def _pack_part(self, archive: zipfile.ZipFile, part: _Part) -> Iterator[int]:
        """Pack files, yielding the bytes that are packed; a checkpoint that was removed meanwhile is left out."""
        done = 0
        with ExitStack() as opened:
            try:
                files = [(name, opened.enter_context(self._opened(name))) for name in part.names]
            except FileNotFoundError:
                if not part.names[0].startswith(f"{CHECKPOINTS_NAME}/"):
                    raise
                return
            for name, file in files:
                for count in self._pack(archive, name, file):
                    done += count
                    yield done

    def _opened(self, name: str) -> IO[bytes]:
        """Open a file for reading; of a database, a copy of one moment."""
        path = self._run.path / name
        if not name.endswith(DATABASES):
            return open_regular(path)
        copy = self._scratch / path.name
        copy_database(path, copy)
        return copy.open("rb")

    def _pack(self, archive: zipfile.ZipFile, name: str, file: IO[bytes]) -> Iterator[int]:
        digest, size = hashlib.sha256(), 0
        with archive.open(_entry(name), "w", force_zip64=True) as entry:
            while block := file.read(PIECE_BYTES):
                entry.write(block)
                digest.update(block)
                size += len(block)
                yield len(block)
        self._list[name] = PackedFile(size, digest.hexdigest())

    def _check_latest(self) -> None:
        """Check that the checkpoint from which a run is resumed was packed, where there was one."""
        if self._latest and not any(name.startswith(f"{CHECKPOINTS_NAME}/{self._latest}/") for name in self._list):
            raise RunError(
                f"{self._run.path} writes and removes checkpoints faster than they can be packed. Pause its training, "
                "and pack it again."
            )


def copy_database(source: Path, copy: Path) -> None:
    """Copy an SQLite file as it is at one moment, with what its log holds; its journal is not kept.

    Raises:
        RunDamagedError: when it is damaged.
        RunError: when another program keeps it locked.
    """
    mode = "ro&immutable=1" if is_example(source.parent) else "ro"  # an example is never written, so it needs no lock
    uri = f"{source.absolute().as_uri()}?mode={mode}"
    try:
        with (
            contextlib.closing(sqlite3.connect(uri, uri=True, timeout=LOCK_S, isolation_level=None)) as old,
            contextlib.closing(sqlite3.connect(copy)) as new,
        ):
            # A copy starts over with each write of another program, unless it holds on to one moment of the log.
            old.execute("BEGIN")
            old.execute("SELECT count(*) FROM sqlite_master").fetchone()
            old.backup(new, pages=PAGES, sleep=0.01)
            old.rollback()
            new.execute("PRAGMA journal_mode = DELETE").fetchone()
            new.execute("VACUUM")
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise RunError(f"{source} is in use by another program. Close that program and try again.") from error
        raise RunDamagedError(f"{source} could not be copied ({error}). Check its permissions.") from error
    except sqlite3.DatabaseError as error:
        raise RunDamagedError(f"{source} is damaged ({error}). Move it away, and pack the run without it.") from error


def pack_run(run: Path, target: Path, stopped: Callable[[], bool] = lambda: False) -> None:
    """Pack the run in a folder at once.

    Args:
        run: the folder.
        target: the archive; it is removed where packing fails.
        stopped: called often; true: give up.

    Raises:
        InterruptedError: when it was stopped.
        RunError: when the run cannot be read.
        OSError: when a file cannot be read or written.
    """
    try:
        with RunFolder.open(run) as folder:
            for _share in RunPacker(folder).pieces(target):
                if stopped():
                    raise InterruptedError("Stopped.")
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _TIME)
    info.compress_type = zipfile.ZIP_STORED if name.endswith(STORED) else zipfile.ZIP_DEFLATED
    info.create_system = 3  # Unix: the same on every system
    info.external_attr = _MODE
    return info


def _size(path: Path) -> int:
    try:
        return regular_size(path)
    except FileNotFoundError:  # a checkpoint that was removed meanwhile
        return 0
