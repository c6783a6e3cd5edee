"""Updates of training phases: forward, backward, Adam, one operation after another."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from gmstudio.engine.training.optimizers import PhaseOptimizer
from gmstudio.families.base import LossTerms, Phase
from gmstudio.protocol.training_settings import Training


class Outcome(NamedTuple):
    """Result of an update of a phase.

    Args:
        phase: the phase.
        terms: named 0-dim tensors on the device, without gradients, which later updates do not change.
        norm: norm of the gradient before clipping, 0-dim, if requested or computed for clipping.
    """

    phase: Phase
    terms: LossTerms
    norm: Tensor | None


class UpdateInput(NamedTuple):
    """Input of an update.

    Args:
        optimizers: optimizers of the phases to update, one after another.
        batch: (B, C, H, W) integers on the device.
        labels: (B,) int64 on the device, or None.
        step: steps made before, on which the learning rate depends.
        record: return the outcomes; otherwise none are returned.
        want_norm: measure the norms of the gradients too.
    """

    optimizers: Sequence[PhaseOptimizer]
    batch: Tensor
    labels: Tensor | None
    step: int
    record: bool
    want_norm: bool


class Updates(Protocol):
    """Interface of ``TrainStep`` and ``GraphedStep``."""

    def run(self, given: UpdateInput) -> list[Outcome]:
        """Update the phases on the batch."""


class Gradients(Protocol):
    """Interface of ``WholeBatch`` and ``PartedBatch``."""

    def add(self, phase: Phase, batch: Tensor, labels: Tensor | None) -> LossTerms:
        """Compute the loss of a batch, and add its gradients to those of the phase's parameters.

        Returns:
            Terms of the loss, 0-dim.
        """


class WholeBatch:
    """Gradients of batches that are computed whole.

    Args:
        generator: source of the losses' noise, on the model's device.
        training: training settings, for the precision.
    """

    def __init__(self, generator: torch.Generator, training: Training) -> None:
        self._generator = generator
        self._bf16 = training.precision == "bf16"

    def add(self, phase: Phase, batch: Tensor, labels: Tensor | None) -> LossTerms:
        """See ``Gradients``."""
        with torch.autocast(batch.device.type, dtype=torch.bfloat16) if self._bf16 else nullcontext():
            terms = phase_loss(phase, batch, self._generator, labels)
        terms["loss"].backward()
        return terms


class TrainStep:
    """Updates on any device.

    Args:
        optimizers: optimizers of all phases of the model.
        gradients: computes losses and gradients.
    """

    def __init__(self, optimizers: Sequence[PhaseOptimizer], gradients: Gradients) -> None:
        self._optimizers = optimizers
        self._gradients = gradients

    def run(self, given: UpdateInput) -> list[Outcome]:
        """See ``Updates``."""
        for optimizer in given.optimizers:
            optimizer.set_rate(given.step)
        outcomes = self.update(given)
        return outcomes if given.record else []

    def update(self, given: UpdateInput) -> list[Outcome]:
        """Update like ``run``, at the learning rates that are set; a graph can capture this."""
        return [self._update(optimizer, given) for optimizer in given.optimizers]

    def _update(self, optimizer: PhaseOptimizer, given: UpdateInput) -> Outcome:
        phase = optimizer.phase
        self._require_grad_of(phase)
        optimizer.zero_grad()
        terms = self._gradients.add(phase, given.batch, given.labels)
        norm = optimizer.move(want_norm=given.want_norm)
        if phase.after_update is not None:
            phase.after_update()
        detached = {name: value.detach() if value.requires_grad else value for name, value in terms.items()}
        return Outcome(phase, detached, norm.detach() if norm is not None else None)

    def _require_grad_of(self, phase: Phase) -> None:
        if len(self._optimizers) > 1:
            for other in self._optimizers:
                for parameter in other.phase.parameters:
                    parameter.requires_grad_(other.phase is phase)


def phase_loss(phase: Phase, batch: Tensor, generator: torch.Generator, labels: Tensor | None) -> LossTerms:
    """Compute the loss terms of a phase, conditioned on labels if there are any and the phase takes them."""
    if labels is None or not phase.takes_labels:
        return phase.loss(batch, generator)
    return phase.loss(batch, generator, labels)
