"""Adam without the compiler: the numbers of torch's, and nothing that it need not import."""

import subprocess
import sys
from typing import Any

import pytest
import torch

from gmstudio.nn.plain_adam import PlainAdam

CHOICES: list[dict[str, Any]] = [
    {"lr": 1e-2},
    {"lr": 1e-2, "fused": True, "betas": (0.5, 0.9)},
    {"lr": 1e-2, "weight_decay": 0.1, "decoupled_weight_decay": True},
    {"lr": 1e-2, "weight_decay": 0.1, "decoupled_weight_decay": True, "fused": True},
    {"lr": 1e-2, "weight_decay": 0.1, "maximize": True, "fused": True},
]
TRAINS = """
import sys, torch
from gmstudio.nn.plain_adam import PlainAdam
weight = torch.nn.Parameter(torch.ones(3))
adam = PlainAdam([weight], lr=0.1, fused=True)
for _ in range(2):
    adam.zero_grad()
    weight.square().sum().backward()
    adam.step()
adam.load_state_dict(adam.state_dict())
print([name for name in ("torch._dynamo", "sympy", "torch.distributed.tensor") if name in sys.modules])
"""


def trained(kind: type[torch.optim.Adam], **choice: Any) -> tuple[torch.Tensor, dict[str, Any]]:
    """Weights after some steps, half of them by a second optimizer with the state of the first; its state."""
    weights = [torch.nn.Parameter(torch.linspace(-1, 1, 6).view(2, 3)), torch.nn.Parameter(torch.ones(3))]
    adam = kind(weights, **choice)
    for step in range(6):
        if step == 3:
            state = adam.state_dict()
            adam = kind(weights, **choice)
            adam.load_state_dict(state)
        adam.zero_grad()
        moved = weights[1] if step % 3 else 1.0  # some steps leave a weight without a gradient
        ((weights[0] * moved - step).square().mean() + weights[0].sin().sum()).backward()
        adam.step()
    return torch.cat([weight.detach().flatten() for weight in weights]), adam.state_dict()


@pytest.mark.parametrize("choice", CHOICES)
def test_it_is_torchs_to_the_bit(choice: dict[str, Any]) -> None:
    (found, state), (expected, other) = trained(PlainAdam, **choice), trained(torch.optim.Adam, **choice)
    assert torch.equal(found, expected)
    assert state["param_groups"] == other["param_groups"]
    for index, arrays in other["state"].items():
        assert all(torch.equal(state["state"][index][name], value) for name, value in arrays.items())


def test_gradients_are_not_recorded_in_a_step_and_are_afterwards() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    adam = PlainAdam([weight], lr=0.1)
    weight.sum().backward()
    adam.step()
    assert weight.requires_grad and weight.is_leaf and torch.is_grad_enabled()


def test_the_compiler_is_not_imported() -> None:
    done = subprocess.run([sys.executable, "-c", TRAINS], capture_output=True, text=True, timeout=100)
    assert done.stdout.strip() == "[]", done.stderr
