"""Incremental samplers of a Markov chain: look-ups in its table, or one regression after another.

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W) in the order, F features of each,
n earlier sub-pixels, T contexts of the whole table.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gmstudio.families.autoregressive.ordered_inputs import OrderedInputs
from gmstudio.nn.stepping.ops import FloatArray, Program, StepOps

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.markov import Markov


class TableStepper:
    """Table look-up of one conditional after another; rewinding needs no stored state.

    Args:
        model: the chain; its table is copied now.
        images_BCHW: the session's images, filled in as it goes.
        order_D3: the model's order.
    """

    def __init__(self, model: "Markov", images_BCHW: NDArray[np.uint8], order_D3: Tensor) -> None:
        self._images_BCHW = images_BCHW
        self._positions: list[tuple[int, int, int]] = [tuple(position) for position in order_D3.tolist()]
        self._starts: list[int] = model.starts.tolist()
        self._table_TL: FloatArray = functional.pad(model.odds_TM.detach().float(), (1, 0)).cpu().numpy().copy()
        self._powers: list[int] = model.powers.tolist()

    def logits(self, step: int) -> FloatArray:
        """See ``Stepper``."""
        rows_B = np.full(len(self._images_BCHW), self._starts[step])
        parents = self._positions[max(0, step - len(self._powers)) : step]
        powers = self._powers[len(self._powers) - len(parents) :]
        for (channel, row, column), power in zip(parents, powers, strict=True):
            rows_B += power * self._images_BCHW[:, channel, row, column].astype(np.int64)
        logits_BL: FloatArray = self._table_TL[rows_B]
        return logits_BL

    def rewind(self, step: int) -> None:
        """See ``Stepper``; nothing is stored."""


class RegressionStepper:
    """Computation of one regression after another; rewinding needs no stored state.

    Args:
        model: the chain; its weights are copied now.
        images_BCHW: the session's images, filled in as it goes.
        order_D3: the model's order.
        ops: the array operations.
    """

    def __init__(self, model: "Markov", images_BCHW: NDArray[np.uint8], order_D3: Tensor, ops: StepOps) -> None:
        self._ops = ops
        self._inputs = OrderedInputs(ops, images_BCHW, order_D3, model.image.levels)
        weights_DFn = ops.load(model.weight_FDn.transpose(0, 1))
        to_levels_LF = ops.load(model.output.matrix())
        ones = (1,) * len(ops.tail)
        biases_DF = ops.load(model.bias_FD.T).reshape(*model.bias_FD.T.shape, *ones)
        features_F = ops.zeros(model.output.num_features)
        self._logits_L = ops.zeros(model.image.levels)
        self._programs: list[Program] = []
        for step in range(len(order_D3)):
            count = min(step, model.num_parents)
            read = self._inputs.rows[1 + step - count : 1 + step]
            # The weights of the nearest parents are the last ones; the first pixels have only those.
            weights_Fn = weights_DFn[step][:, model.num_parents - count :]
            self._programs.append(
                ops.linear(weights_Fn, read, features_F)
                + ops.add(features_F, biases_DF[step], features_F)
                + ops.linear(to_levels_LF, features_F, self._logits_L)
            )

    def logits(self, step: int) -> FloatArray:
        """See ``Stepper``."""
        self._inputs.read(step)
        for call in self._programs[step]:
            call()
        return self._ops.to_numpy(self._logits_L).T

    def rewind(self, step: int) -> None:
        """See ``Stepper``."""
        self._inputs.rewind(step)
