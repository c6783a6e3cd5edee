"""Files that travel between the window's machine and this one: kept apart from the library until they are whole."""

import re
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path

from gmstudio.protocol.runs_files import PIECE_BYTES
from gmstudio.runs.archive_format import MAX_TOTAL_BYTES
from gmstudio.runs.home import data_home
from gmstudio.runs.record import RunError, RunMissingError

FOLDER_NAME = "transfers"
ABANDONED_S = 86_400.0
_TOKEN = re.compile(r"[0-9a-f]{32}")


class Transfers:
    """Files under way, each named by 32 hexadecimal digits, in a folder beside the library."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._names: dict[str, str] = {}

    def receive(self, upload: str, name: str, size: int, offset: int, data: bytes) -> int:
        """Write a piece of a file; return how many bytes of it there are.

        Raises:
            RunError: when the piece does not follow the last one, is too large, or cannot be written.
        """
        if not 0 < size <= MAX_TOTAL_BYTES or len(data) > PIECE_BYTES or offset < 0 or offset + len(data) > size:
            raise RunError(f"{name} is of {size:,} bytes, and a piece at {offset:,} does not fit it. Send it again.")
        path = self._path(upload)
        try:
            if offset == 0:
                self._begin(path, size)
                self._sizes[upload], self._names[upload] = size, name
            if upload not in self._sizes or path.stat().st_size != offset:
                raise RunError(f"A piece of {name} got lost. Send it again.")
            with path.open("ab") as file:
                file.write(data)
        except OSError as error:
            self.drop(upload)
            raise RunError(
                f"{name} could not be kept in {path.parent} ({error.strerror or error}). Free some space on the "
                "engine's machine, and send it again."
            ) from error
        return offset + len(data)

    def received(self, upload: str) -> tuple[Path, str]:
        """Return the place and name of a file that was sent whole.

        Raises:
            RunMissingError: when it was not.
        """
        path = self._path(upload)
        if upload not in self._sizes or not path.is_file() or path.stat().st_size != self._sizes[upload]:
            raise RunMissingError("The file did not arrive whole. Send it again.")
        return path, self._names[upload]

    def new(self) -> tuple[str, Path]:
        """Return an identity and a place for a file that will be fetched."""
        token = uuid.uuid4().hex
        path = self._path(token)
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path.parent)
        return token, path

    def read(self, export: str, offset: int) -> bytes:
        """Return a piece of a file, empty at its end.

        Raises:
            RunMissingError: when there is no such file.
        """
        try:
            with self._path(export).open("rb") as file:
                file.seek(max(offset, 0))
                return file.read(PIECE_BYTES)
        except FileNotFoundError:
            raise RunMissingError("The export is gone; it was fetched or dropped already. Export again.") from None

    def drop(self, token: str) -> None:
        """Remove a file; harmless when there is none."""
        self._sizes.pop(token, None)
        self._names.pop(token, None)
        self._path(token).unlink(missing_ok=True)

    def _begin(self, path: Path, size: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path.parent)
        free = shutil.disk_usage(path.parent).free
        if 2 * size > free:  # the file, and what it unpacks to
            raise RunError(
                f"The engine's machine has {free / 2**20:,.0f} MiB left in {path.parent}; the file and the run in it "
                f"need {2 * size / 2**20:,.0f}. Free some space, and send it again."
            )
        path.write_bytes(b"")

    def _path(self, token: str) -> Path:
        if not _TOKEN.fullmatch(token):
            raise RunMissingError(f"{token[:40]!r} names no file under way. Send it again.")
        return data_home() / FOLDER_NAME / f"{token}.part"


def _remove_abandoned(folder: Path) -> None:
    """Remove what an engine that was killed left: files, and folders into which one was packed."""
    for old in folder.iterdir():
        with suppress(OSError):  # removed meanwhile, or not ours to remove
            if time.time() - old.lstat().st_mtime > ABANDONED_S:
                if old.is_dir() and not old.is_symlink():
                    shutil.rmtree(old)
                else:
                    old.unlink()
