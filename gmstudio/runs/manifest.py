"""The files of one checkpoint: ``checkpoint.json`` with its own checksum and those of the files beside it."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from gmstudio.runs.atomic import replace_file, write_synced
from gmstudio.runs.record import RunDamagedError, RunError, now_iso
from gmstudio.system.regular_file import regular_size

FORMAT_VERSION = 1
MANIFEST_NAME = "checkpoint.json"
MAX_MANIFEST_BYTES = 64 << 20
GROUP_SUFFIX = ".safetensors"
BLOCK_BYTES = 1 << 20
GROUP_NAME = re.compile(r"[a-z0-9_]{1,64}")

Arrays = Mapping[str, NDArray[Any]]


class GroupFile(msgspec.Struct, frozen=True):
    """Expected size in bytes and SHA-256 (hexadecimal digits) of a safetensors file."""

    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """Content of ``checkpoint.json``, apart from its own checksum.

    Args:
        step: parameter updates made.
        order: rises with every save of a run.
        created: ISO 8601 in UTC.
        files: file name → expected size and checksum.
        state: plain values.
        format_version: one newer than ``FORMAT_VERSION`` is refused.
    """

    step: int
    order: int
    files: dict[str, GroupFile]
    state: dict[str, Any]
    created: str = msgspec.field(default_factory=now_iso)
    format_version: int = FORMAT_VERSION


def write_group(path: Path, arrays: Arrays) -> GroupFile:
    """Write arrays as a safetensors file, wait for the disk, and compare what is there with the arrays.

    Raises:
        OSError: when it cannot be written.
        RunError: when it came back different.
    """
    ordered = {name: in_c_order(array) for name, array in arrays.items()}
    content = safetensors.numpy.save(ordered)
    write_synced(path, content)
    if not (_holds(path, content) and _same(safetensors.numpy.load(content), ordered)):
        raise RunError(f"{path} came back different from what was written. Check the disk.")
    return GroupFile(len(content), hashlib.sha256(content).hexdigest())


def _holds(path: Path, content: bytes) -> bool:
    """Compare a file with what was written to it, block by block: no copy of it, and less work than its checksum."""
    place = 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_BYTES):
            if not content.startswith(block, place):
                return False
            place += len(block)
    return place == len(content)


def _same(loaded: Arrays, arrays: Arrays) -> bool:
    return loaded.keys() == arrays.keys() and all(_identical(loaded[name], arrays[name]) for name in arrays)


def _identical(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Same type, shape and bits (so that a NaN equals itself); both in C order."""
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(_bits(a), _bits(b))


def _bits(array: NDArray[Any]) -> NDArray[np.uint8]:
    return array.reshape(-1).view(np.uint8)


def read_group(path: Path, promised: GroupFile) -> dict[str, NDArray[Any]]:
    """Read a safetensors file into writable arrays, owned by the caller.

    Raises:
        RunDamagedError: when it is missing, or not as promised by the manifest.
        RunError: when it cannot be read.
    """
    try:
        whole = regular_size(path) == promised.size and _has_digest(path, promised.sha256)
        content = path.read_bytes() if whole else b""
    except FileNotFoundError as error:
        raise RunDamagedError(f"{path} is missing; choose another checkpoint.") from error
    except OSError as error:
        raise RunError(f"{path} could not be read ({error.strerror}); choose another checkpoint.") from error
    if not whole:
        raise RunDamagedError(f"{path} is damaged: its checksum is wrong; choose another checkpoint.")
    try:
        arrays = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise RunDamagedError(f"{path} is no safetensors file ({error}); choose another checkpoint.") from error
    return {name: array.copy() for name, array in arrays.items()}


def _has_digest(path: Path, sha256: str) -> bool:
    """Compare the checksum without holding the file in memory, which a damaged or hostile one may exceed."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def in_c_order(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array in C order, its shape unchanged: safetensors writes memory as it lies."""
    return np.array(array, order="C", copy=None)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``checkpoint.json`` and wait for the disk. The standard library's JSON keeps NaN and large integers.

    Raises:
        OSError: when it cannot be written.
    """
    write_synced(folder / MANIFEST_NAME, _encoded(manifest))


def replace_manifest(folder: Path, manifest: Manifest) -> None:
    """Put another ``checkpoint.json`` in the place of the one that is there, atomically.

    Raises:
        OSError: when it cannot be written; the old one is then unchanged.
    """
    replace_file(folder / MANIFEST_NAME, _encoded(manifest))


def _encoded(manifest: Manifest) -> bytes:
    plain: dict[str, Any] = {**msgspec.structs.asdict(manifest), "files": msgspec.to_builtins(manifest.files)}
    plain["sha256"] = _digest(plain)
    return (json.dumps(plain, indent=1) + "\n").encode()


def read_manifest(folder: Path, step: int) -> Manifest:
    """Read ``checkpoint.json`` of the checkpoint of this step.

    Raises:
        RunDamagedError: when it is missing, damaged, or another step's.
        RunError: when it cannot be read, or is of a newer format.
    """
    path = folder / MANIFEST_NAME
    try:
        regular_size(path, MAX_MANIFEST_BYTES)
        plain = json.loads(path.read_bytes())
        version = plain["format_version"]
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise RunError(
                f"{path} has format {version}; this gmstudio reads up to {FORMAT_VERSION}. Open it with a newer one."
            )
        if plain["sha256"] != _digest(plain):
            raise ValueError("its checksum is wrong")
        manifest = msgspec.convert(plain, Manifest)
        if manifest.step != step or not all(map(_is_group_file, manifest.files)):
            raise ValueError("its step or files are not this folder's")
    except FileNotFoundError as error:
        raise RunDamagedError(f"{path} is missing; choose another checkpoint.") from error
    except OSError as error:
        raise RunError(f"{path} could not be read ({error.strerror}); choose another checkpoint.") from error
    except RunError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, msgspec.ValidationError) as error:
        raise RunDamagedError(f"{path} is damaged; choose another checkpoint.") from error
    return manifest


def _is_group_file(name: str) -> bool:
    return name.endswith(GROUP_SUFFIX) and bool(GROUP_NAME.fullmatch(name.removesuffix(GROUP_SUFFIX)))


def _digest(plain: dict[str, Any]) -> str:
    text = json.dumps({key: value for key, value in plain.items() if key != "sha256"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
