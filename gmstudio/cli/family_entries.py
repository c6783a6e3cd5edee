"""The catalog's entries of the families, from a cache: to list runs takes their titles and defaults, but no torch."""

import contextlib
import hashlib
from importlib.metadata import entry_points
from pathlib import Path

import msgspec

import gmstudio
from gmstudio.protocol.families import FamilyEntry
from gmstudio.runs.atomic import replace_file
from gmstudio.runs.library import runs_home
from gmstudio.system.regular_file import regular_size

ENTRY_POINT_GROUP = "gmstudio.families"
CACHE_NAME = "families.msgpack"
MAX_CACHE_BYTES = 16 * 2**20
SOURCES = ("data", "families", "protocol")
"""Packages whose files decide what the entries say."""


class _Cached(msgspec.Struct, frozen=True):
    """Content of the cache: the entries, and what they were made from."""

    key: str
    entries: dict[str, FamilyEntry]


def family_entries() -> dict[str, FamilyEntry]:
    """Return the entries by name, read from the cache beside the library of runs where it is of these very files.

    Families of other packages may change without a trace; where there are any, all are loaded.
    """
    if entry_points(group=ENTRY_POINT_GROUP):
        return _loaded()
    path, key = runs_home().parent / "cache" / CACHE_NAME, _key()
    cached = _read(path)
    if cached is not None and cached.key == key:
        return cached.entries
    entries = _loaded()
    with contextlib.suppress(OSError):  # without a cache the next listing only takes longer
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, msgspec.msgpack.encode(_Cached(key, entries)))
    return entries


def _loaded() -> dict[str, FamilyEntry]:
    from gmstudio.engine.catalog import family_entries as loaded  # late: it loads torch

    return loaded()


def _key() -> str:
    """Digest of the version and of times and sizes of the files that the entries are made from."""
    package = Path(gmstudio.__file__).parent
    files = [(str(package), gmstudio.__version__)]
    for name in SOURCES:
        for path in sorted((package / name).rglob("*.py")):
            stat = path.stat()
            files.append((str(path), f"{stat.st_mtime_ns} {stat.st_size}"))
    return hashlib.sha256(repr(files).encode()).hexdigest()


def _read(path: Path) -> _Cached | None:
    try:
        if regular_size(path) > MAX_CACHE_BYTES:
            return None
        return msgspec.msgpack.decode(path.read_bytes(), type=_Cached)
    except (OSError, msgspec.MsgspecError, ValueError, RecursionError):  # missing or damaged: it is made again
        return None
