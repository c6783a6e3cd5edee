"""Downloads of well-known data sets, and their import."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from gmstudio.data.downloading import SETS, DownloadProgress, RemoteSet, download, downloads_home
from gmstudio.data.importing.kept_sets import imports_home
from gmstudio.data.importing.settings import ImportSettings
from gmstudio.data.importing.store import import_images
from gmstudio.data.progress import Progress
from gmstudio.engine.data.imports import import_events
from gmstudio.engine.runtime.meter import Meter
from gmstudio.protocol.base import Event
from gmstudio.protocol.config import parse_config
from gmstudio.protocol.data_import import (
    DownloadData,
    DownloadProgressed,
    DownloadsListed,
    ListDownloads,
    RemoteDataSet,
)
from gmstudio.protocol.plain_text import plain_text

STAGES = {"download": "Downloading", "verify": "Checking the hash", "unpack": "Unpacking"}
CLASS_SUFFIX = ".npy"


def list_downloads(command: ListDownloads) -> Iterator[Event | None]:
    """List the data sets that can be downloaded, and what is on the disk of each, one a piece."""
    home = downloads_home()
    found = []
    for remote in SETS.values():
        found.append(_describe(remote, home))
        yield None
    yield DownloadsListed(request=command.request, home=plain_text(str(home)), sets=tuple(found))


def _describe(remote: RemoteSet, home: Path) -> RemoteDataSet:
    hosts = dict.fromkeys(urlsplit(url).netloc for file in remote.files[:1] for url in file.urls)
    return RemoteDataSet(
        name=remote.name,
        title=remote.title,
        summary=remote.summary,
        licence=remote.licence,
        licence_url=remote.licence_url,
        citation=remote.citation,
        bytes=remote.size,
        there=0 if remote.by_class else sum(_size(home / remote.name, file.name) for file in remote.files),
        classes=tuple(file.name.removesuffix(CLASS_SUFFIX) for file in remote.files) if remote.by_class else (),
        servers=tuple(hosts),
    )


def _size(folder: Path, name: str) -> int:
    """Bytes of a file, or of the part of it that has arrived."""
    for path in (folder / name, folder / f"{name}.part"):
        try:
            return path.stat().st_size
        except OSError:
            continue
    return 0


def run_download(command: DownloadData) -> Iterator[Event | None]:
    """Download a data set and import it; closing the generator keeps the part that has arrived.

    Raises:
        DataError: when no server delivers the right files, or they cannot be imported.
    """
    meter = Meter()
    for item in download(command.name, classes=command.classes):
        if isinstance(item, DownloadProgress):
            yield _report(command, item, meter)
            continue
        settings = parse_config(ImportSettings, dict(item.settings))
        yield from import_events(command.request, import_images(item.path, settings, imports_home(), item.name))


def _report(command: DownloadData, item: DownloadProgress, meter: Meter) -> DownloadProgressed | None:
    pace = meter.pace(Progress("load" if item.stage == "download" else "finish", item.done, item.total))
    if not meter.due():
        return None
    return DownloadProgressed(
        request=command.request,
        name=command.name,
        stage=STAGES[item.stage],
        file=plain_text(item.file),
        done=item.done,
        total=item.total,
        rate=pace.rate,
        seconds_left=pace.seconds_left,
        server=item.server,
        remark=plain_text(item.remark),
    )
