"""Stepping through the conditionals of a MADE."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.autoregressive.made.sampler import MaskedNet, MaskPass
from gmstudio.families.autoregressive.ordered_inputs import OrderedInputs
from gmstudio.families.autoregressive.orders import flat_index
from gmstudio.nn.stepping.ops import FloatArray, StepOps

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.made.model import MADE


class MADEStepper:
    """Computation of one conditional after another, of one mask or averaged over several.

    Units that depend on earlier pixels stay valid after rewinding, which therefore needs no further state.

    Args:
        model: the network; its weights are copied now.
        images_BCHW: the session's images, filled in as it goes.
        order_D3: the generation order.
        ops: the array operations.
    """

    def __init__(self, model: "MADE", images_BCHW: NDArray[np.uint8], order_D3: Tensor, ops: StepOps) -> None:
        self._ops = ops
        self._inputs = OrderedInputs(ops, images_BCHW, order_D3, model.image.levels)
        index_D = flat_index(order_D3, model.image).to(model.device)
        degrees = model.degrees[: model.config.num_averaged]
        net = MaskedNet(model.hidden_layers(), model.readout, model.direct, model.output.matrix())
        self._passes = [MaskPass(net, index_D, degrees_LN, self._inputs.rows, ops) for degrees_LN in degrees]
        self._num_computed = 0

    def logits(self, step: int) -> FloatArray:
        """See ``Stepper``; units of earlier steps that were skipped are computed first."""
        self._inputs.read(step)
        while self._num_computed <= step:
            for one in self._passes:
                for call in one.hidden_programs[self._num_computed]:
                    call()
            self._num_computed += 1
        for one in self._passes:
            for call in one.output_programs[step]:
                call()
        found = [self._ops.to_numpy(one.logits_L).T for one in self._passes]
        if len(found) == 1:
            return found[0]
        log_probs = [logits_BL - np.logaddexp.reduce(logits_BL, axis=1, keepdims=True) for logits_BL in found]
        averaged_BL: FloatArray = np.logaddexp.reduce(log_probs, axis=0)
        return averaged_BL

    def rewind(self, step: int) -> None:
        """See ``Stepper``."""
        self._inputs.rewind(step)
        self._num_computed = min(self._num_computed, step + 1)
