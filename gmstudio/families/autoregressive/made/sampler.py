"""Incremental sampler of a masked autoencoder: each unit is computed once, when its last input is known.

Source: Germain, Gregor, Murray & Larochelle 2015, MADE: Masked Autoencoder for Distribution Estimation,
arXiv:1502.03509, section 3, for the masks.

Letters: D sub-pixels, F features of each, K columns of a weight with its bias, L levels or layers, N units of a layer.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from gmstudio.nn.stepping.blocks import BlockPrograms, ordered_with_bias
from gmstudio.nn.stepping.ops import Array, Program, StepOps


class MaskedNet(NamedTuple):
    """The layers of a masked autoencoder, without their masks.

    Args:
        hidden: hidden layers, the first one first.
        readout: from the last hidden layer to the features of all sub-pixels, feature by feature.
        direct: from the inputs to the same features, or None.
        to_levels: (L, F), matrix from a sub-pixel's features to its logits.
    """

    hidden: Sequence[nn.Linear]
    readout: nn.Linear
    direct: nn.Linear | None
    to_levels: Tensor


class _Layer(NamedTuple):
    """A hidden layer under one mask, its units sorted by degree.

    Args:
        weights: rows of its units, the bias first.
        source: input, after a row of ones.
        sums: values before the nonlinearity.
        hidden: its units, after a row of ones.
        reads: for each step, number of rows of ``source`` that the units of this step may read.
        counts: for each step, number of its units that are computed after it.
    """

    weights: Array
    source: Array
    sums: Array
    hidden: Array
    reads: list[int]
    counts: list[int]


class MaskPass:
    """Calls of each step under one mask.

    The units of a layer are sorted by degree: those that a step computes are consecutive, and their inputs are a prefix
    of the layer before. So the masks themselves are not needed.

    Args:
        net: the network.
        index_D: the order's sub-pixels in the flattened image.
        degrees_LN: of the units.
        inputs: the session's values in order, after a row of ones.
        ops: the array operations.

    Attributes:
        logits_L: unnormalized log-probabilities of the levels, for the step whose output program ran last.
        hidden_programs: for each step, calls that compute the units whose inputs are complete there.
        output_programs: for each step, calls that compute its conditional.
    """

    def __init__(self, net: MaskedNet, index_D: Tensor, degrees_LN: Tensor, inputs: Array, ops: StepOps) -> None:
        levels, features = net.to_levels.shape
        size = len(index_D)
        self._ops = ops
        self._inputs = inputs
        self._layers: list[_Layer] = []
        source, columns, reads = inputs, index_D, list(range(1, size + 1))
        for layer, degrees_N in zip(net.hidden, degrees_LN, strict=True):
            units = torch.argsort(degrees_N, stable=True)
            weights = ops.adopt(ordered_with_bias(layer.weight, layer.bias, units, columns))
            counts = torch.bincount(degrees_N, minlength=size)[:size].cumsum(0).tolist()
            sums, hidden = ops.zeros(len(units)), ops.zeros(1 + len(units))
            hidden[0] = 1.0  # multiplies the bias of the next layer
            self._layers.append(_Layer(weights, source, sums, hidden, reads, counts))
            source, columns, reads = hidden, units, [1 + count for count in counts]
        self._source, self._reads = source, reads
        bias_DF = net.readout.bias.view(features, size).T
        weight_DFN = net.readout.weight.view(features, size, -1).transpose(0, 1)
        self._weights_DFK = ops.adopt(ordered_with_bias(weight_DFN, bias_DF, index_D, columns))
        self._direct_DFD: Array | None = None
        if net.direct is not None:
            direct_DFD = net.direct.weight.view(features, size, size).transpose(0, 1)[index_D][:, :, index_D]
            self._direct_DFD = ops.adopt(direct_DFD)
        self._features_F, self._direct_F = ops.zeros(features), ops.zeros(features)
        self._to_levels_LF = ops.load(net.to_levels)
        self.logits_L = ops.zeros(levels)
        self.hidden_programs = BlockPrograms(size, self._compile_hidden)
        self.output_programs = BlockPrograms(size, self._compile_output)

    def _compile_hidden(self, steps: range) -> list[Program]:
        """Calls that compute the units whose inputs are complete at these steps."""
        programs: list[Program] = []
        for step in steps:
            program: Program = []
            for weights, source, sums, hidden, reads, counts in self._layers if step > 0 else ():
                rows = slice(counts[step - 1], counts[step])
                if rows.start < rows.stop:
                    program += self._ops.linear(weights[rows, : reads[step]], source[: reads[step]], sums[rows])
                    program += self._ops.relu(sums[rows], hidden[1 + rows.start : 1 + rows.stop])
            programs.append(program)
        return programs

    def _compile_output(self, steps: range) -> list[Program]:
        """Calls that compute the conditionals of these steps."""
        ops, features_F, direct_F = self._ops, self._features_F, self._direct_F
        programs: list[Program] = []
        for step in steps:
            read = self._reads[step]
            program = ops.linear(self._weights_DFK[step][:, :read], self._source[:read], features_F)
            if self._direct_DFD is not None and step > 0:
                program += ops.linear(self._direct_DFD[step][:, :step], self._inputs[1 : 1 + step], direct_F)
                program += ops.add(features_F, direct_F, features_F)
            programs.append(program + ops.linear(self._to_levels_LF, features_F, self.logits_L))
        return programs
