"""``checkpoints/step-N/``: a model's whole state, written so that a crash leaves the previous one whole.

A checkpoint is a folder with one safetensors file per group of arrays (``model``, ``optimizer``, ``rng`` …) and
``checkpoint.json`` (plain state and the SHA-256 of every file). It is written under a temporary name, flushed to the
disk, read back and compared, renamed, and only then named in ``latest``.
"""

import json
import re
import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from gmstudio.runs.atomic import replace_file, sync_folder, write_synced
from gmstudio.runs.kept_checkpoints import NEWEST, spread, travel_count
from gmstudio.runs.manifest import (
    GROUP_NAME,
    GROUP_SUFFIX,
    MANIFEST_NAME,
    Manifest,
    read_group,
    read_manifest,
    replace_manifest,
    write_group,
    write_manifest,
)
from gmstudio.runs.record import RunDamagedError, RunError, RunMissingError, unwritten

CHECKPOINTS_NAME = "checkpoints"
WEIGHTS = "model"
"""Group of the weights, all that an old checkpoint keeps for time travel."""
_LATEST = "latest"
_MARK = "marked"
_STEP_NAME = re.compile(r"(?P<aside>\.replaced-)?step-(?P<step>0|[1-9]\d{0,17})")
_MANIFESTS = (MANIFEST_NAME, f".{MANIFEST_NAME}.writing")
"""The second is left where a process was killed while it replaced the first."""
_WRITING, _REPLACED, _REMOVED = ".writing-", ".replaced-", ".removed-"

Tensors = dict[str, dict[str, NDArray[Any]]]


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
    """Description of a checkpoint for lists, made without reading its arrays.

    Args:
        step: parameter updates made.
        path: its folder.
        created: when it was written, ISO 8601 in UTC; empty when damaged.
        size_bytes: of all its files.
        marked: kept until the user releases it.
        latest: the one that a resumed run starts from.
        order: rises with every save; a run resumed from an earlier step writes lower steps with higher orders.
        groups: names of its groups of arrays; one that was thinned for time travel has its weights alone.
        problem: why it cannot be used, one sentence; empty when it appears whole.
    """

    step: int
    path: Path
    created: str
    size_bytes: int
    marked: bool
    latest: bool
    order: int
    groups: tuple[str, ...] = ()
    problem: str = ""


class CheckpointStore:
    """The checkpoints of one run. One process saves (the run's lock is held); any may load.

    Args:
        folder: the run's folder; ``checkpoints`` inside it is made at the first save.

    Attributes:
        travel: number of older checkpoints to keep for time travel, spread over the training, their weights alone;
            None: as many as fit, see ``travel_count``.
        in_use: returns the steps of checkpoints that are explored now, which are not deleted either; called in the
            thread that saves.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / CHECKPOINTS_NAME
        self.travel: int | None = 0
        self.in_use: Callable[[], Collection[int]] = frozenset

    # ---- writing --------------------------------------------------------------------------------------------

    def save(self, step: int, tensors: Mapping[str, Mapping[str, NDArray[Any]]], state: dict[str, Any]) -> Path:
        """Write a checkpoint; afterwards the two newest, the marked ones and those for time travel are kept.

        Args:
            step: parameter updates made.
            tensors: group (lower-case letters, digits, ``_``) → name → array of any shape.
            state: JSON values with text as keys; floats come back exactly, tuples as lists.

        Returns:
            The checkpoint's folder.

        Raises:
            RunError: when it could not be written or came back different; the earlier ones are then unchanged.
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
            sentence = (
                f"The checkpoint of step {step} could not be written to {self.path} ({error.strerror or error}). "
                "Free some space or check its permissions; earlier checkpoints are whole."
            )
            raise unwritten(sentence, error) from error
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return final

    def _fill(self, folder: Path, step: int, tensors: Mapping[str, Mapping[str, NDArray[Any]]], state: Any) -> None:
        files = {
            group + GROUP_SUFFIX: write_group(folder / (group + GROUP_SUFFIX), arrays)
            for group, arrays in tensors.items()
        }
        order = 1 + max((info.order for info in self.list()), default=-1)
        write_manifest(folder, Manifest(step, order, files, state))
        sync_folder(folder)
        if read_manifest(folder, step).files != files:
            raise RunError(f"{folder / MANIFEST_NAME} came back different from what was written. Check the disk.")

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
        """Delete older checkpoints, but for those that are marked, in use, or kept with their weights alone."""
        newest_first = sorted(self.list(), key=lambda info: info.order, reverse=True)
        newest, older = newest_first[:NEWEST], [info for info in newest_first[NEWEST:] if not info.latest]
        kept = [info for info in older if info.marked]
        last = max(info.step for info in newest)  # later ones are of steps that are trained again
        candidates = [info for info in older if not info.marked and not info.problem and info.step <= last]
        count = travel_count(self.travel, _weights_bytes(newest[0].path))
        chosen = spread([info.step for info in candidates], count, [info.step for info in (*newest, *kept)])
        for info in older:
            if info.marked or not _only_saved_files(info.path):
                continue
            if info.step in chosen:
                with suppress(OSError):  # a full disk, or files that another program holds open: the next save tries
                    _thin(info.path, info.step)
            elif info.step not in self.in_use():
                _remove(info.path)

    def mark(self, step: int, on: bool = True) -> None:
        """Keep the checkpoint of this step until it is unmarked, or unmark it.

        Raises:
            RunMissingError: when there is no such checkpoint.
            RunError: when it cannot be marked.
        """
        folder = self.path / f"step-{step}"
        if not folder.is_dir():
            raise RunMissingError(f"{self.path} has no checkpoint of step {step}; {self._which()}.")
        try:
            if on:
                write_synced(folder / _MARK, b"")
            else:
                (folder / _MARK).unlink(missing_ok=True)
        except OSError as error:
            raise RunError(f"{folder} could not be marked ({error.strerror}). Check its permissions.") from error

    def unmark_all(self) -> None:
        """Unmark all checkpoints.

        Raises:
            RunError: when a mark cannot be removed.
        """
        for info in self.list():
            if info.marked:
                self.mark(info.step, False)

    # ---- reading --------------------------------------------------------------------------------------------

    def steps(self) -> tuple[int, ...]:
        """Steps of all checkpoints, whole or not, rising; cheap, since none is opened."""
        if not self.path.is_dir():
            return ()
        found = {int(match["step"]) for path in self.path.iterdir() if (match := _STEP_NAME.fullmatch(path.name))}
        return tuple(sorted(found))

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
                with suppress(FileNotFoundError):  # pruned meanwhile
                    infos.append(_info(folder, int(match["step"]), name == latest))
        return sorted(infos, key=lambda info: info.step)

    def load(self, step: int | None = None, groups: Collection[str] | None = None) -> Checkpoint:
        """Read a checkpoint and compare its checksums.

        Args:
            step: which; None: the latest, or the newest whole one before it when it is damaged (see ``warnings``).
            groups: groups of arrays to read, where they are there; None: all.

        Raises:
            RunMissingError: when there is none.
            RunDamagedError: when there is none that is whole.
            RunError: when the one of ``step`` cannot be read.
        """
        infos = self.list()
        if step is not None:
            chosen = [info for info in infos if info.step == step]
            if not chosen:
                raise RunMissingError(f"{self.path} has no checkpoint of step {step}; {self._which()}.")
            return _load(chosen[0].path, step, groups)
        if not infos:
            raise RunMissingError(f"{self.path} has no checkpoint. Train the run first.")
        warnings: list[str] = []
        latest = self._latest_name()
        if latest and not any(info.latest for info in infos):
            warnings.append(f"{self.path / latest} is missing, though it was the latest checkpoint.")
        for info in sorted(infos, key=lambda info: (info.latest, info.order), reverse=True):
            try:
                found = _load(info.path, info.step, groups)
            except RunError as error:
                warnings.append(str(error))
                continue
            return Checkpoint(found.step, found.tensors, found.state, tuple(warnings))
        raise RunDamagedError(f"{self.path} has no checkpoint that is whole. {' '.join(warnings)}")

    def _latest_name(self) -> str:
        try:
            return (self.path / _LATEST).read_bytes()[:100].decode("ascii", "replace").strip()
        except OSError:  # no pointer yet, or unreadable: the order of saving decides
            return ""

    def _which(self) -> str:
        steps = ", ".join(str(info.step) for info in self.list())
        return f"there are {steps}" if steps else "there is none yet"


def _remove(folder: Path) -> None:
    """Delete a checkpoint; files that another program holds open are left for the next save to clean up."""
    removed = folder.with_name(_REMOVED + folder.name.removeprefix(_REPLACED))
    with suppress(OSError):
        folder.rename(removed)
        shutil.rmtree(removed)


def _check_arguments(step: int, tensors: Mapping[str, Mapping[str, NDArray[Any]]], state: dict[str, Any]) -> None:
    if step < 0 or not _STEP_NAME.fullmatch(f"step-{step}"):
        raise ValueError(f"A checkpoint's step is 0 or more, not {step}.")
    for group in tensors:
        if not GROUP_NAME.fullmatch(group):
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


def _load(folder: Path, step: int, groups: Collection[str] | None = None) -> Checkpoint:
    manifest = read_manifest(folder, step)
    tensors = {
        name.removesuffix(GROUP_SUFFIX): read_group(folder / name, promised)
        for name, promised in manifest.files.items()
        if groups is None or name.removesuffix(GROUP_SUFFIX) in groups
    }
    return Checkpoint(step, tensors, manifest.state)


def _info(folder: Path, step: int, latest: bool) -> CheckpointInfo:
    created, order, problem = "", -1, ""
    groups: tuple[str, ...] = ()
    sizes: dict[str, int] = {}
    try:
        sizes.update((path.name, path.stat().st_size) for path in folder.iterdir() if path.is_file())
        manifest = read_manifest(folder, step)
        created, order = manifest.created, manifest.order
        groups = tuple(name.removesuffix(GROUP_SUFFIX) for name in manifest.files)
        for name, promised in manifest.files.items():
            if sizes.get(name) != promised.size:
                problem = f"{folder / name} is missing or cut short; choose another checkpoint."
    except PermissionError as error:
        problem = f"{folder} could not be read ({error.strerror}). Check its permissions."
    except RunError as error:
        problem = str(error)
    return CheckpointInfo(step, folder, created, sum(sizes.values()), _MARK in sizes, latest, order, groups, problem)


def _weights_bytes(folder: Path) -> int:
    try:
        return (folder / f"{WEIGHTS}{GROUP_SUFFIX}").stat().st_size
    except OSError:  # no weights in it, or it is damaged, as another sentence says
        return 0


def _thin(folder: Path, step: int) -> None:
    """Leave the weights of a checkpoint alone; killed at any point, it is whole or thin, and thinned again later."""
    manifest = read_manifest(folder, step)
    kept = {name: file for name, file in manifest.files.items() if name == f"{WEIGHTS}{GROUP_SUFFIX}"}
    if not kept:
        return
    if kept != manifest.files:
        replace_manifest(folder, msgspec.structs.replace(manifest, files=kept))
    for path in folder.iterdir():
        if path.name.endswith(GROUP_SUFFIX) and path.name not in kept:
            path.unlink(missing_ok=True)


def _only_saved_files(folder: Path) -> bool:
    """Test whether the folder holds nothing but files that a save writes."""
    return all(
        path.is_file() and (path.name in _MANIFESTS or path.name.endswith(GROUP_SUFFIX)) for path in folder.iterdir()
    )
