r"""Closed-form gradient of a restricted Boltzmann machine's training loss, without a recorded graph.

With images x of the data and x̃ of the model, L = E[F(x)] - E[F(x̃)] + penalties has the gradients

    ∂L/∂W = E[φ(x̃) p(h|x̃)ᵀ] - E[φ(x) p(h|x)ᵀ],    ∂L/∂c = E[p(h|x̃)] - E[p(h|x)],    ∂L/∂b = E[counts(x̃)] - E[counts(x)],

and those of the penalties: λ/2 ‖W‖² of the weights, and the cross-entropy between the target and each hidden unit's
mean activity over the batch.

Source: Hinton, Training Products of Experts by Minimizing Contrastive Divergence, Neural Computation 14, 2002; A
Practical Guide to Training Restricted Boltzmann Machines, 2010, sections 10 and 11 (weight decay, sparsity).
Shapes: B batch, V visible statistics, J hidden units, N images of the data and of the model together.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from gmstudio.families.energy.restricted_boltzmann import RestrictedBoltzmann
from gmstudio.nn.products import product

MIN_RATE = 1e-4


class Statistics(NamedTuple):
    """Sufficient statistics of some images.

    Args:
        statistics: φ(x), (B, V).
        hidden: p(h = 1 | x), (B, J).
        counts: mean activity of each bias of the visible units, of that bias' shape.
    """

    statistics: Tensor
    hidden: Tensor
    counts: Tensor


class Penalties(NamedTuple):
    """Penalties added to the difference of free energies.

    Args:
        weight_decay: λ of λ/2 ‖W‖².
        sparsity_cost: weight of the hidden units' cross-entropies.
        sparsity_target: target of each unit's mean activity.
    """

    weight_decay: float
    sparsity_cost: float
    sparsity_target: float

    def value(self, machine: RestrictedBoltzmann, probs_BJ: Tensor) -> Tensor | float:
        """Sum of both penalties, nats; 0-dim, or the number 0 without penalties."""
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


def with_gradients(
    value: Tensor, machine: RestrictedBoltzmann, data: Statistics, model: Statistics, penalties: Penalties
) -> Tensor:
    """Difference of free energies, whose backward pass computes the gradients above.

    Args:
        value: difference of free energies plus penalties, 0-dim, without a graph.
        machine: its parameters receive the gradients.
        data: statistics of images of the data.
        model: statistics of the model's samples.
        penalties: penalties contained in ``value``.
    """
    push_BJ = penalties.sparsity_push(data.hidden) - data.hidden / len(data.hidden)
    hidden_NJ = torch.cat([push_BJ, model.hidden / len(model.hidden)])
    statistics_NV = torch.cat([data.statistics, model.statistics])
    counts = model.counts - data.counts
    apply: Callable[..., Tensor] = _ClosedForm.apply
    return apply(
        value,
        machine.weight_VH,
        machine.hidden_bias_H,
        machine.visible_bias,
        statistics_NV,
        hidden_NJ,
        counts,
        penalties.weight_decay,
    )


class _ClosedForm(torch.autograd.Function):
    """A number with closed-form gradients; their matrix product is computed in the backward pass, in its precision."""

    @staticmethod
    def forward(
        ctx: Any,
        value: Tensor,
        weight_VJ: Tensor,
        hidden_bias_J: Tensor,
        visible_bias: Tensor,
        statistics_NV: Tensor,
        hidden_NJ: Tensor,
        counts: Tensor,
        weight_decay: float,
    ) -> Tensor:
        ctx.save_for_backward(weight_VJ, statistics_NV, hidden_NJ, counts)
        ctx.weight_decay = weight_decay
        device = value.device.type
        ctx.autocast = (device, torch.get_autocast_dtype(device), torch.is_autocast_enabled(device))
        return value.clone()

    @staticmethod
    def backward(ctx: Any, *outputs: Tensor) -> Any:
        (scale,) = outputs
        weight_VJ, statistics_NV, hidden_NJ, counts = ctx.saved_tensors
        device, precision, enabled = ctx.autocast
        hidden_NJ = scale * hidden_NJ
        with torch.autocast(device, dtype=precision, enabled=enabled):
            gradient_VJ = product(statistics_NV.T, hidden_NJ)
        if ctx.weight_decay:
            gradient_VJ = torch.addcmul(gradient_VJ.to(weight_VJ), ctx.weight_decay * scale, weight_VJ)
        return None, gradient_VJ, hidden_NJ.sum(0), scale * counts, None, None, None, None


def _activity(probs_BJ: Tensor) -> Tensor:
    """(J,) mean activity over the batch, clamped away from 0 and 1."""
    return probs_BJ.mean(0).clamp(MIN_RATE, 1.0 - MIN_RATE)
