"""Folder of what numba has compiled for this machine, and the surroundings of processes that compile."""

import os
from pathlib import Path

import gmstudio
from gmstudio.runs.home import data_home


def compiled_code() -> Path:
    """The folder; it can be deleted, and is then compiled anew."""
    return data_home() / "numba"


def worker_environment() -> dict[str, str]:
    """Return the variables of a process of ours: it finds this package, and keeps what numba compiles."""
    package_parent = str(Path(gmstudio.__file__).resolve().parent.parent)
    paths = [package_parent, os.environ.get("PYTHONPATH", "")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(path for path in paths if path))
    environment.setdefault("NUMBA_CACHE_DIR", str(compiled_code()))
    return environment
