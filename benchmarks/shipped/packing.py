"""Packing of a trained run as an example: weights in half precision, a thinned history, no optimizer."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray

from benchmarks.shipped.recipe import ExampleRecipe
from gmstudio.data.dataset import Dataset
from gmstudio.engine.evaluation.likelihood import has_likelihood, score
from gmstudio.engine.runtime.building import build_run_model
from gmstudio.engine.runtime.weights import load_weights
from gmstudio.engine.sampling.grids import draw_grid
from gmstudio.families.base import Family, FreeEnergy
from gmstudio.runs.checkpoints import WEIGHTS, CheckpointStore
from gmstudio.runs.description import Description, write_description
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import Curve, History, ImageGrid
from gmstudio.runs.lock import LOCK_NAME
from gmstudio.runs.record import write_record

MAX_POINTS = 60
"""Points of a curve that are kept; its lowest and last one are among them."""
MAX_GRIDS = 5
SMALL = 2048
"""Arrays of fewer elements, such as biases and gains, keep their precision, which costs next to nothing."""
COMPARED_IMAGES = 100
LARGEST_DIFFERENCE = 0.02
"""Nats per image, or grey values from 0 to 1 on average, by which half precision may change what a model computes."""
LARGEST_SHARE = 1e-4
"""Part of a log-likelihood by which it may change where that is more: those of 256 levels have thousands of nats."""

Arrays = dict[str, NDArray[Any]]


class Rounding(Struct, frozen=True, kw_only=True):
    """Effect of half precision on a model.

    Args:
        weights: precision that is stored.
        changed: mean |Δ log p(x)| in nats on test images where there is a likelihood, else mean absolute difference of
            the sample grid, from 0 to 1.
    """

    weights: str
    changed: float


def pack(run: Path, recipe: ExampleRecipe, dataset: Dataset, folder: Path) -> Rounding:
    """Write an example from a run that was trained; an earlier one in its place is replaced.

    Args:
        run: folder of the run.
        recipe: of the example.
        dataset: data set of the run.
        folder: of the example.

    Returns:
        Effect of half precision; where it is larger than ``LARGEST_DIFFERENCE``, the weights are stored as they are.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with RunFolder.open(run) as source:
        found = source.checkpoints.load()
        arrays, rounding = _chosen_precision(source, found.tensors[WEIGHTS], dataset)
        CheckpointStore(folder).save(found.step, {WEIGHTS: arrays}, {"step": found.step})
        with History(folder, write=True) as history:
            copy_thinned(source.history, history)
        write_record(folder, source.record)
    write_description(folder, Description(name=recipe.title, note=recipe.note))
    (folder / LOCK_NAME).unlink(missing_ok=True)
    return rounding


def halved(arrays: Arrays) -> Arrays:
    """Arrays of 32-bit floats as 16-bit ones, except small ones and those whose values do not fit."""
    result = {}
    for name, array in arrays.items():
        with np.errstate(over="ignore"):
            half = array.astype(np.float16) if array.dtype == np.float32 and array.size >= SMALL else array
        result[name] = half if np.isfinite(half).all() else array
    return result


def _chosen_precision(run: RunFolder, arrays: Arrays, dataset: Dataset) -> tuple[Arrays, Rounding]:
    half = halved(arrays)
    before, after = (_loaded(run, weights) for weights in (arrays, half))
    changed, limit = _difference(before, after, dataset)
    if changed > limit:
        return arrays, Rounding(weights="float32", changed=0.0)
    return half, Rounding(weights="float16", changed=round(changed, 5))


def _loaded(run: RunFolder, arrays: Arrays) -> Family:
    model = build_run_model(run, torch.device("cpu"))
    load_weights(model, arrays)
    return model.eval()


def _difference(before: Family, after: Family, dataset: Dataset) -> tuple[float, float]:
    """See ``Rounding.changed``; and the largest value of it that is accepted."""
    if isinstance(before, FreeEnergy) and isinstance(after, FreeEnergy):  # log Z, which takes minutes, is a constant
        x_BCHW = torch.from_numpy(dataset.view("test", range(COMPARED_IMAGES)))
        with torch.inference_mode():
            change = after.free_energy(x_BCHW) - before.free_energy(x_BCHW)
        return float((change - change.mean()).abs().mean()), LARGEST_DIFFERENCE
    if has_likelihood(before):
        images = dataset.view("test", range(COMPARED_IMAGES))
        nats = [next(s for s in score(model, images, 5, seed=0) if s is not None).nats for model in (before, after)]
        limit = max(LARGEST_DIFFERENCE, LARGEST_SHARE * float(np.abs(nats[0]).mean()))
        return float(np.abs(nats[0] - nats[1]).mean()), limit
    inputs = torch.from_numpy(dataset.view("test", range(36)))
    grids = [next(g for g in draw_grid(model, 36, 0, inputs) if g is not None) for model in (before, after)]
    return float(np.abs(grids[0].astype(float) - grids[1]).mean() / 255), LARGEST_DIFFERENCE


def copy_thinned(source: History, target: History) -> None:
    """Copy some points of each curve, some sample grids and all events."""
    target.append(curves={key: thinned(curve) for key, curve in source.read_scalars().items()})
    for kind in source.image_kinds():
        steps_kept = source.image_steps(kind)
        chosen = sorted({steps_kept[i] for i in np.linspace(0, len(steps_kept) - 1, MAX_GRIDS).round().astype(int)})
        target.append(images=[ImageGrid(step, kind, source.read_images(step, kind)) for step in chosen])
    target.append(events=source.read_events())


def thinned(curve: Curve) -> Curve:
    """At most ``MAX_POINTS`` points of a curve, evenly spaced, and its lowest one."""
    steps, values = curve
    if len(steps) <= MAX_POINTS:
        return curve
    even = np.linspace(0, len(steps) - 1, MAX_POINTS).round().astype(int)
    kept = np.union1d(even, [] if np.isnan(values).all() else [np.nanargmin(values)]).astype(int)
    return steps[kept], values[kept]
