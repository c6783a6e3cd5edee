"""Check that the loss of a batch is the weighted mean of its parts' losses, by computing both for a few images.

Losses that are none say so (``Phase.couples``). Others are caught here: those that standardize by the batch, draw noise
that is not the generator's, or compare images of a batch with one another.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from gmstudio.data.dataset import Dataset
from gmstudio.engine.training.part_noise import Cut, Draw, DrawRecorder, PartNoise, UncutNoiseError, cuts_of
from gmstudio.engine.training.step import phase_loss
from gmstudio.families.base import Family
from gmstudio.nn.batch_part import BatchPart, computing

EXAMPLES = 5
TOLERANCE = 1e-3
"""Relative to the largest entry; float32 sums in another order differ by far less, other losses by far more."""
MOVED = 0.1
"""Standard deviation of the noise that is added to the weights: initial ones may hide a difference."""


@dataclass(frozen=True)
class PhaseParts:
    """Computation of a phase's loss in parts.

    Args:
        cuts: of its draws; None: they cannot be cut, and each part has noise of its own.
        buffers: names of the model's buffers that its loss changes.
        no_means: terms that are no means over images, so that theirs of a batch is not that of its parts.
        unused: there are parameters that get no gradient.
        reason: why the gradient of a batch is not that of its parts, a phrase; empty: it is.
    """

    cuts: tuple[Cut, ...] | None
    buffers: tuple[str, ...]
    no_means: tuple[str, ...]
    unused: bool
    reason: str


@dataclass(frozen=True, eq=False)
class Examples:
    """A few training images.

    Args:
        images: (n, C, H, W) levels.
        labels: (n,) int64, or None.
    """

    images: Tensor
    labels: Tensor | None


def examples_of(dataset: Dataset, batch_size: int, device: torch.device) -> Examples:
    """Return the first training images as levels, at most a batch of them."""
    few = slice(min(EXAMPLES, batch_size))
    images = torch.from_numpy(dataset.train.images[few].copy()).to(device)
    if dataset.resample:
        images = (images > 127).to(images.dtype)
    labels = dataset.train.labels
    return Examples(images, None if labels is None else torch.from_numpy(labels[few].copy()).to(device))


def check_parts(model: Family, examples: Examples) -> dict[str, PhaseParts]:
    """Examine all phases of a model, which stays as it is; the result is by the phases' names."""
    with torch.random.fork_rng(devices=[]):
        return {phase.name: _check_phase(model, index, examples) for index, phase in enumerate(model.phases())}


@dataclass
class _Result:
    """Terms, gradients and buffers after the loss of a batch, or their weighted means over parts."""

    terms: dict[str, Tensor]
    gradients: dict[int, Tensor]
    buffers: dict[str, Tensor]


def _check_phase(model: Family, index: int, examples: Examples) -> PhaseParts:
    """Compare the loss of all examples with those of two parts."""
    phase, total = model.phases()[index], len(examples.images)
    parts = (BatchPart(0, total - total // 2, examples.images), BatchPart(total - total // 2, total, examples.images))
    whole, draws = _recorded(model, index, BatchPart(0, total, examples.images), examples)
    changed = tuple(name for name, value in model.named_buffers() if not torch.equal(value, whole.buffers[name]))
    unused = len(whole.gradients) < len(phase.parameters)
    _, of_fewer = _recorded(model, index, BatchPart(0, parts[0].size, parts[0].images[: parts[0].size]), examples)
    try:
        cuts = cuts_of(of_fewer, draws, (parts[0].size, total))
        generator, drawn = _seeded(model), list[Tensor]()
        found = _computed(
            model, index, parts, examples, generator, lambda part: PartNoise(generator, cuts, part, drawn)
        )
    except UncutNoiseError as error:
        return PhaseParts(None, changed, tuple(whole.terms), unused, phase.couples or str(error))
    no_means = tuple(name for name, value in whole.terms.items() if not _close(value, found.terms[name]))
    return PhaseParts(cuts, changed, no_means, unused, phase.couples or _difference(whole, found))


def _difference(whole: "_Result", found: "_Result") -> str:
    """Phrase on how a batch differs from its parts; empty where it does not."""
    if not _all_close(whole.gradients, found.gradients):
        return "its gradient is no mean over the images of a batch"
    others = [name for name, value in whole.buffers.items() if not _close(value, found.buffers[name])]
    return f"{', '.join(others)} of a batch are no means over its images" if others else ""


def _recorded(model: Family, index: int, batch: BatchPart, examples: Examples) -> "tuple[_Result, list[Draw]]":
    """Compute the loss of a batch, and record its draws."""
    generator = _seeded(model)
    recorder = DrawRecorder(generator)
    return _computed(model, index, (batch,), examples, generator, lambda _: recorder), recorder.draws


def _computed(
    model: Family,
    index: int,
    parts: Sequence[BatchPart],
    examples: Examples,
    generator: torch.Generator,
    mode: Callable[[BatchPart], TorchFunctionMode],
) -> _Result:
    """Compute losses and gradients of parts with a copy of the model, whose buffers begin anew for each part."""
    copied = _moved(model)
    phase = copied.phases()[index]
    for other in copied.phases():
        for parameter in other.parameters:
            parameter.requires_grad_(other.name == phase.name)
    start = {name: value.clone() for name, value in copied.named_buffers()}
    result = _Result({}, {}, {})
    for part in parts:
        for name, value in copied.named_buffers():
            value.copy_(start[name])
        rows = slice(part.start, part.stop)
        labels = None if examples.labels is None else examples.labels[rows]
        with computing(part), mode(part):
            terms = phase_loss(phase, part.images[rows], generator, labels)
        (terms["loss"] * part.weight).backward()
        _add(result.terms, {name: value.detach() for name, value in terms.items()}, part.weight)
        _add(result.buffers, dict(copied.named_buffers()), part.weight)
    result.gradients = {i: p.grad for i, p in enumerate(phase.parameters) if p.grad is not None}
    return result


def _add(sums: dict[str, Tensor], values: dict[str, Tensor], weight: float) -> None:
    """Add to weighted means; of whole numbers, which all parts have the same, the last one is kept."""
    for name, value in values.items():
        if not value.is_floating_point():
            sums[name] = value.clone()
        else:
            weighted: Tensor = value * weight
            sums[name] = sums[name] + weighted if name in sums else weighted


def _moved(model: Family) -> Family:
    """Copy a model, with noise on its weights, ready to train."""
    copied = copy.deepcopy(model).train()
    noise = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in copied.parameters():
            if parameter.is_floating_point():
                parameter.add_(torch.randn(parameter.shape, generator=noise).to(parameter), alpha=MOVED)
    return copied


def _seeded(model: nn.Module) -> torch.Generator:
    return torch.Generator(next(model.parameters()).device).manual_seed(0)


def _all_close(expected: dict[int, Tensor], found: dict[int, Tensor]) -> bool:
    return expected.keys() == found.keys() and all(_close(value, found[key]) for key, value in expected.items())


def _close(expected: Tensor, found: Tensor) -> bool:
    if not expected.is_floating_point():
        return torch.equal(expected, found)
    scale = max(float(expected.abs().amax()) if expected.numel() else 0.0, 1e-6)
    return bool(((expected - found).abs() <= TOLERANCE * scale + 1e-6).all())


def reasons(checks: Mapping[str, PhaseParts]) -> str:
    """Reasons why phases are not computed in parts exactly, each once; empty where all are."""
    return "; ".join(dict.fromkeys(check.reason for check in checks.values() if check.reason))
