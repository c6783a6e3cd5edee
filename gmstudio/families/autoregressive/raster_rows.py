r"""Conditionals of a raster family for an image row at once; see ``BlockConditionals``.

What comes from complete rows is computed once, when a row is entered. A round then computes features along the row,
from the first column whose guess has changed: left of it nothing does.

Shape legend: B batch, A images of it, C channels, L levels, H height, W columns, F features, n steps of a row, m
columns computed.
"""

from abc import ABC, abstractmethod

import numpy as np
import torch

from gmstudio.families.autoregressive.block_sweep import Values, even_blocks
from gmstudio.families.autoregressive.drawing import IntArray
from gmstudio.families.autoregressive.masked_conv import MaskedConv2d
from gmstudio.families.autoregressive.raster import RasterFamily, scale_levels
from gmstudio.nn.stepping.ops import FloatArray

Active = IntArray | slice
"""Images of the batch: their indices, or a slice for all of them, which saves copies."""


class RasterRows(ABC):
    """Base of the conditionals by rows.

    Args:
        model: the network; its weights are read as long as rows are entered.
        batch: images B.
    """

    repeats = True

    def __init__(self, model: RasterFamily, batch: int) -> None:
        self._outputs = model.outputs
        self._channels, _, self._width = model.image.shape
        self._batch = batch
        self.blocks = even_blocks(model.image.num_dims, self._width * self._channels)
        self._features_FBW = np.zeros((model.outputs.num_features, batch, self._width), dtype=np.float32)
        levels = model.image.levels
        self._scaled_L: FloatArray = scale_levels(torch.arange(levels).float(), levels).numpy()
        self._guess_Bn: Values | None = None

    @abstractmethod
    def _enter_row(self) -> None:
        """Compute what the rows so far contribute to the next one."""

    @abstractmethod
    def _leave_row(self, x_CBW: FloatArray) -> None:
        """Keep a complete row; its features have been computed by ``_row_features``."""

    @abstractmethod
    def _row_features(self, x_CAm: FloatArray, active: Active, first: int) -> FloatArray:
        """Features for the output, (F, A, m), of the columns from ``first`` on, given their scaled values."""

    def enter(self, block: slice, before_Bn: Values) -> None:
        """See ``BlockConditionals``."""
        is_computed = self._guess_Bn is not None
        for x_CBW in self._scaled(before_Bn).transpose(2, 0, 1, 3):
            if not is_computed:
                self._enter_row()
                self._row_features(x_CBW, slice(None), 0)
            self._leave_row(x_CBW)
        self._guess_Bn = None
        self._enter_row()

    def logits(self, values_An: Values, active_A: IntArray) -> FloatArray:
        """See ``BlockConditionals``."""
        active: Active = slice(None) if len(active_A) == self._batch else active_A
        first = self._first_changed(values_An, active)
        x_CAm = self._scaled(values_An)[:, :, 0, first:]
        self._features_FBW[:, active, first:] = self._row_features(x_CAm, active, first)
        features_AF1W = torch.from_numpy(self._features_FBW[:, active]).transpose(0, 1).unsqueeze(2)
        values_AC1W = torch.from_numpy(values_An.reshape(-1, 1, self._width, self._channels)).permute(0, 3, 1, 2)
        with torch.no_grad():
            log_probs_AC1WL = self._outputs.log_probs(features_AF1W, values_AC1W)
        logits_AnL: FloatArray = log_probs_AC1WL.squeeze(2).transpose(1, 2).flatten(1, 2).numpy()
        return logits_AnL

    def _scaled(self, values_Bn: Values) -> FloatArray:
        """Values of complete rows as the network's input: (C, B, rows, W)."""
        rows = self._scaled_L[values_Bn].reshape(len(values_Bn), -1, self._width, self._channels)
        scaled_CBRW: FloatArray = np.ascontiguousarray(rows.transpose(3, 0, 1, 2))
        return scaled_CBRW

    def _first_changed(self, values_An: Values, active: Active) -> int:
        """First column that may differ from the round before; the features left of it are kept."""
        if self._guess_Bn is None:
            self._guess_Bn = values_An.copy()
            return 0
        changed_n = (values_An != self._guess_Bn[active]).any(axis=0)
        self._guess_Bn[active] = values_An
        return int(changed_n.argmax()) // self._channels


class Affine:
    """A 1×1 convolution of features (F, N).

    Args:
        layer: the convolution; its weights are read.
    """

    def __init__(self, layer: MaskedConv2d) -> None:
        self._weight: FloatArray = layer.masked_weight().detach().flatten(1).numpy()
        self._bias: FloatArray = layer.bias.detach().unsqueeze(1).numpy()

    def __call__(self, x_FN: FloatArray) -> FloatArray:
        """(F', N)."""
        product: FloatArray = np.dot(self._weight, x_FN)
        product += self._bias
        return product


class RowsAbove:
    """The last complete rows of a feature map, and a kernel's windows of them.

    Args:
        num_rows: rows R that the kernel reads.
        kernel_size: columns K.
        shape: features, batch and columns of a row.
    """

    def __init__(self, num_rows: int, kernel_size: int, shape: tuple[int, int, int]) -> None:
        features, batch, width = shape
        padding = kernel_size // 2
        self._own = slice(padding, padding + width)
        self._rows = np.zeros((num_rows, features, batch, width + 2 * padding), dtype=np.float32)
        self._windows = np.zeros((num_rows, kernel_size, features, batch, width), dtype=np.float32)

    def push(self, x_FBW: FloatArray) -> None:
        """Add a row, and forget the first one."""
        self._rows[:-1] = self._rows[1:]
        self._rows[-1, :, :, self._own] = x_FBW

    def windows(self) -> FloatArray:
        """(R·K·F, B·W): for each position the features in the kernel's window; valid until the next call."""
        width = self._windows.shape[-1]
        for column in range(self._windows.shape[1]):
            self._windows[:, column] = self._rows[..., column : column + width]
        return self._windows.reshape(-1, self._windows.shape[3] * width)


class RowTaps:
    """A row of features while it is computed, and the taps of a causal kernel left of each position and at it.

    Args:
        num_taps: T, the last one at the position itself.
        shape: features, batch and columns of the row.
    """

    def __init__(self, num_taps: int, shape: tuple[int, int, int]) -> None:
        features, batch, width = shape
        self._num_taps = num_taps
        self._x_FBW = np.zeros((features, batch, num_taps - 1 + width), dtype=np.float32)

    def put(self, x_FAm: FloatArray, active: Active, first: int) -> FloatArray:
        """Keep the features of the columns from ``first`` on, and return their taps: (T·F, A·m)."""
        self._x_FBW[:, active, self._num_taps - 1 + first :] = x_FAm
        row_FAW = self._x_FBW[:, active, first:]
        count = x_FAm.shape[2]
        taps = np.concatenate([row_FAW[:, :, tap : tap + count] for tap in range(self._num_taps)])
        return taps.reshape(len(taps), -1)

    @property
    def row(self) -> FloatArray:
        """(F, B, W)."""
        return self._x_FBW[:, :, self._num_taps - 1 :]
