"""One Adam per training phase, its learning rate as a function of the step, and its state as flat arrays."""

import math
from typing import Any

import torch
from numpy.typing import NDArray

from gmstudio.cards import Training
from gmstudio.families.base import Phase


def learning_rate(training: Training, step: int) -> float:
    """The learning rate of the step after ``step`` updates: linear warm-up, then constant or a half cosine to zero."""
    rate = training.learning_rate
    if training.warmup:
        rate *= min(1.0, (step + 1) / training.warmup)
    if training.schedule == "cosine":
        rate *= 0.5 * (1.0 + math.cos(math.pi * min(1.0, step / training.steps)))
    return rate


class PhaseOptimizer:
    """Moves the parameters of one phase.

    Args:
        phase: its parameters, betas and learning-rate scale.
        training: learning rate, schedule, clipping.
    """

    def __init__(self, phase: Phase, training: Training) -> None:
        self.phase = phase
        self._training = training
        self._varies = training.schedule != "constant" or training.warmup > 0
        rate = training.learning_rate * phase.learning_rate_scale
        self._adam = torch.optim.Adam(phase.parameters, lr=rate, betas=phase.betas, fused=_can_fuse(phase))

    def zero_grad(self) -> None:
        """Forget the gradients of this phase's parameters."""
        self._adam.zero_grad(set_to_none=True)

    def update(self, step: int, *, want_norm: bool) -> torch.Tensor | None:
        """Clip where asked for and update.

        Returns:
            The gradient's norm before clipping (0-dim), when wanted or needed.
        """
        if self._varies:
            rate = learning_rate(self._training, step) * self.phase.learning_rate_scale
            for group in self._adam.param_groups:
                group["lr"] = rate
        norm = None
        if self._training.grad_clip > 0:
            norm = torch.nn.utils.clip_grad_norm_(self.phase.parameters, self._training.grad_clip)
        elif want_norm:
            norm = torch.nn.utils.get_total_norm([p.grad for p in self.phase.parameters if p.grad is not None])
        self._adam.step()
        return norm

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """Adam's moments as ``<phase>/<parameter index>/<name>`` → array."""
        return {
            f"{self.phase.name}/{index}/{name}": value.detach().cpu().numpy()
            for index, state in self._adam.state_dict()["state"].items()
            for name, value in state.items()
        }

    def load_state_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take back what ``state_arrays`` gave; arrays of other phases are left alone."""
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in arrays.items():
            phase, index, name = key.split("/")
            if phase == self.phase.name:
                state.setdefault(int(index), {})[name] = torch.from_numpy(value)
        self._adam.load_state_dict({"state": state, "param_groups": self._adam.state_dict()["param_groups"]})


def _can_fuse(phase: Phase) -> bool:
    return all(p.device.type in ("cpu", "cuda", "mps") and p.is_floating_point() for p in phase.parameters)
