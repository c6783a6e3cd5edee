"""What masked convolutions keep while images are generated pixel by pixel.

``PixelCache`` serves a 1×1 convolution, ``RowCache`` larger kernels. A causal kernel reads the rows above, which are
finished, and the current row up to the current column. So when a row begins, the part of every convolution that comes
from the rows above is computed for the whole row and all layers at once; a pixel then adds only the taps to its left
and at its centre. The working row holds, position after position,

    [ from above and bias (M) | input features (F) ]

so that the features left of a pixel, its part from above and its own features are one contiguous matrix, and the rest
of the convolution is one matrix product.

Letters: N layers of the same shape, F input features, M output features, G colour groups, K kernel size, P = K // 2,
W width. Batch axes come last, see ``step_ops``.
"""

import torch
from torch import Tensor

from gmstudio.nn.masked_conv import MaskedConv2d, MaskKind, group_slices
from gmstudio.nn.step_ops import Array, Program, StepOps


class RowCache:
    """The inputs of N masked convolutions of the same shape, over the rows generated so far.

    Args:
        ops: the array operations.
        layers: the convolutions; their weights are copied now.
        width: columns of the image.
        num_groups: colours G.
        kind: the mask of the layers.
        gain: the features stored are those that the layers expect times this.
        rewindable: keep every row, so that ``enter_row`` may go back; otherwise only the rows that are still needed.
    """

    def __init__(
        self,
        ops: StepOps,
        layers: list[MaskedConv2d],
        width: int,
        num_groups: int,
        *,
        kind: MaskKind,
        gain: float = 1.0,
        rewindable: bool = True,
    ) -> None:
        weight_NMFRK = torch.stack([layer.masked_weight().detach() for layer in layers]) / gain
        count, self._out_features, self._in_features, _, kernel_size = weight_NMFRK.shape
        self._ops = ops
        self._kind = kind
        self._padding = kernel_size // 2
        self._rewindable = rewindable
        self._in_slices = group_slices(self._in_features, num_groups)
        self._out_slices = group_slices(self._out_features, num_groups)
        self._bias = ops.load(torch.stack([layer.bias.detach() for layer in layers]).unsqueeze(1))
        self._bias = self._bias.reshape(count, 1, self._out_features, *(1 for _ in ops.tail))
        self._weights = [
            [ops.load(self._current_row_weight(weight, group)) for group in range(num_groups)]
            for weight in weight_NMFRK.unbind()
        ]
        self._above = _RowsAbove(ops, weight_NMFRK[:, :, :, : self._padding], width)
        slot = self._out_features + self._in_features
        working = ops.zeros(count, width + self._padding, slot)
        self._flat = working.reshape(count, -1, *ops.tail)
        self._from_above = working[:, self._padding :, : self._out_features]
        self._features = working[:, self._padding :, self._out_features :]
        self._history: dict[int, Array] = {}
        self.row: int | None = None
        """The row that is being generated."""

    def feature(self, layer: int, column: int, group: int) -> Array:
        """Where a colour's input features of a layer at a column of the current row belong."""
        return self._features[layer, column, self._in_slices[group]]

    def linear(self, layer: int, column: int, group: int, out: Array) -> Program:
        """The calls that compute a colour's output of a layer at a column, once the features there are in place."""
        slot = self._out_features + self._in_features
        start = column * slot + self._out_features
        stop = start + self._padding * slot + self._centre_features(group)
        return self._ops.linear(self._weights[layer][group], self._flat[layer, start:stop], out)

    def enter_row(self, row: int) -> None:
        """Make ``row`` the current one: the next one, or one that was there before."""
        if self.row is not None and row == self.row + 1:
            self._history[self.row] = self._ops.copy(self._features)
            if not self._rewindable:
                self._history.pop(self.row - self._padding, None)
        elif row in self._history:
            self._features[...] = self._history[row]
        self.row = row
        for offset in range(self._padding):
            self._above.load(offset, self._history.get(row - self._padding + offset))
        self._from_above[...] = self._above.products() + self._bias

    def _centre_features(self, group: int) -> int:
        """Input features at the current pixel that a colour's outputs may read: those of a prefix of the groups."""
        own = self._in_slices[group]
        stop: int = own.start if self._kind == "A" else own.stop
        return stop

    def _current_row_weight(self, weight_MFRK: Tensor, group: int) -> Tensor:
        """The matrix that takes [features left, …, from above, features at the centre] to a colour's outputs."""
        rows = self._out_slices[group]
        weight_MFK = weight_MFRK[rows, :, -1]
        ignored = weight_MFK.new_zeros(weight_MFK.shape[0], self._out_features)
        from_above = torch.eye(self._out_features, dtype=weight_MFK.dtype, device=weight_MFK.device)[rows]
        blocks = []
        for tap in range(self._padding):
            blocks += [weight_MFK[:, :, tap], from_above if tap == self._padding - 1 else ignored]
        return torch.cat([*blocks, weight_MFK[:, : self._centre_features(group), self._padding]], dim=1)


class PixelCache:
    """A ReLU and the 1×1 convolution that follows it, at the current pixel, one colour at a time.

    Args:
        ops: the array operations.
        layer: the convolution, with mask B; its weights are copied now.
        num_groups: colours G.
    """

    def __init__(self, ops: StepOps, layer: MaskedConv2d, num_groups: int) -> None:
        weight_MF = layer.masked_weight().detach().flatten(1)
        self._ops = ops
        self._in_slices = group_slices(weight_MF.shape[1], num_groups)
        self._out_slices = group_slices(weight_MF.shape[0], num_groups)
        with_bias = torch.cat([layer.bias.detach().unsqueeze(1), weight_MF / ops.relu_gain], dim=1)
        self._weights = [
            ops.load(with_bias[rows, : 1 + read.stop])
            for rows, read in zip(self._out_slices, self._in_slices, strict=True)
        ]
        self._rectified = ops.zeros(1 + weight_MF.shape[1])
        self._rectified[0] = 1.0  # multiplies the bias

    def program(self, group: int, x: Array, out: Array) -> Program:
        """The calls that compute a colour's part of ``out`` (M, B) from its part of ``x`` (F, B).

        Those of the earlier colours at the same pixel have been run before.
        """
        own = self._in_slices[group]
        return [
            *self._ops.relu(x[own], self._rectified[1 + own.start : 1 + own.stop]),
            *self._ops.linear(self._weights[group], self._rectified[: 1 + own.stop], out[self._out_slices[group]]),
        ]


class _RowsAbove:
    """The kernel rows above the current one, for a whole image row and all layers at once.

    Args:
        ops: the array operations.
        weight_NMFPK: the weights of those kernel rows.
        width: columns of the image.
    """

    def __init__(self, ops: StepOps, weight_NMFPK: Tensor, width: int) -> None:
        self._ops = ops
        self._count, self._out_features, in_features, self._num_rows, kernel_size = weight_NMFPK.shape
        self._columns = slice(kernel_size // 2, kernel_size // 2 + width)
        self._rows = ops.zeros(self._num_rows * self._count, width + kernel_size - 1, in_features)
        self._windows = ops.windows(self._rows, kernel_size)
        self._weights = ops.load(weight_NMFPK.permute(3, 0, 1, 4, 2).flatten(3).flatten(0, 1))

    def load(self, offset: int, features: Array | None) -> None:
        """Set the features (N, W, F, B) that kernel row ``offset`` reads; None: the row is outside the image."""
        layers = slice(offset * self._count, (offset + 1) * self._count)
        self._rows[layers, self._columns] = 0.0 if features is None else features

    def products(self) -> Array:
        """What these rows contribute, (N, W, M, B)."""
        by_row = self._ops.window_products(self._weights, self._windows)
        return by_row.reshape(self._num_rows, self._count, *by_row.shape[1:]).sum(0)
