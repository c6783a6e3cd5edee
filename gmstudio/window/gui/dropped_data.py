"""Dropped files that are data sets to be imported, as opposed to single pictures and run folders."""

import os
from pathlib import Path

from PySide6.QtCore import QMimeData

ARRAYS = (".zip", ".npz", ".npy", ".mat", ".amat", ".csv", ".txt", ".gz", ".bin")
IDX_ENDS = ("-ubyte", "ubyte.gz")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
RUN_FILE = "run.json"


def files_in(data: QMimeData) -> list[str]:
    """Paths of the local files and folders in dropped data."""
    return [path for url in data.urls() if url.isLocalFile() and (path := url.toLocalFile())]


def data_in(data: QMimeData, *, anything: bool = False) -> str:
    """Path of the data set in dropped data; "" when it is none.

    It is a folder that holds no run, an archive, a file of arrays, or the folder of several pictures.

    Args:
        data: what is dropped.
        anything: take any file or folder.
    """
    paths = files_in(data)
    if len(paths) > 1:
        return os.path.commonpath([str(Path(path).parent) for path in paths])
    if not paths:
        return ""
    path = Path(paths[0])
    if anything or path.name.lower().endswith((*ARRAYS, *IDX_ENDS)):
        return paths[0]
    if path.is_dir() and not (path / RUN_FILE).exists():
        return paths[0]
    return ""


def drop_sentence(data: QMimeData) -> str:
    """Say what a drop on the window does; "" when it does nothing."""
    paths = files_in(data)
    if not paths:
        return ""
    found = data_in(data)
    if found and len(paths) > 1:
        return f"Import the folder {Path(found).name} as a data set: it holds these {len(paths):,} files"
    name = Path(paths[0]).name
    if found:
        return f"Import {name} as a data set"
    if name == RUN_FILE or Path(paths[0]).is_dir():
        return f"Open the run {name if name != RUN_FILE else Path(paths[0]).parent.name}"
    if name.lower().endswith(PICTURES):
        return (
            f"Restore from {name}, or encode it. On Pixels and Latents: take it as an image to condition on or encode"
        )
    return f"Open {name}"
