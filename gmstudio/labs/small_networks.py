"""Small dense networks of the laboratories, whose weights depend on a generator alone."""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn


def dense_network(widths: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    """Linear layers with SiLU between them, with PyTorch's usual initial weights, U(-1/√F, 1/√F) of F inputs.

    Args:
        widths: inputs, hidden units of each layer, outputs.
        generator: source of the weights, on the CPU.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(widths):
        layer = nn.Linear(inputs, outputs)
        bound = 1 / math.sqrt(inputs)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.uniform_(-bound, bound, generator=generator)
        layers += [layer, nn.SiLU()]
    return nn.Sequential(*layers[:-1])
