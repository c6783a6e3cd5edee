r"""Conditionals of a Gated PixelCNN for an image row at once; see ``BlockConditionals``.

The vertical stack reads complete rows only, so it is computed once when a row is entered. A round then computes the
horizontal stack along the row, from the first column whose guess has changed: to the left of it nothing does.

Gates are computed as in ``gated_pixelcnn.sampler``: the halves of σ(b) = (1 + tanh(b/2)) / 2 are folded into weights.

Shape legend: B batch, A images of it, C channels, L levels, W columns, F input features, p features after a gate, M
= 2p before it, R kernel rows, K kernel columns, T = K // 2 + 1 horizontal taps, n steps of a row, m columns computed.
"""

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

from gmstudio.families.autoregressive.block_sweep import Values, even_blocks
from gmstudio.families.autoregressive.drawing import IntArray
from gmstudio.families.autoregressive.gated_pixelcnn.layers import GatedLayer
from gmstudio.families.autoregressive.masked_conv import MaskedConv2d
from gmstudio.families.autoregressive.raster import scale_levels
from gmstudio.nn.stepping.ops import FloatArray

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.gated_pixelcnn.model import GatedPixelCNN


class GatedRows:
    """Logits of a row from both stacks.

    Args:
        model: the network; its weights are read as long as rows are entered.
        batch: images B.
        labels_B: rows of the layers' tables of labels, see ``GatedLayer``.
    """

    def __init__(self, model: "GatedPixelCNN", batch: int, labels_B: Tensor | None) -> None:
        self._model = model
        channels, _, width = model.image.shape
        self._channels, self._width = channels, width
        self.blocks = even_blocks(model.image.num_dims, width * channels)
        layers = [model.input, *cast(list[GatedLayer], list(model.layers))]
        self._vertical = [_VerticalLayer(layer, batch, width, labels_B) for layer in layers]
        self._horizontal = [_HorizontalLayer(layer, batch, width) for layer in layers]
        self._head, self._output = _pointwise(model.head), _pointwise(model.output)
        self._features_FBW = np.zeros((model.outputs.num_features, batch, width), dtype=np.float32)
        levels = model.image.levels
        self._scaled_L: FloatArray = scale_levels(torch.arange(levels).float(), levels).numpy()
        self._guess_Bn: Values | None = None

    def enter(self, block: slice, before_Bn: Values) -> None:
        """See ``BlockConditionals``."""
        for row_CBW in self._scaled(before_Bn).transpose(2, 0, 1, 3):
            for layer in self._vertical:
                row_CBW = layer.compute(row_CBW)
        self._guess_Bn = None

    def logits(self, values_An: Values, active_A: IntArray) -> FloatArray:
        """See ``BlockConditionals``."""
        first = self._first_changed(values_An, active_A)
        x_FAm = self._scaled(values_An)[:, :, 0, first:]
        for number, layer in enumerate(self._horizontal):
            x_FAm = layer.compute(x_FAm, self._vertical[number].below_MBW[:, active_A, first:], active_A, first)
        hidden_FN = np.maximum(x_FAm, 0.0).reshape(len(x_FAm), -1)
        hidden_FN = np.maximum(_affine(self._head, hidden_FN), 0.0)
        out_FAm = _affine(self._output, hidden_FN).reshape(-1, *x_FAm.shape[1:])
        self._features_FBW[:, active_A, first:] = out_FAm
        features_AF1W = torch.from_numpy(self._features_FBW[:, active_A]).transpose(0, 1).unsqueeze(2)
        values_AC1W = torch.from_numpy(values_An.reshape(-1, 1, self._width, self._channels)).permute(0, 3, 1, 2)
        with torch.no_grad():
            log_probs_AC1WL = self._model.outputs.log_probs(features_AF1W, values_AC1W)
        logits_AnL: FloatArray = log_probs_AC1WL.squeeze(2).transpose(1, 2).flatten(1, 2).numpy()
        return logits_AnL

    def _scaled(self, values_Bn: Values) -> FloatArray:
        """Values of complete rows as the network's input: (C, B, rows, W)."""
        rows = self._scaled_L[values_Bn].reshape(len(values_Bn), -1, self._width, self._channels)
        scaled_CBRW: FloatArray = np.ascontiguousarray(rows.transpose(3, 0, 1, 2))
        return scaled_CBRW

    def _first_changed(self, values_An: Values, active_A: IntArray) -> int:
        """First column that may differ from the round before; the features left of it are kept."""
        if self._guess_Bn is None:
            self._guess_Bn = values_An.copy()
            return 0
        changed_n = (values_An != self._guess_Bn[active_A]).any(axis=0)
        self._guess_Bn[active_A] = values_An
        return int(changed_n.argmax()) // self._channels


class _VerticalLayer:
    """One layer of the vertical stack, a row at a time.

    Attributes:
        below_MBW: addend of the horizontal stack in the row below.
    """

    def __init__(self, layer: GatedLayer, batch: int, width: int, labels_B: Tensor | None) -> None:
        weight_MFRK = layer.vertical.weight.detach()
        bias = layer.vertical.bias
        assert bias is not None and layer.link.bias is not None
        num_rows, kernel_size = weight_MFRK.shape[2:]
        scale_M1 = _scales(len(weight_MFRK))
        weight_MX = weight_MFRK.permute(0, 2, 3, 1).flatten(1)  # by kernel row, column and feature
        self._weight_MX: FloatArray = (weight_MX * scale_M1).numpy()
        self._bias_M11: FloatArray = (bias.detach().unsqueeze(1) * scale_M1).unsqueeze(2).numpy()
        # The link reads scaled features and computes scaled ones.
        self._link_MM: FloatArray = (layer.link.weight.detach().flatten(1) * scale_M1 / scale_M1.T).numpy()
        link_bias_M1 = layer.link.bias.detach().unsqueeze(1) * scale_M1
        of_vertical_BM, of_horizontal_BM = layer.label_features(labels_B)
        link_bias_MB = link_bias_M1.expand(-1, batch)
        if of_horizontal_BM is not None:
            link_bias_MB = link_bias_MB + of_horizontal_BM.detach().T * scale_M1
        self._link_bias_MB1: FloatArray = link_bias_MB.unsqueeze(2).numpy()
        self._label_bias_MB1: FloatArray | None = None
        if of_vertical_BM is not None:
            self._label_bias_MB1 = (of_vertical_BM.detach().T * scale_M1).unsqueeze(2).numpy()
        padding = kernel_size // 2
        self._rows = np.zeros((num_rows, weight_MFRK.shape[1], batch, width + 2 * padding), dtype=np.float32)
        self._own = slice(padding, padding + width)
        self._windows = np.zeros((num_rows, kernel_size, weight_MFRK.shape[1], batch, width), dtype=np.float32)
        self._is_last = layer.is_last
        self.below_MBW = np.repeat(self._link_bias_MB1, width, axis=2)

    def compute(self, x_FBW: FloatArray) -> FloatArray:
        """Compute the addend of the row below and the next layer's input: (p, B, W)."""
        self._rows[:-1] = self._rows[1:]
        self._rows[-1, :, :, self._own] = x_FBW
        width = x_FBW.shape[2]
        for column in range(self._windows.shape[1]):
            self._windows[:, column] = self._rows[..., column : column + width]
        before_MN = self._weight_MX @ self._windows.reshape(self._weight_MX.shape[1], -1)
        before_MBW = before_MN.reshape(-1, *x_FBW.shape[1:]) + self._bias_M11
        below_MN = self._link_MM @ before_MBW.reshape(before_MN.shape)
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
        self._out = _pointwise(layer.out)
        self._is_residual = layer.is_residual
        self._num_taps = weight_MFT.shape[2]
        self._x_FBW = np.zeros((weight_MFT.shape[1], batch, self._num_taps - 1 + width), dtype=np.float32)

    def compute(self, x_FAm: FloatArray, below_MAm: FloatArray, active_A: IntArray, first: int) -> FloatArray:
        """Output features (p, A, m) of the columns from ``first`` on, which keeps the input for later rounds."""
        left = self._num_taps - 1
        self._x_FBW[:, active_A, left + first :] = x_FAm
        row_FAW = self._x_FBW[:, active_A, first:]
        taps = [row_FAW[:, :, tap : tap + x_FAm.shape[2]] for tap in range(self._num_taps)]
        before_MN = self._weight_MX @ np.concatenate(taps).reshape(self._weight_MX.shape[1], -1)
        before_MN += below_MAm.reshape(before_MN.shape)
        out_FN = _affine(self._out, _gated(before_MN))
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


def _pointwise(layer: MaskedConv2d) -> tuple[FloatArray, FloatArray]:
    """Weight (F', F) and bias (F', 1) of a 1×1 convolution."""
    return layer.masked_weight().detach().flatten(1).numpy(), layer.bias.detach().unsqueeze(1).numpy()


def _affine(weight_and_bias: tuple[FloatArray, FloatArray], x_FN: FloatArray) -> FloatArray:
    weight, bias = weight_and_bias
    product: FloatArray = weight @ x_FN
    product += bias
    return product
