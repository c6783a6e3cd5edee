"""Adam for a handful of numbers.

The first optimizer of ``torch.optim`` imports torch's compiler, which takes seconds on the engine's loop; a laboratory
that moves ten numbers need not wait for it.

Source: Kingma & Ba 2015, Adam, ICLR, algorithm 1.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

BETAS = 0.9, 0.999
EPSILON = 1e-8


class Adam:
    """Optimizer of a few leaves of a graph.

    Args:
        parameters: tensors that require a gradient.
        rate: step size.
    """

    def __init__(self, parameters: Iterable[Tensor], rate: float) -> None:
        self._parameters = list(parameters)
        self._rate = rate
        self._steps = 0
        self._means = [torch.zeros_like(parameter) for parameter in self._parameters]
        self._squares = [torch.zeros_like(parameter) for parameter in self._parameters]

    def step(self, loss: Tensor) -> None:
        """Move all parameters by one step down the gradient of a 0-dim loss."""
        gradients = torch.autograd.grad(loss, self._parameters)
        self._steps += 1
        first, second = (1 - beta**self._steps for beta in BETAS)
        with torch.no_grad():
            for parameter, gradient, mean, square in zip(
                self._parameters, gradients, self._means, self._squares, strict=True
            ):
                mean.lerp_(gradient, 1 - BETAS[0])
                square.lerp_(gradient.square(), 1 - BETAS[1])
                parameter -= self._rate * (mean / first) / ((square / second).sqrt() + EPSILON)
