r"""What gated layers keep while images are generated pixel by pixel.

The vertical stack sees finished rows only, so it is computed a whole row at a time, when the row below begins
(``VerticalRows``), with what the horizontal stack takes from it. The horizontal stack is computed at one position; the
features to its left and its own are one contiguous matrix (``HorizontalRow``).

Gates need one kind of function only: \sigma(b) = (1 + \tanh(b/2))/2, so b's weights are halved beforehand, and so are
those that read the result, u (1 + w) with u and w the hyperbolic tangents of both halves.

Letters: F input features, M = 2p features before a gate, K kernel size, P = K // 2, R = P + 1 kernel rows, W width.
Batch axes come last, see ``step_ops``.
"""

import torch
from torch import Tensor

from gmstudio.families.autoregressive.gated_pixelcnn.layers import GatedLayer
from gmstudio.families.autoregressive.masked_conv import group_slices
from gmstudio.nn.stepping.ops import Array, Program, StepOps


class VerticalRows:
    """The vertical stack of some gated layers, one row after another.

    Args:
        ops: the array operations.
        layers: the layers, from the input on; their weights are copied now.
        width: columns of the image.
        num_groups: colours of the horizontal stack.
        rewindable: keep every row, so that ``compute`` may go back.
        labels_B: what the images are conditioned on, see ``GatedLayer``.
    """

    def __init__(
        self,
        ops: StepOps,
        layers: list[GatedLayer],
        width: int,
        num_groups: int,
        *,
        rewindable: bool = True,
        labels_B: Tensor | None = None,
    ) -> None:
        self._layers = [
            _VerticalLayer(ops, layer, width, num_groups, labels_B, reads_gated=number > 0)
            for number, layer in enumerate(layers)
        ]
        self._history: dict[int, list[Array]] | None = {} if rewindable else None
        self._ops = ops
        self._row = -1
        self.below = [layer.below for layer in self._layers]
        """For each layer, what the row below takes from this one: (W, M, B), features in the order ``by_group``."""

    def compute(self, row: int, features: Array) -> None:
        """Compute a row, the next one or one that was there before; ``features`` (W, F, B) is the input's."""
        if row != self._row + 1:
            assert self._history is not None
            for number, layer in enumerate(self._layers):
                for above in range(row - layer.num_rows, row):
                    layer.push(self._history[above][number] if above >= 0 else None)
        self._row = row
        kept = []
        for layer in self._layers:
            if self._history is not None:
                kept.append(self._ops.copy(features))
            layer.push(features)
            features = layer.compute()
        if self._history is not None:
            self._history[row] = kept

    def begin(self) -> None:
        """Forget all rows: the next one is the image's first, above which there is nothing."""
        self._row = -1
        for layer in self._layers:
            layer.clear()


class _VerticalLayer:
    """One layer of the vertical stack.

    Args:
        ops: the array operations.
        layer: the layer.
        width: columns of the image.
        num_groups: colours of the horizontal stack.
        labels_B: what the images are conditioned on.
        reads_gated: the features that come in are a gate's result.
    """

    def __init__(
        self,
        ops: StepOps,
        layer: GatedLayer,
        width: int,
        num_groups: int,
        labels_B: Tensor | None,
        *,
        reads_gated: bool,
    ) -> None:
        weight_MFRK = layer.vertical.weight.detach()
        bias = layer.vertical.bias
        assert bias is not None and layer.link.bias is not None
        num_features, self._in_features, self.num_rows, kernel_size = weight_MFRK.shape
        self._ops = ops
        halves_M = _gate_halves(num_features // 2).to(bias)
        # Each position holds its features in all kernel rows; a window is K positions.
        weight_MX = weight_MFRK.permute(0, 3, 2, 1).flatten(1) * halves_M.unsqueeze(1)
        self._weight = ops.load((0.5 * weight_MX if reads_gated else weight_MX).unsqueeze(0))
        self._bias = ops.load(self._column(bias.detach() * halves_M))
        order_M = by_group(num_features // 2, num_groups)
        link_MM = layer.link.weight.detach().flatten(1) * halves_M.unsqueeze(1) / halves_M
        self._link = ops.load(link_MM[order_M].unsqueeze(0))
        self._link_bias = ops.load(self._column((layer.link.bias.detach() * halves_M)[order_M]))
        of_vertical_BM, of_horizontal_BM = layer.label_features(labels_B)
        if of_horizontal_BM is not None:  # goes where the vertical stack goes, so that no pixel has to add it
            self._link_bias = self._link_bias + ops.load_rows((of_horizontal_BM * halves_M)[:, order_M])
        self._label_bias = None if of_vertical_BM is None else ops.load_rows(of_vertical_BM * halves_M)
        self._rows = ops.zeros(1, width + kernel_size - 1, self.num_rows * self._in_features)
        self._inner = self._rows[0, kernel_size // 2 : kernel_size // 2 + width]
        self._windows = ops.windows(self._rows, kernel_size)
        self._before_gate = ops.zeros(1, width, num_features)
        self._below = ops.zeros(1, width, num_features)
        self.below = self._below[0]
        self.clear()
        self._gated = ops.zeros(width, num_features // 2)
        values, gates = self._before_gate[0][:, : num_features // 2], self._before_gate[0][:, num_features // 2 :]
        self._gate = [] if layer.is_last else gate_program(ops, self._before_gate[0], values, gates, self._gated)

    def _column(self, values_M: Tensor) -> Tensor:
        """Shaped so that it can be added to (W, M, B), whose batch axis may be left away."""
        return values_M.view(-1, *[1 for _ in self._ops.tail])

    def clear(self) -> None:
        """Forget all rows; the row below takes nothing but the bias."""
        self._rows[...] = 0.0
        self.below[...] = self._link_bias

    def push(self, features: Array | None) -> None:
        """Move all rows up by one and set the last to features (W, F, B); None: it is outside the image."""
        own = self._in_features
        for row in range(self.num_rows - 1):
            self._inner[:, row * own : (row + 1) * own] = self._inner[:, (row + 1) * own : (row + 2) * own]
        self._inner[:, -own:] = 0.0 if features is None else features

    def compute(self) -> Array:
        """Compute ``below`` and return the gate's result (W, p, B), valid until the next time."""
        self._ops.window_products(self._weight, self._windows, self._before_gate)
        self._before_gate += self._bias
        self._ops.window_products(self._link, self._before_gate, self._below)
        self._below += self._link_bias
        if self._label_bias is not None:
            self._before_gate += self._label_bias
        for call in self._gate:
            call()
        return self._gated


class HorizontalRow:
    """The horizontal stack of one gated layer, over the row that is being generated.

    Args:
        ops: the array operations.
        layer: the layer; its weights are copied now.
        below: what the vertical stack contributes, see ``VerticalRows.below``.
        width: columns of the image.
        num_groups: colours.
    """

    def __init__(self, ops: StepOps, layer: GatedLayer, below: Array, width: int, num_groups: int) -> None:
        weight_MFK = layer.horizontal.masked_weight().detach().squeeze(2)
        num_features, self._in_features, taps = weight_MFK.shape
        half = num_features // 2
        self._ops = ops
        self._below = below
        self._is_residual = layer.is_residual
        self._padding = taps - 1
        self._in_slices = group_slices(self._in_features, num_groups)
        self._out_slices = group_slices(half, num_groups)
        # In the order by groups, a group's features before the gate are consecutive.
        ordered_MX = (weight_MFK * _gate_halves(half).to(weight_MFK).view(-1, 1, 1))[by_group(half, num_groups)]
        ordered_MX = ordered_MX.transpose(1, 2).flatten(1)
        self._centre_features = [own.start if layer.horizontal.kind == "A" else own.stop for own in self._in_slices]
        self._weights = [
            ops.load(ordered_MX[2 * own.start : 2 * own.stop, : self._padding * self._in_features + centre])
            for own, centre in zip(self._out_slices, self._centre_features, strict=True)
        ]
        out_FF = layer.out.masked_weight().detach().flatten(1)
        out_FX = torch.cat([layer.out.bias.detach().unsqueeze(1), 0.5 * out_FF], dim=1)
        self._out_weights = [ops.load(out_FX[own, : 1 + own.stop]) for own in self._out_slices]
        row = ops.zeros(width + self._padding, self._in_features)
        self._flat = row.reshape(-1, *ops.tail)
        self._features = row[self._padding :]
        self._gated = ops.zeros(1 + half)
        self._gated[0] = 1.0  # multiplies the bias
        self._before_gate = ops.zeros(num_features)
        self._update = ops.zeros(half)

    def feature(self, column: int, group: int) -> Array:
        """Where a colour's input features at a column belong."""
        return self._features[column, self._in_slices[group]]

    def program(self, column: int, group: int, out: Array) -> Program:
        """The calls that compute a colour's output features from its input features at a column.

        Those of the earlier colours at the same pixel have been run before.
        """
        ops, own = self._ops, self._out_slices[group]
        rows = slice(2 * own.start, 2 * own.stop)
        middle = own.start + own.stop
        start = column * self._in_features
        stop = start + self._padding * self._in_features + self._centre_features[group]
        before_gate = self._before_gate[rows]
        program = [
            *ops.linear(self._weights[group], self._flat[start:stop], before_gate),
            *ops.add(before_gate, self._below[column, rows], before_gate),
            *gate_program(
                ops,
                before_gate,
                self._before_gate[rows.start : middle],
                self._before_gate[middle : rows.stop],
                self._gated[1 + own.start : 1 + own.stop],
            ),
        ]
        rectified = self._gated[: 1 + own.stop]
        if not self._is_residual:
            return [*program, *ops.linear(self._out_weights[group], rectified, out)]
        update = self._update[own]
        return [
            *program,
            *ops.linear(self._out_weights[group], rectified, update),
            *ops.add(self.feature(column, group), update, out),
        ]


def by_group(half_features: int, num_groups: int) -> Tensor:
    """Where features before a gate come from when each colour's are made consecutive, first half before second."""
    index = torch.arange(2 * half_features).view(2, half_features)
    return torch.cat([index[:, own].flatten() for own in group_slices(half_features, num_groups)])


def gate_program(ops: StepOps, both: Array, values: Array, gates: Array, out: Array) -> Program:
    """Compute out = u (1 + w), with u and w the hyperbolic tangents of both halves; overwrites them."""
    return [*ops.tanh(both, both), *ops.multiply(values, gates, out), *ops.add(out, values, out)]


def _gate_halves(half_features: int) -> Tensor:
    """What multiplies the features before a gate: 1 in the first half, ½ in the second."""
    return torch.cat([torch.ones(half_features), torch.full((half_features,), 0.5)])
