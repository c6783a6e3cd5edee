"""``checkpoints/step-N/``: a model's whole state, written so that a crash leaves the previous one whole.

A checkpoint is a folder with one safetensors file per group of arrays (``model``, ``optimizer``, ``rng`` …) and
``checkpoint.json`` (plain state and the SHA-256 of every file). It is written under a temporary name, flushed to the
disk, read back and compared, renamed, and only then named in ``latest``.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from gmstudio.runs.atomic import replace_file, sync_folder, write_synced
from gmstudio.runs.record import RunError, now_iso

CHECKPOINTS_NAME = "checkpoints"
FORMAT_VERSION = 1
KEPT = 2
_MANIFEST = "checkpoint.json"
_LATEST = "latest"
_MARK = "marked"
_SUFFIX = ".safetensors"
_STEP_NAME = re.compile(r"(?P<aside>\.replaced-)?step-(?P<step>0|[1-9]\d{0,17})")
_GROUP_NAME = re.compile(r"[a-z0-9_]{1,64}")
_WRITING, _REPLACED, _REMOVED = ".writing-", ".replaced-", ".removed-"

Tensors = dict[str, dict[str, NDArray[Any]]]


class _File(msgspec.Struct):
    size: int
    sha256: str


class _Manifest(msgspec.Struct):
    format_version: int
    step: int
    order: int
    created: str
    files: dict[str, _File]
    state: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A checkpoint read back whole.

    Args:
        step: parameter updates made.
        tensors: group → name → array, writable, owned by the caller.
        state: the plain values that were saved with them.
        warnings: one sentence for each newer checkpoint that was damaged and passed over; usually empty.
    """

    step: int
    tensors: Tensors
    state: dict[str, Any]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckpointInfo:
    """What a list shows of a checkpoint, without reading its arrays.

    Args:
        step: parameter updates made.
        path: its folder.
        created: when it was written, ISO 8601 in UTC; empty when damaged.
        size_bytes: of all its files.
        marked: the user wants it kept.
        latest: the one that a resumed run begins from.
        order: rises with every save; a run resumed from an earlier step writes lower steps with higher orders.
        problem: why it cannot be used, one sentence; empty when it looks whole.
    """

    step: int
    path: Path
    created: str
    size_bytes: int
    marked: bool
    latest: bool
    order: int
    problem: str = ""


class CheckpointStore:
    """The checkpoints of one run. One process saves (the run's lock is held); any may load.

    Args:
        folder: the run's folder; ``checkpoints`` inside it is made at the first save.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / CHECKPOINTS_NAME

    # ---- writing --------------------------------------------------------------------------------------------

    def save(self, step: int, tensors: Mapping[str, Mapping[str, NDArray[Any]]], state: dict[str, Any]) -> Path:
        """Write a checkpoint; afterwards the two newest and the marked ones are kept.

        Args:
            step: parameter updates made.
            tensors: group (lower-case letters, digits, ``_``) → name → array of any shape.
            state: JSON values with text as keys; floats come back exactly, tuples as lists.

        Returns:
            The checkpoint's folder.

        Raises:
            RunError: when it could not be written or came back different; the earlier ones are then as they were.
        """
        _check_arguments(step, tensors, state)
        temporary = self.path / f"{_WRITING}step-{step}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._clean()
            temporary.mkdir()
            self._fill(temporary, step, tensors, state)
            final = self._put_in_place(temporary, step)
            replace_file(self.path / _LATEST, f"{final.name}\n".encode())
            self._prune()
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise RunError(
                f"The checkpoint of step {step} could not be written to {self.path} ({error.strerror or error}). "
                "Free some space or mend its rights; earlier checkpoints are whole."
            ) from error
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return final

    def _fill(self, folder: Path, step: int, tensors: Mapping[str, Mapping[str, NDArray[Any]]], state: Any) -> None:
        files = {}
        for group, arrays in tensors.items():
            content = safetensors.numpy.save({name: _storable(array) for name, array in arrays.items()})
            write_synced(folder / (group + _SUFFIX), content)
            files[group + _SUFFIX] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        order = 1 + max((info.order for info in self.list()), default=-1)
        manifest = {
            "format_version": FORMAT_VERSION,
            "step": step,
            "order": order,
            "created": now_iso(),
            "files": files,
            "state": state,
        }
        manifest["sha256"] = _digest(manifest)
        write_synced(folder / _MANIFEST, (json.dumps(manifest, indent=1) + "\n").encode())
        sync_folder(folder)
        self._verify_written(folder, step, tensors)

    def _verify_written(self, folder: Path, step: int, tensors: Mapping[str, Mapping[str, NDArray[Any]]]) -> None:
        loaded = _load(folder, step)
        same = loaded.tensors.keys() == tensors.keys() and all(
            loaded.tensors[group].keys() == tensors[group].keys()
            and all(_identical(loaded.tensors[group][name], array) for name, array in tensors[group].items())
            for group in tensors
        )
        if not same:
            raise RunError(f"The checkpoint of step {step} came back different from {folder}. Check the disk.")

    def _put_in_place(self, temporary: Path, step: int) -> Path:
        final = self.path / f"step-{step}"
        replaced = self.path / f"{_REPLACED}step-{step}"
        if final.exists():
            if (final / _MARK).exists():
                write_synced(temporary / _MARK, b"")
            final.rename(replaced)
        temporary.rename(final)
        sync_folder(self.path)
        if replaced.exists():
            _remove(replaced)
        return final

    def _clean(self) -> None:
        """Remove what an interrupted save left, and put back what it had moved aside."""
        for path in self.path.glob(f"{_REPLACED}step-*"):
            final = self.path / path.name.removeprefix(_REPLACED)
            if final.exists():
                shutil.rmtree(path)
            else:
                path.rename(final)
        for prefix in (_WRITING, _REMOVED):
            for path in self.path.glob(f"{prefix}step-*"):
                shutil.rmtree(path)

    def _prune(self) -> None:
        newest_first = sorted(self.list(), key=lambda info: info.order, reverse=True)
        for info in newest_first[KEPT:]:
            if not info.marked and not info.latest and _only_ours(info.path):
                _remove(info.path)

    def mark(self, step: int, on: bool = True) -> None:
        """Keep the checkpoint of this step for good, or no longer.

        Raises:
            RunError: when there is no such checkpoint or it cannot be marked.
        """
        folder = self.path / f"step-{step}"
        if not folder.is_dir():
            raise RunError(f"{self.path} has no checkpoint of step {step}; {self._which()}.")
        try:
            if on:
                write_synced(folder / _MARK, b"")
            else:
                (folder / _MARK).unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{folder} could not be marked ({error.strerror}). Mend its rights.") from error

    # ---- reading --------------------------------------------------------------------------------------------

    def list(self) -> list[CheckpointInfo]:
        """All checkpoints by rising step; damaged ones say so in ``problem``."""
        if not self.path.is_dir():
            return []
        infos = []
        latest = self._latest_name()
        for folder in self.path.iterdir():
            match = _STEP_NAME.fullmatch(folder.name)
            name = folder.name.removeprefix(_REPLACED)
            # A save killed between two renames leaves the old checkpoint moved aside, and it still counts.
            if match and folder.is_dir() and not (match["aside"] and (self.path / name).exists()):
                infos.append(_info(folder, int(match["step"]), name == latest))
        return sorted(infos, key=lambda info: info.step)

    def load(self, step: int | None = None) -> Checkpoint:
        """Read a checkpoint and compare its checksums.

        Args:
            step: which; None: the latest, or the newest whole one before it when it is damaged (see ``warnings``).

        Raises:
            RunError: when there is none, or none that is whole.
        """
        infos = self.list()
        if step is not None:
            chosen = [info for info in infos if info.step == step]
            if not chosen:
                raise RunError(f"{self.path} has no checkpoint of step {step}; {self._which()}.")
            return _load(chosen[0].path, step)
        if not infos:
            raise RunError(f"{self.path} has no checkpoint. Train the run first.")
        warnings: list[str] = []
        latest = self._latest_name()
        if latest and not any(info.latest for info in infos):
            warnings.append(f"{self.path / latest} is missing, though it was the latest checkpoint.")
        for info in sorted(infos, key=lambda info: (info.latest, info.order), reverse=True):
            try:
                found = _load(info.path, info.step)
            except RunError as error:
                warnings.append(str(error))
                continue
            return Checkpoint(found.step, found.tensors, found.state, tuple(warnings))
        raise RunError(f"{self.path} has no checkpoint that is whole. {' '.join(warnings)}")

    def _latest_name(self) -> str:
        try:
            return (self.path / _LATEST).read_bytes()[:100].decode("ascii", "replace").strip()
        except OSError:  # no pointer yet, or unreadable: the order of saving decides
            return ""

    def _which(self) -> str:
        steps = ", ".join(str(info.step) for info in self.list())
        return f"there are {steps}" if steps else "there is none yet"


def _remove(folder: Path) -> None:
    """Delete a checkpoint of ours; what another program holds open is left for the next save to clean up."""
    removed = folder.with_name(_REMOVED + folder.name.removeprefix(_REPLACED))
    with suppress(OSError):
        folder.rename(removed)
        shutil.rmtree(removed)


def _check_arguments(step: int, tensors: Mapping[str, Mapping[str, NDArray[Any]]], state: dict[str, Any]) -> None:
    if step < 0 or not _STEP_NAME.fullmatch(f"step-{step}"):
        raise ValueError(f"A checkpoint's step is 0 or more, not {step}.")
    for group in tensors:
        if not _GROUP_NAME.fullmatch(group):
            raise ValueError(f"{group!r} is no group name: use lower-case letters, digits and _, at most 64.")
    try:
        json.dumps(state)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The state of a checkpoint must be plain JSON values ({error}).") from error
    if not _has_text_keys(state):
        raise ValueError("The state of a checkpoint must have text as keys.")


def _has_text_keys(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _has_text_keys(item) for key, item in value.items())
    return not isinstance(value, list | tuple) or all(map(_has_text_keys, value))


def _storable(array: NDArray[Any]) -> NDArray[Any]:
    """C order, kept 0-dimensional where it is: safetensors writes memory as it lies."""
    return np.array(array, order="C", copy=None, ndmin=0)


def _identical(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Same type, shape and bits (so that a NaN equals itself)."""
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == _storable(b).tobytes()


def _digest(manifest: dict[str, Any]) -> str:
    text = json.dumps({key: value for key, value in manifest.items() if key != "sha256"}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _read_manifest(folder: Path, step: int) -> _Manifest:
    path = folder / _MANIFEST
    try:
        raw = json.loads(path.read_bytes())
        version = raw["format_version"]
        if isinstance(version, int) and version > FORMAT_VERSION:
            raise RunError(
                f"{path} has format {version}; this gmstudio reads up to {FORMAT_VERSION}. Open it with a newer one."
            )
        if raw["sha256"] != _digest(raw):
            raise ValueError("its checksum is wrong")
        manifest = msgspec.convert(raw, _Manifest)
        if manifest.step != step or not all(map(_is_group_file, manifest.files)):
            raise ValueError("its step or files are not this folder's")
    except OSError as error:
        raise RunError(f"{path} could not be read ({error.strerror}); choose another checkpoint.") from error
    except RunError:
        raise
    except (ValueError, KeyError, TypeError, RecursionError, msgspec.ValidationError) as error:
        raise RunError(f"{path} is damaged; choose another checkpoint.") from error
    return manifest


def _is_group_file(name: str) -> bool:
    return name.endswith(_SUFFIX) and bool(_GROUP_NAME.fullmatch(name.removesuffix(_SUFFIX)))


def _load(folder: Path, step: int) -> Checkpoint:
    manifest = _read_manifest(folder, step)
    tensors = {
        name.removesuffix(_SUFFIX): _load_group(folder / name, promised) for name, promised in manifest.files.items()
    }
    return Checkpoint(step, tensors, manifest.state)


def _load_group(path: Path, promised: _File) -> dict[str, NDArray[Any]]:
    try:
        whole = path.stat().st_size == promised.size
        content = path.read_bytes() if whole else b""
    except OSError as error:
        raise RunError(f"{path} could not be read ({error.strerror}); choose another checkpoint.") from error
    if not whole or hashlib.sha256(content).hexdigest() != promised.sha256:
        raise RunError(f"{path} is damaged: its checksum is wrong; choose another checkpoint.")
    try:
        arrays = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, ValueError, KeyError) as error:
        raise RunError(f"{path} is no safetensors file ({error}); choose another checkpoint.") from error
    return {name: array.copy() for name, array in arrays.items()}


def _info(folder: Path, step: int, latest: bool) -> CheckpointInfo:
    sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
    created, order, problem = "", -1, ""
    try:
        manifest = _read_manifest(folder, step)
        created, order = manifest.created, manifest.order
        for name, promised in manifest.files.items():
            if sizes.get(name) != promised.size:
                problem = f"{folder / name} is missing or cut short; choose another checkpoint."
    except RunError as error:
        problem = str(error)
    return CheckpointInfo(step, folder, created, sum(sizes.values()), _MARK in sizes, latest, order, problem)


def _only_ours(folder: Path) -> bool:
    """Whether the folder holds nothing but files that a save writes."""
    return all(
        path.is_file() and (path.name == _MANIFEST or path.name.endswith(_SUFFIX)) for path in os.scandir(folder)
    )
