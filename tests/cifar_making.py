"""Makes CIFAR's files for the tests."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np


def cifar_batch_pickle(rows: np.ndarray, lists: dict[str, list[int]], protocol: int) -> bytes:
    """A file of the Python version; protocol 2 as Python 2 wrote it, with bytes as keys."""
    content: dict[object, object] = {
        b"batch_label": b"batch 1 of 5",
        b"data": rows,
        b"filenames": [b"a.png"] * len(rows),
    }
    content |= {name.encode(): labels for name, labels in lists.items()}
    if protocol > 2:
        content = {key.decode(): value for key, value in content.items()}  # type: ignore[attr-defined]
    return pickle.dumps(content, protocol=protocol)


def write_tar(path: Path, files: dict[str, bytes]) -> Path:
    """Write an archive, gzipped where its name ends so."""
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path
