"""Exponential moving average of a network's weights, stored as buffers beside it.

Source: Polyak & Juditsky 1992; as diffusion models use it, Ho, Jain & Abbeel 2020, arXiv:2006.11239, appendix B.
"""

import copy
from typing import Any

import torch
from torch import Tensor, nn

FIRST_UPDATES = 10
"""Warm-up of the decay: at update n it is at most (1 + n) / (10 + n)."""


def decay_after(updates: int, most: float) -> float:
    """Decay of a moving average at an update of its network, the first of which is number 1."""
    return min(most, (1 + updates) / (FIRST_UPDATES + updates))


class MovingAverage(nn.Module):
    """A copy of a network whose weights follow the network's: w̄ ← w̄ + (1 - d) (w - w̄).

    The weights of the copy are buffers: saved with a checkpoint, but no parameters of the model.

    Args:
        network: network whose weights are averaged.
        decay: d, in [0, 1); 0 copies the current weights.
    """

    num_updates: Tensor

    def __init__(self, network: nn.Module, decay: float) -> None:
        super().__init__()
        self._decay = decay
        self.copy = copy.deepcopy(network)
        self._names = tuple(name for name, _ in network.named_parameters())
        for module in self.copy.modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                delattr(module, name)
                module.register_buffer(name, parameter.detach().clone())
        self.register_buffer("num_updates", torch.zeros(()))

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Average in the network's weights after one of their updates, without waiting for the device."""
        self.num_updates += 1
        decay = ((1 + self.num_updates) / (FIRST_UPDATES + self.num_updates)).clamp(max=self._decay)
        followed = dict(network.named_parameters())
        averages = {name: buffer for name, buffer in self.copy.named_buffers() if name in followed}
        steps: Any = torch._foreach_sub([followed[name].detach() for name in averages], list(averages.values()))
        torch._foreach_mul_(steps, 1 - decay)
        torch._foreach_add_(list(averages.values()), steps)

    def thaw(self) -> None:
        """Make the averages parameters, which an optimizer may move; ``update`` is not called any more."""
        for place in self._names:
            path, _, name = place.rpartition(".")
            module = self.copy.get_submodule(path)
            value = getattr(module, name)
            delattr(module, name)
            module.register_parameter(name, nn.Parameter(value))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Output of the network with averaged weights."""
        out: Tensor = self.copy(*inputs)
        return out
