"""Values of a session's images for a stepper: in generation order, scaled to [0, 1], one row each.

Shapes: B batch, C channels, H height, W width, D sub-pixels (C·H·W), L levels. The batch axis comes last and may be
left away, see ``gmstudio.nn.stepping.ops``.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.nn.stepping.ops import Array, StepOps


def unit_levels(x: Tensor, levels: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Levels 0 … levels-1 as floats from 0 to 1."""
    return x.to(dtype) if levels == 2 else x.to(dtype) / (levels - 1)


class OrderedInputs:
    """A buffer of 1 + D rows: ones (they multiply a bias), then the values placed so far, step by step.

    Args:
        ops: the array operations.
        images_BCHW: the session's images, filled in as it goes.
        order_D3: the generation order.
        levels: values a sub-pixel can take.
    """

    def __init__(self, ops: StepOps, images_BCHW: NDArray[np.uint8], order_D3: Tensor, levels: int) -> None:
        self._ops = ops
        self._images_BCHW = images_BCHW
        self._positions: list[tuple[int, int, int]] = list(zip(*order_D3.T.tolist(), strict=True))
        self._unit_L = unit_levels(torch.arange(levels), levels).numpy()
        self.rows: Array = ops.zeros(1 + len(order_D3))
        self.rows[0] = 1.0
        self.count = 0
        """Values that have been read."""

    def read(self, step: int) -> None:
        """Copy all values placed before ``step`` into the rows."""
        while self.count < step:
            channel, row, column = self._positions[self.count]
            values_B = self._unit_L[self._images_BCHW[:, channel, row, column]]
            self.count += 1
            self.rows[self.count] = self._ops.load_batch(values_B)

    def rewind(self, step: int) -> None:
        """Discard the values from ``step`` on; they are about to change."""
        self.count = min(self.count, step)
