"""Optimizers of the training phases: Adam, or SOAP for matrices between features and Adam for the rest.

Weight decay is decoupled as in AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2): each update takes
α λ θ off the weights θ besides the optimizer's step, α its learning rate.
"""

import math
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.engine.training.distributed import Ranks
from gmstudio.engine.training.optimizer_state import Arrays, States, as_arrays, from_arrays
from gmstudio.families.base import Phase
from gmstudio.nn.plain_adam import PlainAdam
from gmstudio.nn.soap import Soap, is_inner_matrix
from gmstudio.protocol.training_settings import Training


def learning_rate(training: Training, step: int) -> float:
    """Learning rate after ``step`` updates: linear warm-up, then constant or a half cosine to zero."""
    rate = training.learning_rate
    if training.warmup:
        rate *= min(1.0, (step + 1) / training.warmup)
    if training.schedule == "cosine":
        start = min(training.decay_from, training.steps - 1)
        share = min(1.0, max(0, step - start) / (training.steps - start))
        rate *= 0.5 * (1.0 + math.cos(math.pi * share))
    return rate


WEIGHTS_ONLY = "The checkpoint holds weights only: the optimizer begins with new state, and the noise is new."
"""Remark in the log of a run that is continued from such a checkpoint, for example a copy of an example."""
OTHER_OPTIMIZER = "Weight matrices with another optimizer than before, whose state is new: {}."
"""Remark in the log of a run whose optimizer was changed."""
OTHER_DEVICE = "Continued on another device ({}), with new noise."
"""Remark in the log of a run that was trained on another kind of device, whose random numbers cannot be continued."""


class PhaseOptimizer:
    """Optimizer of the parameters of one phase.

    Args:
        phase: parameters, betas and learning-rate scale.
        training: optimizer, learning rates, schedule, clipping, penalty, weight decay.
        ranks: processes that make the same updates; None: there is this one alone.
    """

    def __init__(self, phase: Phase, training: Training, ranks: Ranks | None = None) -> None:
        self.phase = phase
        self._training, self._ranks = training, ranks
        self._varies = training.schedule != "constant" or training.warmup > 0
        self._rate_on_device: Tensor | None = None
        self._rate = training.learning_rate * phase.learning_rate_scale
        parameters = phase.parameters
        soap = training.optimizer == "soap"
        self._soap_at = [index for index, p in enumerate(parameters) if soap and is_inner_matrix(p)]
        self._adam_at = [index for index in range(len(parameters)) if index not in self._soap_at]
        self._inner = [parameters[index].detach() for index in self._soap_at]
        self._soap = Soap([parameters[index] for index in self._soap_at], training.weight_decay)
        self._adam = _adam(phase, self._adam_at, training) if self._adam_at else None
        left = {id(parameter) for parameter in phase.entrywise}
        self._penalized = [p for p in parameters if p.dim() > 1 and id(p) not in left] if training.penalty else []

    @property
    def rate(self) -> float:
        """Adam's learning rate that is set; SOAP's is proportional to it."""
        return self._rate

    @property
    def uses_soap(self) -> bool:
        """Some of the parameters are updated by SOAP."""
        return bool(self._soap_at)

    def zero_grad(self) -> None:
        """Clear the gradients of the phase's parameters; the next backward pass writes them anew."""
        for parameter in self.phase.parameters:
            parameter.grad = None

    def update(self, step: int, *, want_norm: bool) -> Tensor | None:
        """Clip if set and update, at the learning rate after ``step`` updates.

        Returns:
            Norm of the gradient before clipping (0-dim), if requested or computed for clipping.
        """
        self.set_rate(step)
        return self.move(want_norm=want_norm)

    def set_rate(self, step: int) -> None:
        """Set the learning rate that applies after ``step`` updates."""
        if not self._varies:
            return
        self._rate = learning_rate(self._training, step) * self.phase.learning_rate_scale
        if self._rate_on_device is not None:
            self._rate_on_device.fill_(self._rate)
        elif self._adam is not None:
            for group in self._adam.param_groups:
                group["lr"] = self._rate

    def move(self, *, want_norm: bool) -> Tensor | None:
        """Update like ``update``, at the learning rate that is set."""
        if self._penalized:
            self._add_penalty()
        norm = None
        if self._training.grad_clip > 0:
            norm = torch.nn.utils.clip_grad_norm_(self.phase.parameters, self._training.grad_clip)
        elif want_norm:
            norm = torch.nn.utils.get_total_norm([p.grad for p in self.phase.parameters if p.grad is not None])
        if self._adam is not None:
            self._adam.step()
        if self._soap_at:
            self._move_by_soap()
        return norm

    def _move_by_soap(self) -> None:
        """Update by SOAP; of several processes rank 0 does, since decompositions differ from machine to machine."""
        if self._ranks is None or self._ranks.rank == 0:
            soap_rate = self._training.soap_rate or self._training.learning_rate
            self._soap.update(soap_rate / self._training.learning_rate * self._rate)
        if self._ranks is not None:
            self._ranks.copy_first(self._inner)

    @torch.no_grad()
    def _add_penalty(self) -> None:
        """Add the gradient of λ Σ |W| over the matrices W."""
        for matrix in self._penalized:
            if matrix.grad is not None:
                matrix.grad.add_(matrix.sign(), alpha=self._training.penalty)

    def keep_rate_on_device(self) -> None:
        """Store the learning rate in a tensor on the device, from which a captured update reads it."""
        assert self._adam is not None and not self._soap_at, "SOAP is not captured"
        (group,) = self._adam.param_groups
        rate = torch.tensor(float(group["lr"]), dtype=torch.float32, device=self.phase.parameters[0].device)
        self._rate_on_device = group["lr"] = rate

    @property
    def capturable(self) -> bool:
        """``move`` is being captured in a graph, which Adam must take into account."""
        return self._adam is not None and bool(self._adam.param_groups[0]["capturable"])

    @capturable.setter
    def capturable(self, value: bool) -> None:
        assert self._adam is not None
        (group,) = self._adam.param_groups
        group["capturable"] = value

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """Return copies of the optimizers' state as ``<phase>/<parameter index>/<name>`` → array."""
        adam = {} if self._adam is None else self._adam.state_dict()["state"]
        states: States = {self._adam_at[number]: state for number, state in adam.items()}
        for number, index in enumerate(self._soap_at):
            if state := self._soap.state(number):
                states[index] = state
        return as_arrays(self.phase.name, dict(sorted(states.items())))

    def load_state_arrays(self, arrays: Arrays) -> int:
        """Load what ``state_arrays`` returned; arrays of other phases are ignored.

        Returns:
            Number of parameters that begin with new state, since another optimizer updated them.

        Raises:
            ValueError: when they are not those of this phase's parameters; nothing is loaded then.
        """
        states = from_arrays(self.phase.name, self.phase.parameters, self._soap_at, arrays)
        given = {key.split("/")[1] for key in arrays if key.startswith(f"{self.phase.name}/")}
        if self._adam is not None:
            adam = {number: states[index] for number, index in enumerate(self._adam_at) if index in states}
            self._adam.load_state_dict({"state": adam, "param_groups": self._adam.state_dict()["param_groups"]})
            if self._rate_on_device is not None:  # ``load_state_dict`` made a copy of it
                self._adam.param_groups[0]["lr"] = self._rate_on_device
        for number, index in enumerate(self._soap_at):
            if index in states:
                self._soap.load_state(number, states[index])
        return len(given) - len(states)


def _adam(phase: Phase, indices: list[int], training: Training) -> PlainAdam:
    return PlainAdam(
        [phase.parameters[index] for index in indices],
        lr=training.learning_rate * phase.learning_rate_scale,
        betas=phase.betas,
        weight_decay=training.weight_decay,
        decoupled_weight_decay=training.weight_decay > 0,
        fused=_can_fuse(phase),
    )


def _can_fuse(phase: Phase) -> bool:
    return all(p.device.type in ("cpu", "cuda", "mps") and p.is_floating_point() for p in phase.parameters)
