"""Adam without torch's compiler, and with little Python for each step.

The methods of torch's optimizers are wrapped for ``torch.compile``. The first call of any of them imports the compiler,
with SymPy and the distributed tensors: more than a second of processor time before the first update of a training,
which compiles nothing. Here the wrapped functions themselves are the methods.

Around each step torch also opens a section for its profiler, collects the state of all parameters anew and groups it by
device: 0.1 ms, where the update of 800,000 parameters takes 0.5. On the CPU a fused step here has its lists of tensors
from the one before, and calls the same kernel.
"""

import inspect
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor


class _Fused(NamedTuple):
    """Tensors that the kernel takes, of all parameters of a group."""

    parameters: list[Tensor]
    exp_avgs: list[Tensor]
    exp_avg_sqs: list[Tensor]
    steps: list[Tensor]

    def gradients(self) -> list[Tensor]:
        """Return the gradients of those parameters that have one."""
        return [parameter.grad for parameter in self.parameters if parameter.grad is not None]


class PlainAdam(torch.optim.Adam):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980), or AdamW with decoupled weight decay; arguments are torch's."""

    add_param_group: Any = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    state_dict: Any = inspect.unwrap(torch.optim.Optimizer.state_dict)
    _load_state_dict: Any = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    _any_step: Any = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))
    _fused: list[_Fused] | None = None
    """Of each group, after a first step that the kernel of the CPU has made."""

    def load_state_dict(self, state_dict: Any) -> None:
        """Replace the state by what ``state_dict`` returned."""
        self._fused = None
        self._load_state_dict(state_dict)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drop the gradients; the next backward pass writes them anew, which costs less than adding to zeros.

        Args:
            set_to_none: True; torch's other way is not offered.
        """
        assert set_to_none
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def _step(self) -> None:
        """Update all parameters that have gradients."""
        gradients = [lists.gradients() for lists in self._fused or ()]
        if self._fused is None or not all(map(_fits, gradients, self._fused, self.param_groups)):
            self._any_step()
            self._fused = self._lists()
            return
        with torch.no_grad():
            for found, lists, group in zip(gradients, self._fused, self.param_groups, strict=True):
                _update(found, lists, group)

    step: Any = _step

    def _lists(self) -> list[_Fused] | None:
        """Return the lists for the next steps; None where the kernel of the CPU does not make all of them."""
        if not self._is_plain:
            return None
        lists = []
        for group in self.param_groups:
            states = [self.state.get(parameter) for parameter in group["params"]]
            if not all(states):
                return None
            of = [[state[name] for state in states if state] for name in ("exp_avg", "exp_avg_sq", "step")]
            lists.append(_Fused(group["params"], *of))
        return lists

    @cached_property
    def _is_plain(self) -> bool:
        """One call of the CPU's kernel updates all parameters of a group."""
        return all(map(_has_one_kernel, self.param_groups))

    def _patch_step_function(self) -> None:
        """Leave out the profiler's sections and the hooks, which nothing here uses."""
        self._zero_grad_profile_name = "zero_grad"


def _has_one_kernel(group: dict[str, Any]) -> bool:
    if not group["fused"] or group["amsgrad"] or group["maximize"]:
        return False
    return {(p.device.type, p.dtype) for p in group["params"]} == {("cpu", group["params"][0].dtype)}


def _fits(gradients: list[Tensor], lists: _Fused, group: dict[str, Any]) -> bool:
    return len(gradients) == len(lists.parameters) and isinstance(group["lr"], float)


def _update(gradients: list[Tensor], lists: _Fused, group: dict[str, Any]) -> None:
    beta1, beta2 = group["betas"]
    torch._foreach_add_(lists.steps, 1)
    kernel = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
    kernel(
        lists.parameters,
        gradients,
        lists.exp_avgs,
        lists.exp_avg_sqs,
        [],
        lists.steps,
        amsgrad=False,
        lr=group["lr"],
        beta1=beta1,
        beta2=beta2,
        weight_decay=group["weight_decay"],
        eps=group["eps"],
        maximize=False,
    )
