"""Files of weights of other programs: safetensors, and torch's own files through ``weights_only``.

Nothing of a file is executed, and no memory is asked for that the file does not have: the sizes that it declares are
compared with its true one first. Arrays are read when they are used.
"""

import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import safetensors
import torch
from torch import Tensor

from gmstudio.runs.record import RunError
from gmstudio.system.regular_file import regular_size

MAX_HEADER_BYTES = 16 << 20
MAX_ARRAYS = 100_000
MAX_DEPTH = 8
"""Levels of dictionaries in a file of torch."""
TORCH_SUFFIXES = (".pt", ".pth", ".ckpt", ".bin")
CHUNK_BYTES = 1 << 20


class ForeignWeightsError(RunError):
    """A file of weights that cannot be used; the sentence names it, the reason and the remedy."""


class PickleWarningError(ForeignWeightsError):
    """A file of torch, which is only read after a warning was accepted."""


@dataclass(frozen=True)
class ForeignWeights:
    """Arrays of a file, by name.

    Args:
        path: of the file.
        shapes: name → shape, in the order of the file.
        load: returns the array of a name, on the CPU.
        others: names of entries that are no arrays.
    """

    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    load: Callable[[str], Tensor]
    others: tuple[str, ...] = ()


def open_weights(path: Path, *, accept_pickle: bool = False) -> ForeignWeights:
    """Open a file of weights.

    Args:
        path: of the file.
        accept_pickle: read a file of torch, too.

    Raises:
        PickleWarningError: for a file of torch that was not accepted.
        ForeignWeightsError: when it cannot be read, or is no file of weights.
    """
    try:
        size = regular_size(path)
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise ForeignWeightsError(
            f"{path} could not be read ({error.strerror or error}). Choose another file."
        ) from error
    if start[:4] == b"PK\x03\x04":
        if path.suffix.lower() == ".safetensors":
            raise ForeignWeightsError(f"{path} is an archive and no safetensors file, and was not loaded.")
        return _open_torch(path, size, accept_pickle)
    if path.suffix.lower() in TORCH_SUFFIXES:
        raise ForeignWeightsError(
            f"{path} is no file of torch 1.6 or newer. Load it with the torch that wrote it and save it again, best as "
            "safetensors."
        )
    return _open_safetensors(path, size, start)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal digits.

    Raises:
        ForeignWeightsError: when it cannot be read.
    """
    found = sha256()
    try:
        with path.open("rb") as file:
            while part := file.read(CHUNK_BYTES):
                found.update(part)
    except OSError as error:
        raise ForeignWeightsError(
            f"{path} could not be read ({error.strerror or error}). Choose another file."
        ) from error
    return found.hexdigest()


# ---- safetensors -----------------------------------------------------------------------------------------------


def _open_safetensors(path: Path, size: int, start: bytes) -> ForeignWeights:
    header = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if not 2 <= header <= min(MAX_HEADER_BYTES, size - 8):
        raise ForeignWeightsError(
            f"{path} is no safetensors file: its header would take {header:,} bytes of {size:,}. Choose another file."
        )
    shapes = _shapes(path, header)
    try:
        opened: Any = safetensors.safe_open(str(path), framework="pt", device="cpu")  # compares offsets with the file
        named = set(opened.keys())
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise ForeignWeightsError(f"{path} is damaged: {_line(error)} Get it again.") from error
    if named != set(shapes):
        raise ForeignWeightsError(f"{path} is damaged: its header names arrays twice. Get it again.")

    def load(name: str) -> Tensor:
        try:
            array: Tensor = opened.get_tensor(name)
        except (safetensors.SafetensorError, OSError, ValueError, TypeError) as error:
            raise ForeignWeightsError(f"{path}: {name} could not be read: {_line(error)}") from error
        return array

    return ForeignWeights(path, shapes, load)


def _shapes(path: Path, header: int) -> dict[str, tuple[int, ...]]:
    """Shapes by name, in the file's order."""
    try:
        with path.open("rb") as file:
            file.seek(8)
            plain = json.loads(file.read(header))
        found = {str(name): tuple(map(int, entry["shape"])) for name, entry in plain.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OSError) as error:
        raise ForeignWeightsError(
            f"{path} is no safetensors file: its header cannot be read. Choose another file."
        ) from error
    if not 0 < len(found) <= MAX_ARRAYS:
        raise ForeignWeightsError(f"{path} holds {len(found):,} arrays; 1 to {MAX_ARRAYS:,} can be imported.")
    return found


# ---- torch -----------------------------------------------------------------------------------------------------


def _open_torch(path: Path, size: int, accept_pickle: bool) -> ForeignWeights:
    if not accept_pickle:
        raise PickleWarningError(
            f"{path} is a file of torch, which is a program for the unpickler. It is read with weights_only=True, "
            "which refuses all but arrays and plain values; safetensors is the safer form. Accept it if you know where "
            "it comes from."
        )
    _check_zip(path, size)
    try:
        plain = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        raise ForeignWeightsError(
            f"{path} holds more than arrays and plain values, and was not loaded: {_line(error)} Save only its "
            "state_dict, best as safetensors."
        ) from error
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, EOFError, RecursionError, OSError) as error:
        raise ForeignWeightsError(f"{path} could not be read: {_line(error)} Get it again.") from error
    arrays, others = dict[str, Tensor](), list[str]()
    _collect(plain, "", arrays, others, MAX_DEPTH)
    if not 0 < len(arrays) <= MAX_ARRAYS:
        raise ForeignWeightsError(f"{path} holds {len(arrays):,} arrays; 1 to {MAX_ARRAYS:,} can be imported.")
    return ForeignWeights(
        path, {name: tuple(array.shape) for name, array in arrays.items()}, arrays.__getitem__, tuple(others)
    )


def _check_zip(path: Path, size: int) -> None:
    """Refuse an archive with compressed or lying members: torch writes none, and a bomb would fill the memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ForeignWeightsError(f"{path} is damaged: {_line(error)} Get it again.") from error
    if any(
        member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size for member in members
    ):
        raise ForeignWeightsError(f"{path} has compressed parts, which torch does not write. It was not loaded.")
    if sum(member.file_size for member in members) > size:
        raise ForeignWeightsError(f"{path} declares more bytes than it has. It was not loaded.")


def _collect(value: Any, name: str, arrays: dict[str, Tensor], others: list[str], depth: int) -> None:
    """Collect arrays by dotted names; entries of other kinds are only named."""
    if isinstance(value, Tensor):
        if value.layout == torch.strided and not value.is_quantized:
            arrays[name or "array"] = value.detach()
        else:
            others.append(name)
    elif isinstance(value, dict) and depth:
        for key, inner in value.items():
            _collect(inner, f"{name}.{key}" if name else str(key), arrays, others, depth - 1)
    else:
        others.append(name)


def _line(error: BaseException) -> str:
    """First line of an error, ending in a full stop."""
    line = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return line if line.endswith(".") else f"{line}."
