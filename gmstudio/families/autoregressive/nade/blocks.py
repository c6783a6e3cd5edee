r"""Conditionals of a NADE for a block of steps at once; see ``BlockConditionals``.

    a_i = c + \sum_{j<i} x_j W_j,    h_i = activation(a_i)

Where x_j is 0 the hidden layer stays as it is, so a block has only as many different *states* as it has values other
than 0, and one for its beginning: a state is evaluated once, and read at all steps up to the next one. States before
the first guess that changed stay as they are.

Shape legend: B batch, A images of it, S states of all of them, D sub-pixels in the order, F features of each, L levels,
N hidden units, n steps of a block.
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from gmstudio.families.autoregressive.block_sweep import EvenBlocks, Values
from gmstudio.families.autoregressive.drawing import IntArray
from gmstudio.families.autoregressive.orders import flat_index
from gmstudio.nn.stepping.ops import FloatArray

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.nade.model import NADE

BLOCK = 56
"""Steps of a block for many images; for few there are twice as many, since rounds cost more than their arithmetic."""
FEW_IMAGES = 8
MAX_FLOATS = 2**22
"""Floats of one array that are held at a time; more images are computed in groups."""


class NADEBlocks(EvenBlocks):
    """Logits of a block from the states of the hidden layer.

    Args:
        model: the network; its weights are read as long as the blocks are entered.
        order_D3: the generation order.
        batch: images B.
    """

    def __init__(self, model: "NADE", order_D3: Tensor, batch: int) -> None:
        super().__init__(model.image, BLOCK if batch > FEW_IMAGES else 2 * BLOCK)
        index_D = flat_index(order_D3, model.image)
        self._model = model
        self._weight_DN: FloatArray = model.weight_DN.detach()[index_D].numpy()
        self._given_DN: FloatArray | None = None
        if model.given_DN is not None:
            self._given_DN = model.given_DN.detach()[index_D].numpy()
        self._readout_DFN: FloatArray = model.readout_DFN.detach()[index_D].numpy()
        self._offset_DF: FloatArray = model.offset_DF.detach()[index_D].numpy()
        levels = model.image.levels
        self._levels_of_all = levels if levels > 2 else 1
        """Numbers per sub-pixel and feature that the output computes on the way to its logits, at most."""
        self._start_BN: FloatArray = np.tile(model.bias_N.detach().numpy(), (batch, 1))

    def enter(self, block: slice, before_Bn: Values) -> None:
        """See ``BlockConditionals``."""
        before = slice(block.start - before_Bn.shape[1], block.start)
        self._start_BN += (before_Bn * self.unit) @ self._weight_DN[before]
        if self._given_DN is not None:
            self._start_BN += self._given_DN[before].sum(axis=0)
        self._block = block
        self._logits_BnL: FloatArray | None = None
        self._reads_NE = self._readout_DFN[block].reshape(-1, self._start_BN.shape[1]).T

    def logits(self, values_An: Values, active_A: IntArray) -> FloatArray:
        """See ``BlockConditionals``."""
        length, first_A = values_An.shape[1], self._first_changed(values_An, active_A)
        per_image = length * (length + self._levels_of_all) * self._readout_DFN.shape[1]
        rows = max(1, MAX_FLOATS // per_image)
        groups = [slice(start, start + rows) for start in range(0, len(values_An), rows)]
        parts = [self._computed(values_An[own], active_A[own], first_A[own]) for own in groups]
        logits_AnL = np.concatenate(parts) if len(parts) > 1 else parts[0]
        if self._logits_BnL is not None:
            keeps_An = np.arange(length) <= first_A[:, np.newaxis]
            logits_AnL = np.where(keeps_An[:, :, np.newaxis], self._logits_BnL[active_A], logits_AnL)
            self._logits_BnL[active_A] = logits_AnL
        else:
            self._logits_BnL = logits_AnL
        return logits_AnL

    def _computed(self, values_An: Values, active_A: IntArray, first_A: IntArray) -> FloatArray:
        """Logits (A, n, L) of steps whose state has changed; those up to the first guess that changed are arbitrary."""
        count, length = values_An.shape
        steps_n = np.arange(length)
        begins_An = steps_n > first_A[:, np.newaxis]
        if self._given_DN is None:
            begins_An[:, 1:] &= values_An[:, :-1] != 0
        begins_An[np.arange(count), np.minimum(first_A + 1, length - 1)] = True
        images_S, steps_S = begins_An.nonzero()
        hidden_SN = self._hidden(values_An[images_S], steps_S, self._start_BN[active_A[images_S]])
        features_SnF = (hidden_SN @ self._reads_NE).reshape(len(hidden_SN), length, -1)
        # The state of each step is the last one that has begun; steps before the first one keep their logits.
        state_An = np.maximum(begins_An.ravel().cumsum().reshape(count, length) - 1, 0)
        features_AnF = features_SnF[state_An, steps_n] + self._offset_DF[self._block]
        with torch.no_grad():
            logits_ALn = self._model.output(torch.from_numpy(features_AnF.transpose(0, 2, 1)))
        logits_AnL: FloatArray = logits_ALn.transpose(1, 2).numpy()
        return logits_AnL

    def _first_changed(self, values_An: Values, active_A: IntArray) -> IntArray:
        """(A,) first step whose guess differs from the round before; -1 in the first round."""
        if self._logits_BnL is None:
            self._guess_Bn = values_An.copy()
            return np.full(len(values_An), -1)
        first_A: IntArray = (values_An != self._guess_Bn[active_A]).argmax(axis=1)
        self._guess_Bn[active_A] = values_An
        return first_A

    def _hidden(self, values_Sn: Values, steps_S: IntArray, start_SN: FloatArray) -> FloatArray:
        """Last hidden layer of each state, given the values of its image and the step at which it begins: (S, N)."""
        is_before_Sn = np.arange(values_Sn.shape[1]) < steps_S[:, np.newaxis]
        start_SN += (values_Sn * is_before_Sn * self.unit) @ self._weight_DN[self._block]
        if self._given_DN is not None:
            start_SN += is_before_Sn.astype(np.float32) @ self._given_DN[self._block]
        hidden = torch.from_numpy(start_SN)
        with torch.no_grad():
            activate = torch.sigmoid_ if self._model.config.activation == "sigmoid" else torch.relu_
            hidden = activate(hidden)
            for layer in self._model.deeper:
                hidden = activate(layer(hidden))
        hidden_SN: FloatArray = hidden.numpy()
        return hidden_SN
