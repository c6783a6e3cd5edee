"""Download of well-known data sets, with known hashes, into the platform's cache folder."""

from gmstudio.data.downloading.fetching import DownloadedSet, DownloadProgress, download, downloads_home
from gmstudio.data.downloading.registry import SETS, RemoteFile, RemoteSet, find_remote

__all__ = [
    "SETS",
    "DownloadProgress",
    "DownloadedSet",
    "RemoteFile",
    "RemoteSet",
    "download",
    "downloads_home",
    "find_remote",
]
