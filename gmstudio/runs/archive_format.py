"""``NAME.gmrun``: a run as one file, a zip archive of the files of its folder and of a list with their SHA-256.

The list, ``gmrun.json``, is the last entry. Safetensors files are stored as they are, the rest is deflated. Names are
relative, with parts separated by ``/``; only the kinds of files that runs consist of are packed or taken, nothing that
a program would execute or unpickle. Times of files and their owners are not kept: the same run gives the same bytes.
"""

import re

import msgspec

SUFFIX = ".gmrun"
LIST_NAME = "gmrun.json"
FORMAT_NAME = "gmstudio run"
FORMAT_VERSION = 1
MAX_LIST_BYTES = 8 << 20
MAX_FILES = 20_000
MAX_DIRECTORY_BYTES = 16 << 20
"""Size of an archive's own directory."""
MAX_TOTAL_BYTES = 256 << 30
"""Size of a run's files together."""
FREE_GROWTH, MAX_GROWTH = 256 << 20, 50
"""An archive may unpack to ``FREE_GROWTH`` bytes, or to ``MAX_GROWTH`` times its own size where that is more."""
STORED = ".safetensors"
DATABASES = (".sqlite",)
KINDS = (".json", ".jsonl", ".sqlite", ".safetensors", ".csv", ".toml", ".txt", ".md")
"""Suffixes of the files of runs; ``latest`` and ``marked`` have none."""
PLAIN_NAMES = ("latest", "marked")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_. ()+-]{0,119}")
_DEVICES = frozenset(("con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))))
MAX_DEPTH = 4


class PackedFile(msgspec.Struct, frozen=True):
    """Size in bytes and SHA-256 (hexadecimal digits) of a packed file."""

    size: int
    sha256: str


class ArchiveList(msgspec.Struct, frozen=True, kw_only=True):
    """Content of ``gmrun.json``.

    Args:
        format: ``FORMAT_NAME``.
        format_version: one newer than ``FORMAT_VERSION`` is refused.
        software: name and version of the program that packed the run.
        name: of the run's folder.
        files: name → size and checksum, of every other entry.
    """

    format: str = FORMAT_NAME
    format_version: int = FORMAT_VERSION
    software: str
    name: str
    files: dict[str, PackedFile]


def name_problem(name: str) -> str:
    """Return what is wrong with the name of a file in a run or an archive, as the end of a sentence; empty: nothing."""
    parts = name.split("/")
    if name.startswith(("/", "\\")) or re.match("[A-Za-z]:", name):
        return "is an absolute path"
    if ".." in parts or "\\" in name:
        return "leads out of its folder"
    if len(parts) > MAX_DEPTH or not all(_PART.fullmatch(part) for part in parts):
        return "is no name of a file of a run"
    if any(part.partition(".")[0].strip().lower() in _DEVICES or part.endswith((".", " ")) for part in parts):
        return "is a name that not every system allows"
    if parts[-1] not in PLAIN_NAMES and not parts[-1].endswith(KINDS):
        return f"is none of the kinds of files that a run has ({', '.join(KINDS)})"
    return ""
