"""Dropped files that are data sets to be imported, as opposed to single pictures and run folders."""

import os
from pathlib import Path

from PySide6.QtCore import QMimeData

ARRAYS = (".zip", ".npz", ".npy", ".mat", ".amat", ".csv", ".txt", ".gz", ".bin")
IDX_ENDS = ("-ubyte", "ubyte.gz")
PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt")
RUN_FILE = "run.json"
PACKED_RUN = ".gmrun"


def files_in(data: QMimeData) -> list[str]:
    """Paths of the local files and folders in dropped data."""
    return [path for url in data.urls() if url.isLocalFile() and (path := url.toLocalFile())]


def runs_in(data: QMimeData) -> list[str]:
    """Paths of the packed runs and folders of runs in dropped data; none where something else is among them."""
    found = [_run_at(Path(path)) for path in files_in(data)]
    return found if all(found) else []


def _run_at(path: Path) -> str:
    if path.name.lower().endswith(PACKED_RUN):
        return str(path)
    folder = path.parent if path.name == RUN_FILE else path
    return str(folder) if (folder / RUN_FILE).is_file() else ""


def in_library(path: str, home: str) -> bool:
    """Return whether a dropped folder is a run of the library, whose folder is ``home``."""
    return bool(home) and Path(path).parent == Path(home) and Path(path).is_dir()


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


def drop_sentence(data: QMimeData, home: str = "") -> str:
    """Say what a drop on the window does; "" when it does nothing.

    Args:
        data: what is dragged.
        home: folder of the library of runs, where it is on this machine.
    """
    paths = files_in(data)
    if not paths:
        return ""
    runs = runs_in(data)
    if runs:
        name = Path(runs[0]).name if len(runs) == 1 else f"{len(runs):,} runs"
        one = f"the run {name}" if len(runs) == 1 else name
        return f"Open {one}" if len(runs) == 1 and in_library(runs[0], home) else f"Import {one} into the library"
    found = data_in(data)
    if found and len(paths) > 1:
        return f"Import the folder {Path(found).name} as a data set: it holds these {len(paths):,} files"
    name = Path(paths[0]).name
    if found:
        return f"Import {name} as a data set"
    if name.lower().endswith(WEIGHTS):
        return f"Import the weights in {name} as a run"
    if name.lower().endswith(PICTURES):
        return (
            f"Restore from {name}, or encode it. On Pixels and Latents: take it as an image to condition on or encode"
        )
    return f"Open {name}"
