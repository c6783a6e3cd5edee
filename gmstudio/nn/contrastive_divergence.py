r"""The gradient that trains a restricted Boltzmann machine, in closed form: no graph is recorded.

With images x of the data and x̃ of the model, L = E[F(x)] - E[F(x̃)] + penalties has the gradients

    ∂L/∂W = E[φ(x̃) p(h|x̃)ᵀ] - E[φ(x) p(h|x)ᵀ],    ∂L/∂c = E[p(h|x̃)] - E[p(h|x)],    ∂L/∂b = E[counts(x̃)] - E[counts(x)],

and those of the penalties: λ/2 ‖W‖² of the weights, and the cross-entropy between the wanted and each hidden unit's
mean activity over the batch.

Source: Hinton, Training Products of Experts by Minimizing Contrastive Divergence, Neural Computation 14, 2002; A
Practical Guide to Training Restricted Boltzmann Machines, 2010, sections 10 and 11 (weight decay, sparsity).
Shapes: B batch, D sub-pixels, V visible statistics, J hidden units.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gmstudio.nn.restricted_boltzmann import RestrictedBoltzmann

MIN_RATE = 1e-4


class Statistics(NamedTuple):
    """Some images as a machine sees them.

    Args:
        states: (B, D).
        statistics: φ(x), (B, V).
        hidden: p(h = 1 | x), (B, J).
    """

    states: Tensor
    statistics: Tensor
    hidden: Tensor


class Penalties(NamedTuple):
    """What is added to the difference of free energies.

    Args:
        weight_decay: λ of λ/2 ‖W‖².
        sparsity_cost: weight of the hidden units' cross-entropies.
        sparsity_target: mean activity wanted of each.
    """

    weight_decay: float
    sparsity_cost: float
    sparsity_target: float

    def value(self, machine: RestrictedBoltzmann, probs_BJ: Tensor) -> Tensor | float:
        """Both of them, nats; 0-dim where there is one."""
        penalty: Tensor | float = 0.0
        if self.weight_decay:
            penalty = 0.5 * self.weight_decay * machine.weight_VH.square().sum()
        if self.sparsity_cost:
            q_J = _activity(probs_BJ)
            entropy_J = -self.sparsity_target * torch.log(q_J) - (1.0 - self.sparsity_target) * torch.log1p(-q_J)
            penalty = penalty + self.sparsity_cost * entropy_J.sum()
        return penalty

    def sparsity_push(self, probs_BJ: Tensor) -> Tensor | float:
        """Gradient of the cross-entropies with respect to the data's hidden activations: (B, J)."""
        if not self.sparsity_cost:
            return 0.0
        q_J = _activity(probs_BJ)
        slope_J = (q_J - self.sparsity_target) / (q_J * (1.0 - q_J))
        return self.sparsity_cost / len(probs_BJ) * slope_J * probs_BJ * (1.0 - probs_BJ)


def free_energy_gradients(
    machine: RestrictedBoltzmann, data: Statistics, model: Statistics, penalties: Penalties
) -> tuple[Tensor, Tensor, Tensor]:
    """∂L/∂W, ∂L/∂c and ∂L/∂b: statistics under the model's images minus those under the data, and the penalties'."""
    push_BJ = penalties.sparsity_push(data.hidden) - data.hidden / len(data.hidden)
    hidden_NJ = torch.cat([push_BJ, model.hidden / len(model.hidden)])
    weight_VJ = torch.cat([data.statistics, model.statistics]).T @ hidden_NJ
    if penalties.weight_decay:
        weight_VJ += penalties.weight_decay * machine.weight_VH
    counts = machine.units.mean_counts
    return weight_VJ, hidden_NJ.sum(0), counts(model.states) - counts(data.states)


def _activity(probs_BJ: Tensor) -> Tensor:
    """(J,) mean activity over the batch, kept away from 0 and 1."""
    return probs_BJ.mean(0).clamp(MIN_RATE, 1.0 - MIN_RATE)


class _KnownGradients(torch.autograd.Function):
    """A number whose gradients with respect to some parameters are known already."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, count: int, *tensors: Tensor) -> Tensor:
        ctx.count = count
        ctx.save_for_backward(*tensors[count:])
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> Any:
        (scale,) = outputs
        return (None, None, *(scale * gradient for gradient in ctx.saved_tensors), *[None] * ctx.count)


def with_gradients(value: Tensor, parameters: Sequence[Tensor], gradients: Sequence[Tensor]) -> Tensor:
    """``value`` (0-dim), whose backward pass hands each parameter the gradient that is given for it.

    So a gradient that has a closed form costs no graph.
    """
    result: Tensor = _KnownGradients.apply(value, len(parameters), *parameters, *gradients)  # type: ignore[no-untyped-call]
    return result
