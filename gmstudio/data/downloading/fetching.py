"""Download of a data set in small pieces: a thread waits for the network, the caller is never kept waiting."""

import os
import queue
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs
from filelock import FileLock, Timeout

from gmstudio.data.dataset import DataError
from gmstudio.data.downloading.registry import RemoteFile, RemoteSet, chosen_files, find_remote
from gmstudio.data.downloading.transfer import CancelledTransferError, ResumingDownload, Stop, TransferError
from gmstudio.data.downloading.unpacking import link_files, unpack_members
from gmstudio.runs.home import HOME_VARIABLE, data_home
from gmstudio.system.os_errors import os_error_sentence

CACHE_NAME = "downloads"
PART_SUFFIX = ".part"
_WAIT_SECONDS = 0.02
_SAME_MIRROR = 3
_SPARE_BYTES = 64 << 20


@dataclass(frozen=True)
class DownloadProgress:
    """State of a download.

    Args:
        stage: ``download``, ``verify`` (the hash is computed) or ``unpack``.
        file: name of the file.
        done: bytes that are there, of all files.
        total: bytes of all files.
        server: host that is or was read; empty where the file was there.
        remark: why the last attempt failed; empty where it did not.
    """

    stage: str
    file: str
    done: int
    total: int
    server: str = ""
    remark: str = ""


@dataclass(frozen=True)
class DownloadedSet:
    """A data set on the disk.

    Args:
        remote: its description.
        path: file or folder to import.
        name: for the imported set.
        settings: settings of the import that its files need.
    """

    remote: RemoteSet
    path: Path
    name: str
    settings: Mapping[str, str]


def downloads_home() -> Path:
    """Folder of downloads: ``downloads`` in the platform's cache folder, or in ``$GMSTUDIO_HOME`` where that is set.

    Raises:
        RunError: when the variable names an unknown user's home.
    """
    if os.environ.get(HOME_VARIABLE, "").strip():
        return data_home() / CACHE_NAME
    return platformdirs.user_cache_path("gmstudio", appauthor=False) / CACHE_NAME


def download(
    name: str,
    home: Path | None = None,
    classes: Sequence[str] = (),
    sets: Mapping[str, RemoteSet] | None = None,
) -> Iterator[DownloadProgress | DownloadedSet]:
    """Download a data set, a piece at a time; the last item is the set.

    A piece takes at most some 20 ms, in which nothing may have arrived. Files that are there with the right hash are
    kept, and those that are there in part are continued. Closing the iterator stops the download; the part that has
    arrived is kept for the next time.

    Args:
        name: key in the registry.
        home: folder of downloads; None: ``downloads_home()``.
        classes: classes to download, of a set whose files are classes.
        sets: registry; None: ``registry.SETS``.

    Raises:
        DataError: when there is no such set, no mirror delivers the right file, or the disk is full.
    """
    remote = find_remote(name, sets)
    files = chosen_files(remote, classes)
    folder = (home or downloads_home()) / remote.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_room(folder, files)
        with FileLock(folder / ".lock", timeout=0):
            yield from _Fetch(remote, files, folder).pieces()
            yield from _finish(remote, files, folder)
    except Timeout as error:
        raise DataError(f"{remote.title} is being downloaded by another program. Wait until it has ended.") from error
    except OSError as error:
        raise DataError(os_error_sentence(error)) from error


def _finish(remote: RemoteSet, files: Sequence[RemoteFile], folder: Path) -> Iterator[DownloadProgress | DownloadedSet]:
    path, name = folder, remote.title
    if remote.members:
        path = folder / remote.name
        total = sum(file.size for file in files)
        for done in unpack_members(folder / files[0].name, remote.members, path):
            yield DownloadProgress("unpack", files[0].name, round(total * done), total)
    elif remote.by_class:
        chosen = [file.name.removesuffix(".npy") for file in files]
        name = f"{remote.title} {', '.join(chosen)}"
        path = link_files([folder / file.name for file in files], folder / " + ".join(chosen)[:200])
    elif remote.opens == "file":
        path = folder / files[0].name
    yield DownloadedSet(remote, path, name, remote.settings)


def _check_room(folder: Path, files: Sequence[RemoteFile]) -> None:
    missing = sum(file.size for file in files if not (folder / file.name).exists())
    free = shutil.disk_usage(folder).free
    if missing and free < missing + _SPARE_BYTES:
        raise DataError(
            f"The download needs {missing / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free in {folder}. Free "
            "some space."
        )


class _Fetch:
    """A thread that fetches files one after the other, and what it reports."""

    def __init__(self, remote: RemoteSet, files: Sequence[RemoteFile], folder: Path) -> None:
        self._remote = remote
        self._files = files
        self._folder = folder
        self._stop = Stop()
        self._reports: queue.SimpleQueue[DownloadProgress | Exception | None] = queue.SimpleQueue()
        self._total = sum(file.size for file in files)
        self._before = 0
        self._remark = ""

    def pieces(self) -> Iterator[DownloadProgress]:
        """Reports of the thread, until it has ended; an error that it met is raised here."""
        thread = threading.Thread(target=self._run, name=f"download {self._remote.name}", daemon=True)
        thread.start()
        last = DownloadProgress("download", self._files[0].name, 0, self._total)
        try:
            while True:
                reports = self._waiting()
                last = next((item for item in reversed(reports) if isinstance(item, DownloadProgress)), last)
                yield last
                end = reports[-1] if reports else last
                if isinstance(end, Exception):
                    raise end
                if end is None:
                    return
        finally:
            self._stop.set()
            thread.join(timeout=_WAIT_SECONDS)

    def _waiting(self) -> list["DownloadProgress | Exception | None"]:
        """Reports since the last call, after a short wait where there are none; empty where there are still none."""
        reports: list[DownloadProgress | Exception | None] = []
        try:
            reports.append(self._reports.get(timeout=_WAIT_SECONDS))
            while not self._reports.empty():
                reports.append(self._reports.get())
        except queue.Empty:
            return []
        return reports

    def _run(self) -> None:
        try:
            for file in self._files:
                self._fetch(file)
                self._before += file.size
            self._reports.put(None)
        except CancelledTransferError:
            return
        except (DataError, OSError) as error:
            self._reports.put(error)

    def _fetch(self, file: RemoteFile) -> None:
        """Try the mirrors in turn."""
        failures: list[str] = []
        self._remark = ""
        for url in file.urls:
            server = urlsplit(url).netloc
            for _ in range(_SAME_MIRROR):
                transfer = self._transfer(file, server)
                try:
                    self._retrieve(file, url, transfer)
                    return
                except TransferError as error:
                    self._remark = f"{server}: {error}"
                    if transfer.arrived:  # go on where it ended
                        continue
                except ValueError:  # pooch: another hash
                    self._remark = f"{server}: its file has another SHA-256"
                    if transfer.resumed:  # the part may have been of another file
                        continue
                break
            failures.append(self._remark)
        raise DataError(
            f"{file.name} of {self._remote.title} could not be downloaded: {'; '.join(failures)}. Check the "
            f"connection, or put the file into {self._folder}."
        )

    def _transfer(self, file: RemoteFile, server: str) -> ResumingDownload:
        def report(count: int) -> None:
            stage = "download" if count < file.size else "verify"
            done = self._before + count
            self._reports.put(DownloadProgress(stage, file.name, done, self._total, server, self._remark))

        part = self._folder / (file.name + PART_SUFFIX)
        return ResumingDownload(file, part, report, self._stop)

    def _retrieve(self, file: RemoteFile, url: str, transfer: ResumingDownload) -> None:
        """Fetch the file unless it is there with the right hash."""
        import pooch  # type: ignore[import-untyped]

        pooch.get_logger().setLevel("ERROR")
        pooch.retrieve(url, f"sha256:{file.sha256}", fname=file.name, path=self._folder, downloader=transfer)
        server = urlsplit(url).netloc if transfer.arrived else ""
        done = self._before + file.size
        self._reports.put(DownloadProgress("verify", file.name, done, self._total, server, self._remark))
