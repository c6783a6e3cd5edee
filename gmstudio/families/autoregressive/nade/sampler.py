"""Incremental sampler of a NADE: running pre-activations, one evaluation of the hidden layer per sub-pixel.

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W), F features of each, N hidden
units, K columns of a weight with its bias, M and R rows.
"""

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gmstudio.families.autoregressive.ordered_inputs import OrderedInputs
from gmstudio.families.autoregressive.orders import flat_index
from gmstudio.nn.level_mixture import LevelMixture
from gmstudio.nn.stepping.blocks import BlockPrograms, ordered, ordered_with_bias
from gmstudio.nn.stepping.ops import Array, FloatArray, Program, StepOps

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.nade.model import NADE

FEW_UPDATES = 8
"""Updates of the running sums beyond this number are made in one product instead."""


class NADEStepper:
    """Computation of one conditional after another: one update of the running pre-activation, one evaluation of it.

    A logistic unit is computed as σ(a) = (1 + tanh(a/2)) / 2, one call instead of four: the running sums are those of
    a/2, and the halves are folded into the weights and biases of the next layer. Rewinding recomputes the sums in one
    product.

    Args:
        model: the network; its weights are copied now.
        images_BCHW: the session's images, filled in as it goes.
        order_D3: the generation order.
        ops: the array operations.
    """

    def __init__(self, model: "NADE", images_BCHW: NDArray[np.uint8], order_D3: Tensor, ops: StepOps) -> None:
        self._ops = ops
        self._inputs = OrderedInputs(ops, images_BCHW, order_D3, model.image.levels)
        index_D = flat_index(order_D3, model.image).to(model.device)
        is_logistic = model.config.activation == "sigmoid"
        scale = 0.5 if is_logistic else 1.0
        self._weights_DN = ops.adopt(ordered(model.weight_DN, index_D, scale))
        self._bias_N = ops.load(_with_tail(scale * model.bias_N, ops))
        self._givens_DN: Array | None = None
        if model.given_DN is not None:
            self._givens_DN = ops.adopt(_with_tail(ordered(model.given_DN, index_D, scale), ops))
        self._sums_N = ops.zeros(model.config.num_hidden)
        self._num_summed: int | None = None
        self._updates = BlockPrograms(len(index_D), self._compile_updates)
        self._hidden_program, self._hidden = self._compile_hidden(model, is_logistic)
        self._reads_DFK = ops.adopt(_reads(model.readout_DFN, model.offset_DF, is_logistic, index_D))
        self._features_F = ops.zeros(model.output.num_features)
        self._programs = BlockPrograms(len(index_D), self._compile_steps)
        self._mixture: LevelMixture | None = None
        if isinstance(model.output, LevelMixture):
            self._mixture = LevelMixture(model.image.levels, model.config.num_components, model.config.mixture)

    def logits(self, step: int) -> FloatArray:
        """See ``Stepper``; updates of earlier steps that were skipped are made first."""
        self._inputs.read(step)
        self._sum_up_to(step)
        for call in self._programs[step]:
            call()
        features_BF = self._ops.to_numpy(self._features_F).T
        if self._mixture is None:
            return np.concatenate([np.zeros_like(features_BF), features_BF], axis=1)
        with torch.no_grad():
            logits_BL: FloatArray = self._mixture(torch.from_numpy(features_BF).unsqueeze(2)).squeeze(2).numpy()
        return logits_BL

    def rewind(self, step: int) -> None:
        """See ``Stepper``."""
        self._inputs.rewind(step)
        if self._num_summed is not None and self._num_summed > step:
            self._num_summed = None

    def _sum_up_to(self, step: int) -> None:
        """Update the running pre-activation to the values before ``step``."""
        if self._num_summed is not None and step - self._num_summed <= FEW_UPDATES:
            for earlier in range(self._num_summed, step):
                for call in self._updates[earlier]:
                    call()
        elif self._num_summed != step:
            values = self._inputs.rows[1 : 1 + step]
            program = self._ops.linear(self._weights_DN[:step].T, values, self._sums_N)
            program += self._ops.add(self._sums_N, self._bias_N, self._sums_N)
            if self._givens_DN is not None:
                program += self._ops.add(self._sums_N, self._givens_DN[:step].sum(0), self._sums_N)
            for call in program:
                call()
        self._num_summed = step

    def _compile_updates(self, steps: range) -> list[Program]:
        """Calls that add the contributions of the values at these steps to the running pre-activation."""
        own = slice(steps.start, steps.stop)
        updates = self._ops.rank_one_updates(self._weights_DN[own], self._inputs.rows[1:][own], self._sums_N)
        if self._givens_DN is not None:
            for update, given_N in zip(updates, self._givens_DN[own], strict=True):
                update += self._ops.add(self._sums_N, given_N, self._sums_N)
        return updates

    def _compile_steps(self, steps: range) -> list[Program]:
        """Calls from the running pre-activation to the features at these steps."""
        linear = self._ops.linear
        return [self._hidden_program + linear(self._reads_DFK[step], self._hidden, self._features_F) for step in steps]

    def _compile_hidden(self, model: "NADE", is_logistic: bool) -> tuple[Program, Array]:
        """Calls from the running pre-activation to the last hidden layer, and its buffer, a one first."""
        ops, width = self._ops, model.config.num_hidden
        activate = ops.tanh if is_logistic else ops.relu
        hidden = ops.zeros(1 + width)
        hidden[0] = 1.0  # multiplies the bias of the next layer
        program = activate(self._sums_N, hidden[1:])
        for layer in cast(list[nn.Linear], list(model.deeper)):
            weights = _reads(layer.weight, layer.bias, is_logistic, torch.arange(width, device=layer.weight.device))
            sums, source, hidden = ops.zeros(width), hidden, ops.zeros(1 + width)
            hidden[0] = 1.0
            program += ops.linear(ops.load(0.5 * weights if is_logistic else weights), source, sums)
            program += activate(sums, hidden[1:])
        return program, hidden


def _reads(weight: Tensor, bias: Tensor, is_logistic: bool, rows_R: Tensor) -> Tensor:
    """Bias and weight for [1, units], where logistic units are stored as tanh(a/2): (R, …, N) → (R, …, 1 + N)."""
    if not is_logistic:
        return ordered_with_bias(weight, bias, rows_R)
    return ordered_with_bias(weight, bias + 0.5 * weight.sum(-1), rows_R, scale=0.5)


def _with_tail(values: Tensor, ops: StepOps) -> Tensor:
    """Reshape values so that they can be added to a buffer, whose batch axis may be left away."""
    return values.reshape(*values.shape, *(1 for _ in ops.tail))
