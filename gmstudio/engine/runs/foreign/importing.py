"""Import of weights as a run at step 0: all arrays are checked before anything is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import msgspec
import torch
from numpy.typing import NDArray

from gmstudio.engine.runs.foreign.mapping import Misfit, Shape, WeightMap, misfit_of, same_names
from gmstudio.engine.runs.foreign.reading import ForeignWeights, ForeignWeightsError, digest_of
from gmstudio.engine.runtime.beside import beside
from gmstudio.engine.runtime.building import build_model, meta_model, note_labels
from gmstudio.engine.training.plan import Plan
from gmstudio.families.base import Family
from gmstudio.runs.checkpoints import WEIGHTS
from gmstudio.runs.folder import RunFolder
from gmstudio.runs.history import FOREIGN
from gmstudio.runs.record import RunRecord

CPU = torch.device("cpu")
Arrays = dict[str, NDArray[Any]]
Constants = tuple[frozenset[str], dict[str, str]]


class MisfitError(ForeignWeightsError):
    """Arrays that do not fill a model exactly.

    Args:
        sentence: the file, and the remedy.
        misfit: all differences.
    """

    def __init__(self, sentence: str, misfit: Misfit) -> None:
        self.sentence, self.misfit = sentence, misfit
        super().__init__(f"{sentence} {'; '.join(misfit.lines())}.")


@dataclass(frozen=True)
class WeightImport:
    """Weights to be imported.

    Args:
        weights: the opened file.
        mapping: of its names; None: they are the model's own.
        plan: settings of the run.
    """

    weights: ForeignWeights
    mapping: WeightMap | None
    plan: Plan

    def shapes(self) -> dict[str, Shape]:
        """Names and shapes of the model's arrays."""
        return shapes_of(self.plan)

    def check(self) -> WeightMap:
        """Return the mapping, which fills the whole model and uses the whole file.

        Raises:
            ForeignWeightsError: lists all that is missing, left over or of another shape.
        """
        ours = self.shapes()
        mapping = self.mapping or same_names(self.weights.shapes, ours)
        misfit = misfit_of(mapping, self.weights.shapes, ours)
        if misfit:
            remedy = "Correct the mapping" if self.mapping else "Map its names (a proposal is made by shapes and names)"
            raise MisfitError(
                f"{self.weights.path} does not fill this {self.plan.family.card.title}, so nothing was imported. "
                f"{remedy}, or change the settings of the family.",
                misfit,
            )
        return mapping


def shapes_of(plan: Plan) -> dict[str, Shape]:
    """Names and shapes of the arrays of the model that a plan describes."""
    return {name: tuple(value.shape) for name, value in _meta(plan).state_dict().items()}


def constants_of(plan: Plan) -> Constants:
    """Names of the arrays of that model which no training step changes.

    Returns:
        All of them; and those that begin as copies of trained arrays, such as averages of weights → of which.
    """
    model = build_model(plan.family, plan.config, plan.record.image, CPU, plan.training.seed)
    trained = {name for name, value in model.named_parameters(remove_duplicate=False) if value.requires_grad}
    values = model.state_dict()
    constants, copies = frozenset(values) - trained, dict[str, str]()
    for name in constants:
        alike = [other for other in trained if _is_copy(name, values[name], other, values[other])]
        if alike:
            copies[name] = max(alike, key=lambda other: _common_end(name, other))
    return constants, copies


def _is_copy(name: str, value: torch.Tensor, other: str, trained: torch.Tensor) -> bool:
    """Test for equal values and an equal last part of the names."""
    return name.rpartition(".")[2] == other.rpartition(".")[2] and torch.equal(value, trained)


def _common_end(first: str, second: str) -> int:
    """Number of parts in which two dotted names agree, from the end."""
    pairs = zip(reversed(first.split(".")), reversed(second.split(".")), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _meta(plan: Plan) -> Family:
    return meta_model(plan.family, plan.config, plan.record.image)


def import_pieces(wanted: WeightImport, folder: Path) -> Iterator[float]:
    """Make a run of the weights, yielding the share that is done after each array.

    Args:
        wanted: the weights.
        folder: of the new run.

    Raises:
        ForeignWeightsError: when they do not fit, or a value is not finite; nothing is written then.
        RunError: when the run cannot be written.
    """
    mapping = wanted.check()
    plan = wanted.plan
    model = build_model(plan.family, plan.config, plan.record.image, CPU, plan.training.seed)
    note_labels(model, plan.dataset.train_labels)
    for done, name in enumerate(mapping.rules, 1):
        _fill(model, wanted.weights, mapping, name)
        yield 0.9 * done / len(mapping.rules)
    arrays = {name: value.detach().numpy() for name, value in model.state_dict().items()}
    for _ in beside(lambda: _write(folder, wanted, arrays, len(mapping.rules))):
        yield 0.9
    yield 1.0


@torch.no_grad()
def _fill(model: Family, weights: ForeignWeights, mapping: WeightMap, name: str) -> None:
    """Copy one of their arrays into the model, in the model's number format."""
    rule, array = mapping.rules[name], weights.load(name)
    if array.is_floating_point() and not bool(torch.isfinite(array).all()):
        raise ForeignWeightsError(f"{weights.path}: {name} has values that are not finite, so nothing was imported.")
    if rule.transpose:
        array = array.permute(rule.transpose)
    if rule.reshape:
        array = array.reshape(rule.reshape)
    ours = model.state_dict()
    for target in rule.to:
        if array.is_complex() or (array.is_floating_point() and not ours[target].is_floating_point()):
            raise ForeignWeightsError(
                f"{weights.path}: {name} is {array.dtype}, and {target} is {ours[target].dtype}; nothing was imported."
            )
        ours[target].copy_(array)


def _write(folder: Path, wanted: WeightImport, arrays: Arrays, count: int) -> None:
    path, dataset = wanted.weights.path, wanted.plan.dataset
    text = f"Weights of {path.name} ({count} arrays, SHA-256 {digest_of(path)}), which another program trained."
    with RunFolder.create(folder, _record(wanted)) as run:
        run.checkpoints.save(0, {WEIGHTS: arrays}, {"step": 0, "seed": wanted.plan.training.seed})
        run.history.log(0, FOREIGN, text)
        run.update(status="stopped", fingerprint=dataset.fingerprint)


def _record(wanted: WeightImport) -> RunRecord:
    return msgspec.structs.replace(wanted.plan.record, title=wanted.weights.path.stem)
