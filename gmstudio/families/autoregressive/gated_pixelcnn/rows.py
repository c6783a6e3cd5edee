r"""Conditionals of a Gated PixelCNN for an image row at once; see ``RasterRows``.

The vertical stack reads complete rows only, and is computed when a row is left; a round computes the horizontal stack.
Gates are computed as in ``gated_pixelcnn.sampler``: the halves of σ(b) = (1 + tanh(b/2)) / 2 are folded into weights.

Shape legend: B batch, A images of it, C channels, W columns, F input features, p features after a gate, M = 2p before
it, R kernel rows, K kernel columns, T = K // 2 + 1 horizontal taps, m columns computed, N columns of all images.
"""

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from gmstudio.families.autoregressive.gated_pixelcnn.layers import GatedLayer
from gmstudio.families.autoregressive.raster_rows import Active, Affine, RasterRows, RowsAbove, RowTaps
from gmstudio.nn.stepping.ops import FloatArray

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.gated_pixelcnn.model import GatedPixelCNN


class GatedRows(RasterRows):
    """Logits of a row from both stacks.

    Args:
        model: the network; its weights are read as long as rows are entered.
        batch: images B.
        labels_B: rows of the layers' tables of labels, see ``GatedLayer``.
    """

    def __init__(self, model: "GatedPixelCNN", batch: int, labels_B: Tensor | None) -> None:
        super().__init__(model, batch)
        layers = [model.input, *cast(list[GatedLayer], list(model.layers))]
        self._vertical = [_VerticalLayer(layer, batch, self._width, labels_B) for layer in layers]
        self._horizontal = [_HorizontalLayer(layer, batch, self._width) for layer in layers]
        self._head, self._output = Affine(model.head), Affine(model.output)

    def _enter_row(self) -> None:
        """All of it was computed when the row above was left."""

    def _leave_row(self, x_CBW: FloatArray) -> None:
        for layer in self._vertical:
            x_CBW = layer.compute(x_CBW)

    def _row_features(self, x_CAm: FloatArray, active: Active, first: int) -> FloatArray:
        x_FAm = x_CAm
        for vertical, horizontal in zip(self._vertical, self._horizontal, strict=True):
            x_FAm = horizontal.compute(x_FAm, vertical.below_MBW[:, active, first:], active, first)
        hidden_FN = np.maximum(x_FAm.reshape(len(x_FAm), -1), 0.0)
        out_FN = self._output(np.maximum(self._head(hidden_FN), 0.0))
        return out_FN.reshape(-1, *x_FAm.shape[1:])


class _VerticalLayer:
    """One layer of the vertical stack, a row at a time.

    Attributes:
        below_MBW: addend of the horizontal stack in the row below.
    """

    def __init__(self, layer: GatedLayer, batch: int, width: int, labels_B: Tensor | None) -> None:
        weight_MFRK = layer.vertical.weight.detach()
        bias = layer.vertical.bias
        assert bias is not None and layer.link.bias is not None
        scale_M1 = _scales(len(weight_MFRK))
        weight_MX = weight_MFRK.permute(0, 2, 3, 1).flatten(1)  # by kernel row, column and feature
        self._weight_MX: FloatArray = (weight_MX * scale_M1).numpy()
        self._bias_M11: FloatArray = (bias.detach().unsqueeze(1) * scale_M1).unsqueeze(2).numpy()
        # The link reads scaled features and computes scaled ones.
        self._link_MM: FloatArray = (layer.link.weight.detach().flatten(1) * scale_M1 / scale_M1.T).numpy()
        link_bias_MB = (layer.link.bias.detach().unsqueeze(1) * scale_M1).expand(-1, batch)
        of_vertical_BM, of_horizontal_BM = layer.label_features(labels_B)
        if of_horizontal_BM is not None:
            link_bias_MB = link_bias_MB + of_horizontal_BM.detach().T * scale_M1
        self._link_bias_MB1: FloatArray = link_bias_MB.unsqueeze(2).numpy()
        self._label_bias_MB1: FloatArray | None = None
        if of_vertical_BM is not None:
            self._label_bias_MB1 = (of_vertical_BM.detach().T * scale_M1).unsqueeze(2).numpy()
        num_features, num_rows, kernel_size = weight_MFRK.shape[1:]
        self._rows = RowsAbove(num_rows, kernel_size, (num_features, batch, width))
        self._is_last = layer.is_last
        self.below_MBW = np.repeat(self._link_bias_MB1, width, axis=2)

    def compute(self, x_FBW: FloatArray) -> FloatArray:
        """Compute the addend of the row below and the next layer's input: (p, B, W)."""
        self._rows.push(x_FBW)
        before_MBW = np.dot(self._weight_MX, self._rows.windows()).reshape(-1, *x_FBW.shape[1:])
        before_MBW += self._bias_M11
        below_MN = np.dot(self._link_MM, before_MBW.reshape(len(before_MBW), -1))
        self.below_MBW = below_MN.reshape(before_MBW.shape) + self._link_bias_MB1
        if self._is_last:
            return x_FBW
        if self._label_bias_MB1 is not None:
            before_MBW += self._label_bias_MB1
        return _gated(before_MBW)


class _HorizontalLayer:
    """One layer of the horizontal stack, along a row."""

    def __init__(self, layer: GatedLayer, batch: int, width: int) -> None:
        weight_MFT = layer.horizontal.masked_weight().detach().squeeze(2)
        scaled_MFT = weight_MFT * _scales(len(weight_MFT)).unsqueeze(2)
        self._weight_MX: FloatArray = scaled_MFT.transpose(1, 2).flatten(1).numpy()
        self._out = Affine(layer.out)
        self._is_residual = layer.is_residual
        self._taps = RowTaps(weight_MFT.shape[2], (weight_MFT.shape[1], batch, width))

    def compute(self, x_FAm: FloatArray, below_MAm: FloatArray, active: Active, first: int) -> FloatArray:
        """Output features (p, A, m) of the columns from ``first`` on."""
        before_MN = np.dot(self._weight_MX, self._taps.put(x_FAm, active, first))
        before_MN += below_MAm.reshape(before_MN.shape)
        out_FN = self._out(_gated(before_MN))
        if self._is_residual:
            out_FN += x_FAm.reshape(out_FN.shape)
        return out_FN.reshape(len(out_FN), *x_FAm.shape[1:])


def _gated(before: FloatArray) -> FloatArray:
    """tanh(a) ⊙ σ(b) of the halves a and b/2 of the rows; the argument is overwritten."""
    np.tanh(before, out=before)
    gated, gates = before[: len(before) // 2], before[len(before) // 2 :]
    gates += 1.0
    gated *= gates
    gated *= 0.5
    return gated


def _scales(num_before_gate: int) -> Tensor:
    """Factors (M, 1) of the features before a gate: 1 for the values, one half for the gates."""
    scale_M1 = torch.ones(num_before_gate, 1)
    scale_M1[num_before_gate // 2 :] = 0.5
    return scale_M1
