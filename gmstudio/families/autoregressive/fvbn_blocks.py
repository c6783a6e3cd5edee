"""Conditionals of a fully visible belief network for a block of steps at once; see ``BlockConditionals``.

Shape legend: B batch, A images of it, D sub-pixels in the order, F features of each, L levels, n steps of a block, s
steps before it.
"""

from typing import TYPE_CHECKING

import numpy as np

from gmstudio.families.autoregressive.block_sweep import EvenBlocks, Values
from gmstudio.families.autoregressive.drawing import IntArray
from gmstudio.families.autoregressive.level_logits import step_logits
from gmstudio.nn.stepping.ops import FloatArray

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.fvbn import FVBN

BLOCK = 56


class FVBNBlocks(EvenBlocks):
    """Logits of a block: those given the values before it, plus a strictly lower triangle times the block's values.

    Args:
        model: the network; its weights are read as long as the blocks are entered.
        batch: images B.
    """

    def __init__(self, model: "FVBN", batch: int) -> None:
        super().__init__(model.image, BLOCK)
        self._weight_FDD: FloatArray = model.weight_FDD.detach().numpy()
        self._bias_FD: FloatArray = model.bias_FD.detach().numpy()
        self._to_levels_LF: FloatArray = model.output.matrix().numpy()
        self._x_BD = np.zeros((batch, model.image.num_dims), dtype=np.float32)

    def enter(self, block: slice, before_Bn: Values) -> None:
        """See ``BlockConditionals``."""
        start, length = block.start, block.stop - block.start
        np.multiply(before_Bn, self.unit, out=self._x_BD[:, start - before_Bn.shape[1] : start])
        rows_FnD = self._weight_FDD[:, block]
        features = len(rows_FnD)
        before_BE = self._x_BD[:, :start] @ rows_FnD[:, :, :start].reshape(features * length, start).T
        self._before_BFn = before_BE.reshape(-1, features, length) + self._bias_FD[:, block]
        within_Fnn = np.tril(rows_FnD[:, :, block], -1)
        self._within_nE = np.ascontiguousarray(within_Fnn.reshape(-1, length).T)

    def logits(self, values_An: Values, active_A: IntArray) -> FloatArray:
        """See ``BlockConditionals``."""
        features_AE = np.dot(values_An * self.unit, self._within_nE)
        features_AFn = features_AE.reshape(len(values_An), *self._before_BFn.shape[1:])
        features_AFn += self._before_BFn[active_A]
        return step_logits(features_AFn, self._to_levels_LF)
