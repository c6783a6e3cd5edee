"""Gradients of batches that are computed in parts: one after another, or each rank its share.

Each update is that of the whole batch, to the rounding of floats: losses are weighted by the sizes of the parts, noise
is drawn for the whole batch and cut, and buffers that the loss changes, such as running frequencies, get the weighted
mean of what the parts make of them.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from itertools import pairwise

import torch
from torch import Tensor, nn

from gmstudio.engine.training.distributed import Ranks
from gmstudio.engine.training.part_check import PhaseParts
from gmstudio.engine.training.part_noise import PartNoise
from gmstudio.engine.training.step import phase_loss
from gmstudio.families.base import Family, LossTerms, Phase
from gmstudio.nn.batch_part import BatchPart, computing
from gmstudio.protocol.training_settings import Training


class PhaseLoss(nn.Module):
    """Loss of a phase as a module, whose ``forward`` torch's ``DistributedDataParallel`` can wrap.

    Args:
        phase: the phase; its parameters are the module's, and no others.
        generator: source of the noise.
    """

    def __init__(self, phase: Phase, generator: torch.Generator) -> None:
        super().__init__()
        self.moved = nn.ParameterList(phase.parameters)
        self._phase, self._generator = phase, generator

    def forward(self, batch: Tensor, labels: Tensor | None) -> LossTerms:
        """Terms of the loss, 0-dim."""
        return phase_loss(self._phase, batch, self._generator, labels)


class PartedBatch:
    """Gradients of batches that are computed in parts.

    Args:
        model: the model, on its device.
        checks: of its phases, by their names.
        generator: source of the losses' noise, in the same state on all ranks.
        training: settings, for the precision and the number of parts.
        ranks: processes that share each batch; None: there is this one alone.
    """

    def __init__(
        self,
        model: Family,
        checks: Mapping[str, PhaseParts],
        generator: torch.Generator,
        training: Training,
        ranks: Ranks | None,
    ) -> None:
        self._checks, self._generator, self._ranks = checks, generator, ranks
        self._buffers = dict(model.named_buffers())
        self._accumulate = training.accumulate
        self._bf16 = training.precision == "bf16"
        self._losses: dict[str, nn.Module] = {}

    def add(self, phase: Phase, batch: Tensor, labels: Tensor | None) -> LossTerms:
        """See ``step.Gradients``."""
        loss, check = self._loss_of(phase), self._checks[phase.name]
        changed = [self._buffers[name] for name in check.buffers] if check.cuts is not None else []
        before = [buffer.clone() for buffer in changed]
        means = [torch.zeros_like(buffer) for buffer in changed]
        terms: LossTerms = {}
        drawn: list[Tensor] = []
        parts = list(self._parts(batch))
        for number, part in enumerate(parts, 1):
            for buffer, value in zip(changed, before, strict=True):
                buffer.copy_(value)
            noise = self._noise(check, part, drawn)
            with self._exchange(loss, last=number == len(parts)):
                found = self._part(loss, part, labels, noise)
            for name, value in found.items():
                terms[name] = terms.get(name, 0.0) + part.weight * value.detach().float()
            for mean, buffer in zip(means, changed, strict=True):
                _add(mean, buffer, part.weight)
        self._gather([*terms.values(), *(mean for mean in means if mean.is_floating_point())])
        for buffer, mean in zip(changed, means, strict=True):
            buffer.copy_(mean)
        return terms

    def _part(
        self, loss: nn.Module, part: BatchPart, labels: Tensor | None, noise: AbstractContextManager[object]
    ) -> LossTerms:
        """Compute the loss of a part, and add its gradients, weighted."""
        rows = slice(part.start, part.stop)
        precision = torch.autocast(part.images.device.type, dtype=torch.bfloat16, enabled=self._bf16)
        with computing(part), noise, precision:
            terms: LossTerms = loss(part.images[rows], None if labels is None else labels[rows])
        size = 1 if self._ranks is None else self._ranks.size  # by which gradients are divided
        (terms["loss"] * (part.weight * size)).backward()
        return terms

    def _parts(self, batch: Tensor) -> Iterator[BatchPart]:
        """Parts of this process, one or more."""
        start, stop = (0, len(batch)) if self._ranks is None else self._ranks.share(len(batch))
        count = min(self._accumulate, stop - start)
        edges = [start + (stop - start) * i // count for i in range(count + 1)]
        for first, after in pairwise(edges):
            yield BatchPart(first, after, batch)

    def _noise(self, check: PhaseParts, part: BatchPart, drawn: list[Tensor]) -> AbstractContextManager[object]:
        if check.cuts is None:
            return contextlib.nullcontext()
        return PartNoise(self._generator, check.cuts, part, drawn)

    def _loss_of(self, phase: Phase) -> nn.Module:
        """Return the module of a phase's loss; it is made at the first use, by all ranks at the same time."""
        if phase.name not in self._losses:
            loss = PhaseLoss(phase, self._generator)
            unused = self._checks[phase.name].unused
            self._losses[phase.name] = loss if self._ranks is None else self._ranks.parallel(loss, unused=unused)
        return self._losses[phase.name]

    def _exchange(self, loss: nn.Module, *, last: bool) -> AbstractContextManager[object]:
        """Context in which gradients are averaged over the ranks, which the last part does for all."""
        without: Callable[[], AbstractContextManager[object]] | None = getattr(loss, "no_sync", None)
        return contextlib.nullcontext() if last or without is None else without()

    def _gather(self, values: list[Tensor]) -> None:
        if self._ranks is not None:
            self._ranks.add_up(values)


def _add(mean: Tensor, value: Tensor, weight: float) -> None:
    """Add to a weighted mean; of whole numbers, which all parts have the same, the last one is kept."""
    if mean.is_floating_point():
        mean.add_(value, alpha=weight)
    else:
        mean.copy_(value)
