"""Cache of masked convolutions while images are generated pixel by pixel.

``PixelCache`` serves a 1×1 convolution, ``RowCache`` larger kernels. A causal kernel reads the rows above, which are
complete, and the current row up to the current column. So when a row begins, the part of every convolution that comes
from the rows above is computed for the whole row and all layers at once; a pixel then adds only the taps to its left
and at its centre. The working row holds, position after position,

    [ from above and bias (M) | input features (F) ]

so that the features left of a pixel, its part from above and its own features are one contiguous matrix, and the rest
of the convolution is one matrix product.

Letters: N layers of the same shape, F input features, M output features, G colour groups, K kernel size, P = K // 2,
W width. Batch axes come last, see ``gmstudio.nn.stepping.ops``.
"""

from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from gmstudio.families.autoregressive.masked_conv import MaskedConv2d, MaskKind, group_slices
from gmstudio.nn.stepping.ops import Array, Program, StepOps


class RowCache:
    """Inputs of N masked convolutions of the same shape, over the rows generated so far.

    Args:
        ops: the array operations.
        layers: the convolutions; their weights are copied now.
        width: columns of the image.
        num_groups: colours G.
        kind: the mask of the layers.
        rewindable: keep every row, so that ``enter_row`` may go back to it.
    """

    def __init__(
        self,
        ops: StepOps,
        layers: list[MaskedConv2d],
        width: int,
        num_groups: int,
        *,
        kind: MaskKind,
        rewindable: bool = True,
    ) -> None:
        weight_NMFRK = torch.stack([layer.masked_weight().detach() for layer in layers])
        bias_NM = torch.stack([layer.bias.detach() for layer in layers])
        count, self._out_features, self._in_features, _, kernel_size = weight_NMFRK.shape
        self._ops = ops
        self._kind = kind
        self._padding = kernel_size // 2
        self._in_slices = group_slices(self._in_features, num_groups)
        self._out_slices = group_slices(self._out_features, num_groups)
        self._weights = [ops.load(self._current_row_weight(weight_NMFRK, group)) for group in range(num_groups)]
        slot = self._out_features + self._in_features
        working = ops.zeros(count, width + self._padding, slot)
        self._flat = working.reshape(count, -1, *ops.tail)
        self._features = working[:, self._padding :, self._out_features :]
        from_above = working[:, self._padding :, : self._out_features]
        self._above = _RowsAbove(ops, weight_NMFRK[:, :, :, : self._padding], bias_NM, from_above)
        self._history: dict[int, Array] | None = {} if rewindable else None
        self.row: int | None = None
        """The row that is being generated."""

    def feature(self, layer: int, column: int, group: int) -> Array:
        """Cache slice of a colour's input features of a layer at a column of the current row."""
        return self._features[layer, column, self._in_slices[group]]

    def linear(self, layer: int, column: int, group: int, out: Array) -> Program:
        """Calls that compute a colour's output of a layer at a column, once the features there are in place."""
        slot = self._out_features + self._in_features
        start = column * slot + self._out_features
        stop = start + self._padding * slot + self._centre_features(group)
        return self._ops.linear(self._weights[group][layer], self._flat[layer, start:stop], out)

    def enter_row(self, row: int) -> None:
        """Make ``row`` the current one: the next one, or an earlier one."""
        if self.row is not None and row == self.row + 1:
            if self._history is not None:
                self._history[self.row] = self._ops.copy(self._features)
            self._above.push(self._features)
        elif self._history is not None and row in self._history:
            self._features[...] = self._history[row]
            for above in range(row - self._padding, row):
                self._above.push(self._history.get(above))
        self.row = row
        self._above.compute()

    def _centre_features(self, group: int) -> int:
        """Input features at the current pixel that a colour's outputs may read: those of a prefix of the groups."""
        own = self._in_slices[group]
        stop: int = own.start if self._kind == "A" else own.stop
        return stop

    def _current_row_weight(self, weight_NMFRK: Tensor, group: int) -> Tensor:
        """Matrices from [features left, …, from above, features at the centre] to a colour's outputs."""
        rows = self._out_slices[group]
        weight_NMFK = weight_NMFRK[:, rows, :, -1]
        ignored = weight_NMFK.new_zeros(*weight_NMFK.shape[:2], self._out_features)
        from_above = ignored + torch.eye(self._out_features, dtype=ignored.dtype, device=ignored.device)[rows]
        blocks = []
        for tap in range(self._padding):
            blocks += [weight_NMFK[..., tap], from_above if tap == self._padding - 1 else ignored]
        return torch.cat([*blocks, weight_NMFK[:, :, : self._centre_features(group), self._padding]], dim=2)


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
        out_slices = group_slices(weight_MF.shape[0], num_groups)
        with_bias = torch.cat([layer.bias.detach().unsqueeze(1), weight_MF], dim=1)
        self._weights = [
            ops.load(with_bias[rows, : 1 + read.stop]) for rows, read in zip(out_slices, self._in_slices, strict=True)
        ]
        self._rectified = ops.zeros(1 + weight_MF.shape[1])
        self._rectified[0] = 1.0  # multiplies the bias

    def num_inputs(self, group: int) -> int:
        """Number of input features of a colour."""
        own = self._in_slices[group]
        return int(own.stop - own.start)

    def program(self, group: int, x: Array, out: Array) -> Program:
        """Calls that compute a colour's output features from its input features, both (…, B).

        Those of the earlier colours at the same pixel have been run before.
        """
        own = self._in_slices[group]
        return [
            *self._ops.relu(x, self._rectified[1 + own.start : 1 + own.stop]),
            *self._ops.linear(self._weights[group], self._rectified[: 1 + own.stop], out),
        ]


class _RowsAbove:
    """Convolution with the kernel rows above the current one, for a whole image row and all layers at once.

    Args:
        ops: the array operations.
        weight_NMFPK: weights of those kernel rows.
        bias_NM: bias, which is added here.
        out: (N, W, M, B), receives the results.
    """

    def __init__(self, ops: StepOps, weight_NMFPK: Tensor, bias_NM: Tensor, out: Array) -> None:
        count, _out_features, in_features, num_rows, kernel_size = weight_NMFPK.shape
        width = out.shape[1]
        self._ops = ops
        self._out = out
        # Each position holds its features and a one, which multiplies the bias; the first row's centre tap has it.
        weight_PNMKF = functional.pad(weight_NMFPK.permute(3, 0, 1, 4, 2), (0, 1))
        weight_PNMKF[0, :, :, kernel_size // 2, -1] = bias_NM
        self._weights = [ops.load(weight.flatten(2)) for weight in weight_PNMKF]
        rows = [ops.zeros(count, width + kernel_size - 1, in_features + 1) for _ in range(num_rows)]
        for row in rows:
            row[:, :, -1] = 1.0
        columns = slice(kernel_size // 2, kernel_size // 2 + width)
        self._rows = [row[:, columns, :-1] for row in rows]
        self._windows = [ops.windows(row, kernel_size) for row in rows]

    def push(self, features: Array | None) -> None:
        """Move all rows up by one and set the last to features (N, W, F, B); None: it is outside the image."""
        for upper, lower in pairwise(self._rows):
            upper[...] = lower
        self._rows[-1][...] = 0.0 if features is None else features

    def compute(self) -> None:
        """Write the contributions of these rows and of the bias."""
        self._ops.window_products(self._weights[0], self._windows[0], self._out)
        for weights, windows in zip(self._weights[1:], self._windows[1:], strict=True):
            self._out += self._ops.window_products(weights, windows)
