"""Reference sampler: a full forward pass per conditional.

Shape legend: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W).
"""

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.autoregressive.session import Position
from gmstudio.nn.stepping.ops import FloatArray

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.base import AutoregressiveFamily


class PlainStepper:
    """Computation of one conditional after another; see ``Stepper``.

    Args:
        model: the family's model.
        images_BCHW: the session's images, filled in as it goes.
        order_D3: the generation order.
        labels_B: labels that the images are conditioned on.
    """

    def __init__(
        self,
        model: "AutoregressiveFamily",
        images_BCHW: NDArray[np.uint8],
        order_D3: Tensor,
        labels_B: Tensor | None = None,
    ) -> None:
        self._model = model
        self._labels_B = labels_B
        self._images_BCHW = torch.from_numpy(images_BCHW)
        self._order_D3 = order_D3
        self._positions: list[Position] = [tuple(p) for p in order_D3.tolist()]

    def logits(self, step: int) -> FloatArray:
        """See ``Stepper``."""
        channel, row, column = self._positions[step]
        with torch.inference_mode():
            images_BCHW = self._images_BCHW.to(self._model.device)
            logits_BCHWL = self._model.logits(images_BCHW, self._order_D3, self._labels_B)
            logits_BL: FloatArray = logits_BCHWL[:, channel, row, column].float().cpu().numpy()
        return logits_BL

    def rewind(self, step: int) -> None:
        """See ``Stepper``; nothing is stored."""
