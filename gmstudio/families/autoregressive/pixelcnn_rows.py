r"""Conditionals of a PixelCNN for an image row at once; see ``RasterRows``.

A masked convolution reads the rows above, whose part is computed for all blocks at once when a row is entered, and the
positions left of each one and the position itself, which a round computes.

Shape legend: B batch, A images of it, C channels, W columns, F input features, M output features, P kernel rows above,
K kernel columns, T = P + 1 taps in the row, m columns computed, N columns of all images, Q convolutions of one shape.
"""

from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from gmstudio.families.autoregressive.masked_conv import MaskedConv2d
from gmstudio.families.autoregressive.raster_rows import Active, Affine, RasterRows, RowsAbove, RowTaps
from gmstudio.nn.stepping.ops import FloatArray

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.pixelcnn import PixelCNN, ResidualBlock


class PixelCNNRows(RasterRows):
    """Logits of a row.

    Args:
        model: the network; its weights are read as long as rows are entered.
        batch: images B.
    """

    def __init__(self, model: "PixelCNN", batch: int) -> None:
        super().__init__(model, batch)
        blocks = cast("list[ResidualBlock]", list(model.blocks))
        self._input = _CausalRows([model.input], batch, self._width)
        self._convolve = _CausalRows([block.convolve for block in blocks], batch, self._width)
        self._reduce = [Affine(block.reduce) for block in blocks]
        self._expand = [Affine(block.expand) for block in blocks]
        self._head, self._output = Affine(model.head), Affine(model.output)

    def _enter_row(self) -> None:
        self._input.enter_row()
        self._convolve.enter_row()

    def _leave_row(self, x_CBW: FloatArray) -> None:
        self._input.leave_row([x_CBW])
        self._convolve.leave_row()

    def _row_features(self, x_CAm: FloatArray, active: Active, first: int) -> FloatArray:
        hidden_FN = self._input.compute(0, x_CAm, active, first)
        for number, (reduce, expand) in enumerate(zip(self._reduce, self._expand, strict=True)):
            inner_FN = np.maximum(reduce(np.maximum(hidden_FN, 0.0)), 0.0)
            inner_FAm = inner_FN.reshape(-1, *x_CAm.shape[1:])
            hidden_FN += expand(np.maximum(self._convolve.compute(number, inner_FAm, active, first), 0.0))
        out_FN = self._output(np.maximum(self._head(np.maximum(hidden_FN, 0.0)), 0.0))
        return out_FN.reshape(-1, *x_CAm.shape[1:])


class _CausalRows:
    """Masked convolutions of one shape, along a row.

    Args:
        layers: the convolutions; their weights are read.
        batch: images B.
        width: columns W.
    """

    def __init__(self, layers: list[MaskedConv2d], batch: int, width: int) -> None:
        weight_QMFRK = torch.stack([layer.masked_weight().detach() for layer in layers])
        count, _, features, _, kernel_size = weight_QMFRK.shape
        padding = kernel_size // 2
        above_QMPKF = weight_QMFRK[:, :, :, :padding].permute(0, 1, 3, 4, 2)
        self._above_weight_QMX: FloatArray = above_QMPKF.flatten(2).numpy()
        self._bias_QM1: FloatArray = torch.stack([layer.bias.detach() for layer in layers]).unsqueeze(2).numpy()
        row_QMTF = weight_QMFRK[:, :, :, padding, : padding + 1].transpose(2, 3)
        self._row_weight_QMX: FloatArray = np.ascontiguousarray(row_QMTF.flatten(2).numpy())
        shape = (features, batch, width)
        self._rows = [RowsAbove(padding, kernel_size, shape) for _ in range(count)]
        self._taps = [RowTaps(padding + 1, shape) for _ in range(count)]
        self._shape = (batch, width)

    def enter_row(self) -> None:
        """Compute the part of the rows above."""
        windows_QXN = np.stack([rows.windows() for rows in self._rows])
        above_QMN = np.matmul(self._above_weight_QMX, windows_QXN)
        above_QMN += self._bias_QM1
        self._above_QMBW = above_QMN.reshape(*above_QMN.shape[:2], *self._shape)

    def leave_row(self, x_FBW: list[FloatArray] | None = None) -> None:
        """Keep the row's input as one of the rows above.

        Args:
            x_FBW: the final input of each convolution; None: as it was last computed.
        """
        final = [taps.row for taps in self._taps] if x_FBW is None else x_FBW
        for rows, row_FBW in zip(self._rows, final, strict=True):
            rows.push(row_FBW)

    def compute(self, number: int, x_FAm: FloatArray, active: Active, first: int) -> FloatArray:
        """Output (M, A·m) of one convolution from column ``first`` on, given its input there."""
        out_MN: FloatArray = np.dot(self._row_weight_QMX[number], self._taps[number].put(x_FAm, active, first))
        out_MN += self._above_QMBW[number][:, active, first:].reshape(out_MN.shape)
        return out_MN
