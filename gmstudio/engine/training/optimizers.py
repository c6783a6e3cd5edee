"""Adam optimizers of the training phases: learning rate as a function of the step, state as flat arrays.

With weight decay they are AdamW's (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2): each update takes
α λ θ off the weights θ besides Adam's step, α the learning rate.
"""

import math
from typing import Any

import torch
from numpy.typing import NDArray

from gmstudio.families.base import Phase
from gmstudio.nn.plain_adam import PlainAdam
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


ADAM_NAMES = ("step", "exp_avg", "exp_avg_sq")
"""State of each parameter: updates made (a scalar), and the two moments, which have the parameter's shape."""
WEIGHTS_ONLY = "The checkpoint holds weights only: the optimizer begins with new state, and the noise is new."
"""Remark in the log of a run that is continued from such a checkpoint, for example a copy of an example."""
OTHER_DEVICE = "Continued on another device ({}), with new noise."
"""Remark in the log of a run that was trained on another kind of device, whose random numbers cannot be continued."""


class PhaseOptimizer:
    """Optimizer of the parameters of one phase.

    Args:
        phase: parameters, betas and learning-rate scale.
        training: learning rate, schedule, clipping, weight decay.
    """

    def __init__(self, phase: Phase, training: Training) -> None:
        self.phase = phase
        self._training = training
        self._varies = training.schedule != "constant" or training.warmup > 0
        self._rate_on_device: torch.Tensor | None = None
        rate = training.learning_rate * phase.learning_rate_scale
        self._adam = PlainAdam(
            phase.parameters,
            lr=rate,
            betas=phase.betas,
            weight_decay=training.weight_decay,
            decoupled_weight_decay=training.weight_decay > 0,
            fused=_can_fuse(phase),
        )

    def zero_grad(self) -> None:
        """Clear the gradients of the phase's parameters."""
        self._adam.zero_grad(set_to_none=True)

    def update(self, step: int, *, want_norm: bool) -> torch.Tensor | None:
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
        rate = learning_rate(self._training, step) * self.phase.learning_rate_scale
        if self._rate_on_device is not None:
            self._rate_on_device.fill_(rate)
            return
        for group in self._adam.param_groups:
            group["lr"] = rate

    def move(self, *, want_norm: bool) -> torch.Tensor | None:
        """Update like ``update``, at the learning rate that is set."""
        norm = None
        if self._training.grad_clip > 0:
            norm = torch.nn.utils.clip_grad_norm_(self.phase.parameters, self._training.grad_clip)
        elif want_norm:
            norm = torch.nn.utils.get_total_norm([p.grad for p in self.phase.parameters if p.grad is not None])
        self._adam.step()
        return norm

    def keep_rate_on_device(self) -> None:
        """Store the learning rate in a tensor on the device, from which a captured update reads it."""
        (group,) = self._adam.param_groups
        rate = torch.tensor(float(group["lr"]), dtype=torch.float32, device=self.phase.parameters[0].device)
        self._rate_on_device = group["lr"] = rate

    @property
    def capturable(self) -> bool:
        """``move`` is being captured in a graph, which Adam must take into account."""
        (group,) = self._adam.param_groups
        return bool(group["capturable"])

    @capturable.setter
    def capturable(self, value: bool) -> None:
        (group,) = self._adam.param_groups
        group["capturable"] = value

    def state_arrays(self) -> dict[str, NDArray[Any]]:
        """Return copies of Adam's moments as ``<phase>/<parameter index>/<name>`` → array."""
        return {
            f"{self.phase.name}/{index}/{name}": value.detach().to("cpu", copy=True).numpy()
            for index, state in self._adam.state_dict()["state"].items()
            for name, value in state.items()
        }

    def load_state_arrays(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Load what ``state_arrays`` returned; arrays of other phases are ignored.

        Raises:
            ValueError: when they are not those of this phase's parameters; nothing is loaded then. Adam's kernels do
                not look at shapes, and would read and write beyond an array that is too small.
        """
        state: dict[int, dict[str, torch.Tensor]] = {}
        for key, value in arrays.items():
            phase, _, rest = key.partition("/")
            if phase == self.phase.name:
                index, name = self._checked(key, rest, value)
                state.setdefault(index, {})[name] = torch.from_numpy(value)
        self._refuse_incomplete(state)
        self._adam.load_state_dict({"state": state, "param_groups": self._adam.state_dict()["param_groups"]})
        if self._rate_on_device is not None:  # ``load_state_dict`` made a copy of it
            self._adam.param_groups[0]["lr"] = self._rate_on_device

    def _checked(self, key: str, rest: str, value: NDArray[Any]) -> tuple[int, str]:
        """Return parameter index and name of an array, which has the shape that Adam expects."""
        index, _, name = rest.partition("/")
        parameters = self.phase.parameters
        if not (index.isascii() and index.isdecimal() and int(index) < len(parameters) and name in ADAM_NAMES):
            raise _unfit(f"{key} is unknown")
        shape = () if name == "step" else tuple(parameters[int(index)].shape)
        if value.shape != shape or value.dtype.kind != "f":
            raise _unfit(f"{key} is {value.dtype} {value.shape} instead of float {shape}")
        return int(index), name

    def _refuse_incomplete(self, state: dict[int, dict[str, torch.Tensor]]) -> None:
        for index, found in state.items():
            missing = [name for name in ADAM_NAMES if name not in found]
            if missing:
                raise _unfit(f"{self.phase.name}/{index} is without {', '.join(missing)}")


def _unfit(what: str) -> ValueError:
    return ValueError(
        f"The optimizer's state in the checkpoint is not that of this model: {what}. Open the run with the version "
        "that trained it, resume from another checkpoint, or train it again."
    )


def _can_fuse(phase: Phase) -> bool:
    return all(p.device.type in ("cpu", "cuda", "mps") and p.is_floating_point() for p in phase.parameters)
