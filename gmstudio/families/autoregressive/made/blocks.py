"""Conditionals of a masked autoencoder for a block of steps at once; see ``BlockConditionals``.

The units of a layer are sorted by degree. Those whose degree is in the block read the block's values; units of lower
degrees are final when it is entered, and those of higher ones do not matter yet. So a round multiplies by the small
part of each weight that is between the block's own units.

Shape legend: B batch, A images of it, D sub-pixels in the order, F features of each, L levels or layers, N units of a
layer, n steps of a block.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor

from gmstudio.families.autoregressive.block_sweep import EvenBlocks, Values
from gmstudio.families.autoregressive.drawing import IntArray
from gmstudio.families.autoregressive.level_logits import step_logits
from gmstudio.families.autoregressive.made.sampler import MaskedNet
from gmstudio.families.autoregressive.orders import flat_index
from gmstudio.nn.stepping.ops import FloatArray

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.made.model import MADE

BLOCK = 56


class MADEBlocks(EvenBlocks):
    """Logits of a block under one mask, or averaged over several.

    Args:
        model: the network; its weights are read as long as the blocks are entered.
        order_D3: the generation order.
        batch: images B.
    """

    def __init__(self, model: "MADE", order_D3: Tensor, batch: int) -> None:
        super().__init__(model.image, BLOCK)
        self._x_BD = np.zeros((batch, model.image.num_dims), dtype=np.float32)
        net = MaskedNet(model.hidden_layers(), model.readout, model.direct, model.output.matrix())
        index_D = flat_index(order_D3, model.image)
        degrees = model.degrees[: model.config.num_averaged]
        self._passes = [_BlockPass(net, index_D, degrees_LN, self._x_BD) for degrees_LN in degrees]

    def enter(self, block: slice, before_Bn: Values) -> None:
        """See ``BlockConditionals``."""
        before = slice(block.start - before_Bn.shape[1], block.start)
        np.multiply(before_Bn, self.unit, out=self._x_BD[:, before])
        for one in self._passes:
            one.enter(before, block)

    def logits(self, values_An: Values, active_A: IntArray) -> FloatArray:
        """See ``BlockConditionals``."""
        x_An = values_An * self.unit
        found = [one.logits(x_An, active_A) for one in self._passes]
        if len(found) == 1:
            return found[0]
        log_probs = [logits - np.logaddexp.reduce(logits, axis=2, keepdims=True) for logits in found]
        averaged_AnL: FloatArray = np.logaddexp.reduce(log_probs, axis=0)
        return averaged_AnL


class _Part(NamedTuple):
    """The units of a layer that the block's values reach, or its outputs.

    Args:
        units: places of the units among those sorted by degree.
        before: (B, units), what final inputs contribute, and the bias.
        within: (inputs, units), masked weights between the inputs and units that the block's values reach.
    """

    units: slice
    before: FloatArray
    within: FloatArray


class _BlockPass:
    """The network under one mask.

    Args:
        net: the network.
        index_D: the order's sub-pixels in the flattened image.
        degrees_LN: of the units.
        x_BD: the final values in order, filled in as it goes.
    """

    def __init__(self, net: MaskedNet, index_D: Tensor, degrees_LN: Tensor, x_BD: FloatArray) -> None:
        size = len(index_D)
        self._x_BD = x_BD
        self._degrees: list[FloatArray] = []
        self._weights: list[FloatArray] = []
        self._biases: list[FloatArray] = []
        columns = index_D
        for layer, degrees_N in zip(net.hidden, degrees_LN, strict=True):
            units = torch.argsort(degrees_N, stable=True)
            self._degrees.append(degrees_N[units].numpy())
            self._weights.append(_rearranged(layer.weight, units, columns))
            self._biases.append(layer.bias.detach()[units].numpy())
            columns = units
        self._hidden = [np.zeros((len(x_BD), len(bias)), dtype=np.float32) for bias in self._biases]
        features = len(net.readout.bias) // size
        own = (torch.arange(features).unsqueeze(1) * size + index_D).flatten()
        self._readout_FDN = _rearranged(net.readout.weight, own, columns).reshape(features, size, -1)
        self._offset_FD: FloatArray = net.readout.bias.detach()[own].view(features, size).numpy()
        self._direct_FDD: FloatArray | None = None
        if net.direct is not None:
            self._direct_FDD = _rearranged(net.direct.weight, own, index_D).reshape(features, size, size)
        self._to_levels_LF: FloatArray = net.to_levels.numpy()
        self._parts: list[_Part] = []

    def enter(self, before: slice, block: slice) -> None:
        """Compute what the final values contribute to a block, after those of the block before."""
        if self._parts:
            self._finish(self._x_BD[:, before])
        elif block.start > 0:
            self._parts = self._hidden_parts(slice(0, block.start))
            self._finish(self._x_BD[:, : block.start])
        self._parts = self._hidden_parts(block)
        self._output = self._output_part(block)
        self._direct_nE = None
        if self._direct_FDD is not None:
            self._direct_nE = np.tril(self._direct_FDD[:, block, block], -1).reshape(-1, block.stop - block.start).T

    def logits(self, x_An: FloatArray, active_A: IntArray) -> FloatArray:
        """(A, n, L) given the block's values."""
        values = x_An
        for part in self._parts:
            values = np.dot(values, part.within)
            values += part.before[active_A]
            np.maximum(values, 0.0, out=values)
        features_AE = np.dot(values, self._output.within)
        features_AE += self._output.before[active_A]
        if self._direct_nE is not None:
            features_AE += x_An @ self._direct_nE
        features_AFn = features_AE.reshape(len(x_An), len(self._offset_FD), -1)
        return step_logits(features_AFn, self._to_levels_LF)

    def _finish(self, x_Bn: FloatArray) -> None:
        """Compute the units of the block that is left, from its final values."""
        values = x_Bn
        for part, hidden_BN in zip(self._parts, self._hidden, strict=True):
            values = np.maximum(values @ part.within + part.before, 0.0)
            hidden_BN[:, part.units] = values

    def _hidden_parts(self, block: slice) -> list[_Part]:
        """Units of degree ``block.start`` … ``block.stop - 1``."""
        parts: list[_Part] = []
        source_BK, reached, levels_k = self._x_BD, block, np.arange(block.start, block.stop) + 1
        for degrees_N, weight_NK, bias_N, hidden_BN in zip(
            self._degrees, self._weights, self._biases, self._hidden, strict=True
        ):
            units = slice(*np.searchsorted(degrees_N, [block.start, block.stop]).tolist())
            final = slice(0, reached.start)
            before_BN = source_BK[:, final] @ weight_NK[units, final].T + bias_N[units]
            mask = levels_k[:, np.newaxis] <= degrees_N[units]
            parts.append(_Part(units, before_BN, weight_NK[units, reached].T * mask))
            source_BK, reached, levels_k = hidden_BN, units, degrees_N[units]
        return parts

    def _output_part(self, block: slice) -> _Part:
        """The block's features; that of step i reads units of degree i or less."""
        units, size = self._parts[-1].units, block.stop - block.start
        rows_EN = self._readout_FDN[:, block].reshape(-1, self._readout_FDN.shape[2])
        final_BN = self._hidden[-1][:, : units.start]
        before_BE = final_BN @ rows_EN[:, : units.start].T + self._offset_FD[:, block].ravel()
        steps_E = np.tile(np.arange(block.start, block.stop), len(self._offset_FD))
        mask = self._degrees[-1][units][:, np.newaxis] <= steps_E
        if self._direct_FDD is not None:
            x_Bs = self._x_BD[:, : block.start]
            before_BE += x_Bs @ self._direct_FDD[:, block, : block.start].reshape(len(rows_EN), block.start).T
        return _Part(slice(0, size), before_BE, rows_EN[:, units].T * mask)


def _rearranged(weight: Tensor, rows: Tensor, columns: Tensor) -> FloatArray:
    """Rows and columns of a weight in another order; no copy where they stay as they are."""
    weight = weight.detach()
    for axis, index in ((0, rows), (1, columns)):
        if not torch.equal(index, torch.arange(len(index))):
            weight = weight.index_select(axis, index)
    rearranged: FloatArray = weight.numpy()
    return rearranged
