r"""Incremental sampling of gated layers: rows of the vertical stack, and positions of the horizontal stack.

The vertical stack sees complete rows only, so ``VerticalRows`` computes it a row at a time, when the row below begins.
``HorizontalRow`` computes the horizontal stack at one pixel, from the features to its left and its own.

*Folded factors.* A gate is \tanh(a) \odot \sigma(b), with the values a and the gates b. Because
\sigma(b) = (1 + \tanh(b/2)) / 2, hyperbolic tangents are all that is needed, and one call takes them of a and b
together. The two factors of one half are multiplied into weights when these are loaded, so that no step spends a call
on them: ``GATE_SCALE`` into the weights that compute b, and ``GATED_SCALE`` into the weights that read the gate's
result, which ``gate_program`` leaves doubled, \tanh(a) (1 + \tanh(b/2)).

*Example.* A binary image of 4 columns, one residual layer with K = 3 and p = 1; two features go into each gate, a and
b. Rows 0 and 1 are complete, and pixel (row 2, column 1) comes next.

1. When row 2 began, ``VerticalRows.compute(1, …)`` took row 1 in. One buffer has a place for each column, with one
   place of zeros beside either border, which holds the features of row 0; another one has those of row 1 (both are the
   kernel's K // 2 + 1 = 2 rows). A window of 3 places times a row of the 2×3 kernel is that row's part of [a, b/2]
   of the vertical stack at (1, column), for all columns in one product. Another product, with the 1×1 link, gives
   ``below``: the addend of the horizontal stack's [a, b/2] at (2, column).
2. ``HorizontalRow.program(column=1, …)`` multiplies the features at (2, 0) and (2, 1), which lie side by side, by the
   1×3 kernel's two causal taps. (In a layer of mask A the features at (2, 1) itself are left out.) Adding ``below``
   at column 1 completes [a, b/2].
3. ``gate_program`` turns them into u = tanh(a), w = tanh(b/2), and u + u·w = 2 tanh(a) σ(b).
4. The 1×1 convolution behind the gate, its weights halved, adds its result to the features at (2, 1). The sum is
   written where the next layer reads its features.

Legend of suffixes: F input features, p features after a gate, M = 2p before it, R kernel rows, K kernel columns,
W width. Batch axes come last, see ``gmstudio.nn.stepping.ops``.
"""

from itertools import pairwise

import torch
from torch import Tensor

from gmstudio.families.autoregressive.gated_pixelcnn.layers import GatedLayer
from gmstudio.families.autoregressive.masked_conv import group_slices
from gmstudio.nn.stepping.ahead import Ahead
from gmstudio.nn.stepping.ops import Array, Program, StepOps

GATE_SCALE = 0.5
"""Factor of b in σ(b) = (1 + tanh(b/2)) / 2; multiplied into the weights that compute b."""
GATED_SCALE = 0.5
"""The factor before the parenthesis there; multiplied into the weights that read what ``gate_program`` computes."""


class VerticalRows:
    """The vertical stack of some gated layers, one row after another.

    Half of a row's products are those of the rows above it. Where one image is generated without going back, a second
    thread computes them while the row's pixels are generated.

    Args:
        ops: the array operations.
        layers: the layers, from the input on; their weights are copied now.
        size: rows and columns of the image.
        num_groups: colours of the horizontal stack.
        rewindable: keep every row, so that ``compute`` may go back.
        labels_B: labels that the images are conditioned on, see ``GatedLayer``.
    """

    def __init__(
        self,
        ops: StepOps,
        layers: list[GatedLayer],
        size: tuple[int, int],
        num_groups: int,
        *,
        rewindable: bool = True,
        labels_B: Tensor | None = None,
    ) -> None:
        height, width = size
        self._layers = [
            _VerticalLayer(ops, layer, width, num_groups, labels_B, reads_gated=number > 0)
            for number, layer in enumerate(layers)
        ]
        self._history: dict[int, list[Array]] | None = {} if rewindable else None
        self._ops = ops
        self._row = -1
        self._num_ahead = 0 if rewindable or ops.tail else height - 2
        """Rows behind which one follows that is computed as well; nothing is below the image's last row."""
        self._above = Ahead(ops.by_row([call for layer in self._layers for call in layer.above()], width).run)
        self._rows = ops.by_row(self._program(), width)
        self.below = [layer.below for layer in self._layers]
        """For each layer, the addend of the horizontal stack in the row below: (W, M, B), ordered by ``by_group``."""

    def compute(self, row: int, features: Array) -> None:
        """Compute a row, the next one or an earlier one; ``features`` (W, F, B) are the first layer's input."""
        if row != self._row + 1:
            assert self._history is not None
            self._above.forget()
            for number, layer in enumerate(self._layers):
                for above in range(row - layer.num_rows, row):
                    layer.push(self._history[above][number] if above >= 0 else None)
        self._row = row
        self._above.finish()
        self._layers[0].last[...] = features
        self._rows.run()
        if self._history is not None:
            self._history[row] = [self._ops.copy(layer.last) for layer in self._layers]
        if row < self._num_ahead:
            self._above.begin()

    def begin(self) -> None:
        """Forget all rows: the next one is the image's first, with nothing above it."""
        self._above.forget()
        self._row = -1
        for layer in self._layers:
            layer.clear()

    def _program(self) -> Program:
        """Calls that compute a row, of which each layer leaves its features where the next one reads them."""
        places = [*(layer.last for layer in self._layers[1:]), None]
        return [call for layer, place in zip(self._layers, places, strict=True) for call in layer.program(place)]


class _VerticalLayer:
    """One layer of the vertical stack.

    Args:
        ops: the array operations.
        layer: the layer.
        width: columns of the image.
        num_groups: colours of the horizontal stack.
        labels_B: labels that the images are conditioned on.
        reads_gated: whether the input is the result of a gate, which is doubled, see ``GATED_SCALE``.

    Attributes:
        num_rows: kernel rows R.
        last: (W, F, B), the input's last row.
        below: see ``VerticalRows.below``.
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
        num_before_gate, in_features, self.num_rows, kernel_size = weight_MFRK.shape
        self._num_gated = num_before_gate // 2
        self._ops = ops
        scale_M = _gate_scales(self._num_gated).to(bias)
        # A column's place in a buffer holds its features in some kernel rows, and a window is K places, so a weight is
        # flattened as (kernel column, kernel row, feature).
        scale_M111 = (GATED_SCALE * scale_M if reads_gated else scale_M).view(-1, 1, 1, 1)
        above_MX, last_MX = (
            torch.mul(part_MFRK.permute(0, 3, 2, 1), scale_M111, out=_like(part_MFRK.permute(0, 3, 2, 1))).flatten(1)
            for part_MFRK in (weight_MFRK[:, :, :-1], weight_MFRK[:, :, -1:])
        )
        self._above_weight, self._weight = ops.adopt(above_MX), ops.adopt(last_MX)
        self._bias = ops.load(self._column(bias.detach() * scale_M))
        order_M = by_group(self._num_gated, num_groups)
        # The link reads scaled features and computes scaled features: one factor comes, the other one goes.
        link_MM = layer.link.weight.detach().flatten(1) * scale_M.unsqueeze(1) / scale_M
        self._link = ops.adopt(link_MM[order_M])
        self._link_bias = ops.load(self._column((layer.link.bias.detach() * scale_M)[order_M]))
        of_vertical_BM, of_horizontal_BM = layer.label_features(labels_B)
        if of_horizontal_BM is not None:  # added here once per row, and not at each pixel
            self._link_bias = self._link_bias + ops.load_rows((of_horizontal_BM * scale_M)[:, order_M])
        self._label_bias = None if of_vertical_BM is None else ops.load_rows(of_vertical_BM * scale_M)
        own = slice(kernel_size // 2, kernel_size // 2 + width)
        num_above = (self.num_rows - 1) * in_features
        self._above_places, self._places = (ops.zeros(1, width + kernel_size - 1, n) for n in (num_above, in_features))
        self._above_windows, self._windows = (
            ops.windows(places, kernel_size)[0] for places in (self._above_places, self._places)
        )
        rows = [slice(start, start + in_features) for start in range(0, num_above, in_features)]
        self.last = self._places[0, own]
        self._rows = [*(self._above_places[0, own, row] for row in rows), self.last]
        self._from_above = ops.zeros(width, num_before_gate)
        self._before_gate = ops.zeros(width, num_before_gate)
        self.below = ops.zeros(width, num_before_gate)
        self.clear()

    def _column(self, values_M: Tensor) -> Tensor:
        """Shape features so that they can be added to (W, M, B), whose batch axis may be left away."""
        return values_M.view(-1, *[1 for _ in self._ops.tail])

    def clear(self) -> None:
        """Forget all rows; ``below`` is then the bias alone."""
        self._above_places[...] = self._places[...] = 0.0
        self.below[...] = self._link_bias

    def above(self) -> Program:
        """Calls that move all rows up by one and compute what those above the next one contribute to it."""
        ops = self._ops
        return [
            *self._move_up(),
            *ops.row_products(self._above_weight, self._above_windows, self._from_above),
            *ops.add(self._from_above, self._bias, self._from_above),
        ]

    def _move_up(self) -> Program:
        """Calls that move all rows up by one; the last one is to be set."""
        moves = (self._ops.copied(below, above) for above, below in pairwise(self._rows))
        return [call for move in moves for call in move]

    def push(self, features: Array | None) -> None:
        """Move all rows up by one and set the last to features (W, F, B); None: it is outside the image."""
        for call in self._move_up():
            call()
        self.last[...] = 0.0 if features is None else features

    def program(self, out: Array | None) -> Program:
        """Calls that compute ``below`` and the doubled result of the gate, once the last row is set, and those above.

        Args:
            out: (W, p, B), receives the latter; None: nothing reads it.
        """
        ops, before = self._ops, self._before_gate
        program = [
            *ops.row_products(self._weight, self._windows, before),
            *ops.add(before, self._from_above, before),
            *ops.row_products(self._link, before, self.below),
            *ops.add(self.below, self._link_bias, self.below),
        ]
        if out is None:
            return program
        if self._label_bias is not None:
            program += ops.add(before, self._label_bias, before)
        return program + gate_program(ops, before, before[:, : self._num_gated], before[:, self._num_gated :], out)


class HorizontalRow:
    """The horizontal stack of one gated layer, over the row that is being generated.

    Args:
        ops: the array operations.
        layer: the layer; its weights are copied now.
        below: contribution of the vertical stack, see ``VerticalRows.below``.
        width: columns of the image.
        num_groups: colours.
    """

    def __init__(self, ops: StepOps, layer: GatedLayer, below: Array, width: int, num_groups: int) -> None:
        weight_MFK = layer.horizontal.masked_weight().detach().squeeze(2)
        num_before_gate, self._in_features, num_taps = weight_MFK.shape
        num_gated = num_before_gate // 2
        self._ops = ops
        self._below = below
        self._is_residual = layer.is_residual
        self._num_left = num_taps - 1
        self._in_slices = group_slices(self._in_features, num_groups)
        self._gated_slices = group_slices(num_gated, num_groups)
        # Ordered by group, the features of a colour before the gate are consecutive: its a, then its b.
        scaled_MFK = weight_MFK * _gate_scales(num_gated).to(weight_MFK).view(-1, 1, 1)
        tap_weight = scaled_MFK[by_group(num_gated, num_groups)].transpose(1, 2).flatten(1)
        self._num_centre = [
            features.start if layer.horizontal.kind == "A" else features.stop for features in self._in_slices
        ]
        """Features at the pixel itself that each colour reads: those of the colours before it, and of its own."""
        self._weights = [
            ops.load(tap_weight[self._before_gate_rows(group), : self._num_left * self._in_features + num_centre])
            for group, num_centre in enumerate(self._num_centre)
        ]
        out_weight = layer.out.masked_weight().detach().flatten(1)
        with_bias = torch.cat([layer.out.bias.detach().unsqueeze(1), GATED_SCALE * out_weight], dim=1)
        self._out_weights = [ops.load(with_bias[gated, : 1 + gated.stop]) for gated in self._gated_slices]
        row = ops.zeros(width + self._num_left, self._in_features)
        self._flat_row = row.reshape(-1, *ops.tail)
        self._features = row[self._num_left :]
        self._one_and_gated = ops.zeros(1 + num_gated)
        self._one_and_gated[0] = 1.0  # multiplies the bias
        self._before_gate = ops.zeros(num_before_gate)
        self._update = ops.zeros(num_gated)

    def _before_gate_rows(self, group: int) -> slice:
        """Place of a colour's features before the gate, in the order by group."""
        gated = self._gated_slices[group]
        return slice(2 * gated.start, 2 * gated.stop)

    def feature(self, column: int, group: int) -> Array:
        """View of a colour's input features at a column."""
        return self._features[column, self._in_slices[group]]

    def program(self, column: int, group: int, out: Array) -> Program:
        """Calls that compute a colour's output features from its input features at a column.

        Those of the earlier colours at the same pixel have been run before.
        """
        ops, gated, rows = self._ops, self._gated_slices[group], self._before_gate_rows(group)
        first_gate = rows.start + gated.stop - gated.start
        start = column * self._in_features
        stop = start + self._num_left * self._in_features + self._num_centre[group]
        before_gate = self._before_gate[rows]
        program = [
            *ops.linear(self._weights[group], self._flat_row[start:stop], before_gate),
            *ops.add(before_gate, self._below[column, rows], before_gate),
            *gate_program(
                ops,
                before_gate,
                self._before_gate[rows.start : first_gate],
                self._before_gate[first_gate : rows.stop],
                self._one_and_gated[1 + gated.start : 1 + gated.stop],
            ),
        ]
        one_and_gated = self._one_and_gated[: 1 + gated.stop]
        if not self._is_residual:
            return [*program, *ops.linear(self._out_weights[group], one_and_gated, out)]
        update = self._update[gated]
        return [
            *program,
            *ops.linear(self._out_weights[group], one_and_gated, update),
            *ops.add(self.feature(column, group), update, out),
        ]


def _like(values: Tensor) -> Tensor:
    """Memory for a tensor of that shape, contiguous."""
    return torch.empty_like(values, memory_format=torch.contiguous_format)


def by_group(num_gated: int, num_groups: int) -> Tensor:
    """Order (M,) of features before a gate that makes each colour's consecutive, its values before its gates.

    Args:
        num_gated: features p after the gate; before it there are p values, then p gates.
        num_groups: colours.
    """
    values_and_gates = torch.arange(2 * num_gated).view(2, num_gated)
    return torch.cat([values_and_gates[:, own].flatten() for own in group_slices(num_gated, num_groups)])


def gate_program(ops: StepOps, both: Array, values: Array, gates: Array, out: Array) -> Program:
    """Calls that compute out = 2 tanh(a) σ(b), see ``GATED_SCALE``.

    Args:
        ops: the array operations.
        both: values a and gates b/2 in one array, so that one call takes their hyperbolic tangents; overwritten.
        values: the part of ``both`` that is a.
        gates: the part of ``both`` that is b/2.
        out: result, of the shape of ``values``.
    """
    return [*ops.tanh(both, both), *ops.multiply(values, gates, out), *ops.add(out, values, out)]


def _gate_scales(num_gated: int) -> Tensor:
    """Factors (M,) of the features before a gate: 1 for the values, ``GATE_SCALE`` for the gates."""
    return torch.cat([torch.ones(num_gated), torch.full((num_gated,), GATE_SCALE)])
