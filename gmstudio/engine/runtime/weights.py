"""Weights of a model from the checkpoints of a run: the newest ones that are whole and fit."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray

from gmstudio.families.base import Family
from gmstudio.runs.checkpoints import WEIGHTS, Checkpoint, CheckpointStore
from gmstudio.runs.manifest import GROUP_SUFFIX
from gmstudio.runs.record import RunError

MAX_NAMED = 3
"""Arrays that a sentence names of each kind of difference."""


class UnfitWeightsError(ValueError):
    """Names or shapes of a checkpoint's arrays are not those of the model."""


def load_checkpoint(
    store: CheckpointStore, model: Family, step: int | None = None, groups: Collection[str] | None = None
) -> Checkpoint:
    """Load the latest checkpoint, or that of a step, and its weights into the model.

    A latest one that does not fit the model, as after a change of the family, is passed over for an older one that
    does, with a warning.

    Args:
        store: checkpoints of a run.
        model: gets the weights.
        step: of the checkpoint; None: the latest.
        groups: groups of arrays to read, the weights among them; None: all.

    Raises:
        RunError: when there is none that is whole.
        UnfitWeightsError: when none fits.
    """
    return fit_checkpoint(store, model, store.load(step, groups), step)


def fit_checkpoint(store: CheckpointStore, model: Family, found: Checkpoint, step: int | None = None) -> Checkpoint:
    """Load the weights of a checkpoint that was read into the model, else those of an older one, as above.

    Args:
        store: checkpoints of the run.
        model: gets the weights.
        found: what was read.
        step: that was wanted; None: the latest.

    Raises:
        UnfitWeightsError: when none fits.
    """
    try:
        load_weights(model, found.tensors.get(WEIGHTS, {}), _file(store, found))
    except UnfitWeightsError as error:
        older = _older_fitting(store, model, found.step) if step is None else None
        if older is None:
            raise
        warning = f"{error} The checkpoint of step {older.step:,} is used in its place."
        return replace(older, warnings=(*found.warnings, warning))
    return found


def load_weights(model: Family, arrays: dict[str, NDArray[Any]], origin: object = "The checkpoint") -> None:
    """Copy arrays into a model.

    Args:
        model: the model.
        arrays: its weights by their names.
        origin: file of the arrays, for messages.

    Raises:
        UnfitWeightsError: when names or shapes are not the model's; the sentence has the differences.
    """
    differences = differences_of(model, {name: tuple(value.shape) for name, value in arrays.items()})
    if differences:
        raise UnfitWeightsError(
            f"{origin} does not fit the {model.card.title} of this version: {'; '.join(differences)}. Open the run "
            "with the version that trained it, or train it again."
        )
    model.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})


def _file(store: CheckpointStore, checkpoint: Checkpoint) -> Path:
    return store.path / f"step-{checkpoint.step}" / f"{WEIGHTS}{GROUP_SUFFIX}"


def _older_fitting(store: CheckpointStore, model: Family, step: int) -> Checkpoint | None:
    infos = sorted(store.list(), key=lambda info: info.order, reverse=True)
    for info in infos:
        if info.step == step or info.problem:
            continue
        try:
            found = store.load(info.step)
            load_weights(model, found.tensors.get(WEIGHTS, {}))
        except (RunError, UnfitWeightsError):
            continue
        return found
    return None


def differences_of(model: Family, shapes: dict[str, tuple[int, ...]]) -> list[str]:
    """Return phrases on the arrays that are missing, not known, or of another shape.

    Args:
        model: the model; it may have no memory for its weights.
        shapes: of the arrays, by name.
    """
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    missing = [name for name in wanted if name not in shapes]
    unknown = [name for name in shapes if name not in wanted]
    others = [
        f"{name} is {shapes[name]} instead of {shape}"
        for name, shape in wanted.items()
        if name in shapes and shapes[name] != shape
    ]
    found = [f"without {_some(missing)}"] if missing else []
    found += [f"with {_some(unknown)}, which the model has not"] if unknown else []
    return found + ([_some(others)] if others else [])


def _some(names: list[str]) -> str:
    rest = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {rest} more" if rest > 0 else "")
