"""Folder of what numba has compiled for this machine."""

from pathlib import Path

from gmstudio.runs.home import data_home


def compiled_code() -> Path:
    """The folder; it can be deleted, and is then compiled anew."""
    return data_home() / "numba"
