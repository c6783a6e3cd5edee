"""What Diagonal BiLSTMs keep while images are generated pixel by pixel.

A pixel's way right needs the pixel to its left, which has just been generated, and the one above. So when a row begins,
what the states above contribute is computed for the whole row and all layers at once, and a pixel adds the rest.

The way left, moved down one row, contributes only states of finished rows. So when a row begins, it is run along the
whole row above, from its right end, all layers at once: their inputs are all known.

Positions hold [features | 1 | states of the way right] one after another, so that what a pixel reads (the state before,
a one for the bias, its features) is contiguous.

Letters: N layers of the same shape, F features, S states, G = 4·S gates, C channels, W width. Batch axes come last, see
``step_ops``.
"""

from functools import partial

import torch
from torch import Tensor

from gmstudio.families.autoregressive.masked_conv import group_slices
from gmstudio.families.autoregressive.pixelrnn.diagonal_lstm import DiagonalBiLSTM, OneWayLSTM
from gmstudio.families.autoregressive.pixelrnn.kernels import cell_program, for_stepping, gate_slices
from gmstudio.nn.stepping.ops import Array, Program, StepOps


class DiagonalLSTMCache:
    """N Diagonal BiLSTM layers over the rows generated so far.

    Args:
        ops: the array operations.
        layers: the layers; their weights are copied now. Only the first may read the image.
        width: columns of the image.
        num_groups: colours.
        rewindable: keep every row, so that ``enter_row`` may go back to it.
    """

    def __init__(
        self, ops: StepOps, layers: list[DiagonalBiLSTM], width: int, num_groups: int, *, rewindable: bool = True
    ) -> None:
        self._ops = ops
        self._num_features, num_states = layers[0].expand.weight.shape
        self._own_features = group_slices(self._num_features, num_groups)
        self._own_states = group_slices(num_states, num_groups)
        self._own_gates = gate_slices(num_states, num_groups)
        self._load(layers, num_groups)
        count = len(layers)
        self._slot = self._num_features + 1 + num_states
        self._row_slots = ops.zeros(count, width + 1, self._slot)  # the first is outside the image
        self._row_slots[:, :, self._num_features] = 1.0
        self._flat = self._row_slots.reshape(count, -1, *ops.tail)
        self._cells = ops.zeros(count, width + 1, num_states)
        self._gates_above = ops.zeros(count, width, 4 * num_states)
        self._merged = ops.zeros(count, num_states)
        self._gates = [ops.zeros(own.stop - own.start) for own in self._own_gates]
        self._squashed = [ops.zeros(own.stop - own.start) for own in self._own_states]
        self._updates = [ops.zeros(own.stop - own.start) for own in self._own_features]
        self._way_left = None if layers[0].left is None else _WayLeft(ops, layers, width)
        self._left_states = ops.zeros(count, width, num_states) if self._way_left is None else self._way_left.states
        self._history: dict[int, list[Array]] | None = {} if rewindable else None
        self._row: int | None = None

    def feature(self, layer: int, column: int, group: int) -> Array:
        """Where a colour's input features of a layer at a column of the current row belong."""
        return self._row_slots[layer, column + 1, self._own_features[group]]

    def program(self, layer: int, column: int, group: int, out: Array) -> Program:
        """The calls that compute a colour's output features of a layer at a column, once its input is in place."""
        ops, own, slot = self._ops, self._own_states[group], self._slot
        start, stop = column * slot + self._num_features, (column + 1) * slot + self._own_features[group].stop
        gates, update, merged = self._gates[group], self._updates[group], self._merged[layer]
        first = self._num_features + 1
        state = self._row_slots[layer, column + 1, first + own.start : first + own.stop]
        return [
            *ops.linear(self._weights[group][layer], self._flat[layer, start:stop], gates),
            *ops.add(gates, self._gates_above[layer, column, self._own_gates[group]], gates),
            *cell_program(
                ops,
                gates,
                self._cells[layer, column, own],
                self._cells[layer, column + 1, own],
                self._squashed[group],
                state,
            ),
            *ops.add(state, self._left_states[layer, column, own], merged[own]),
            *ops.linear(self._expansions[group][layer], merged[: own.stop], update),
            *ops.add(self.feature(layer, column, group), update, out),
        ]

    def enter_row(self, row: int, values_above: Array) -> None:
        """Make ``row`` the current one: the next one, or one that was there before.

        Args:
            row: which.
            values_above: (W, C) scaled values of the row above; any if there is none.
        """
        current = [self._row_slots, self._cells, self._left_states]
        if self._row is not None and row == self._row + 1:
            if self._history is not None:
                self._history[self._row] = [self._ops.copy(buffer) for buffer in current]
            self._see_above()
            if self._way_left is not None:
                self._way_left.run(self._row_slots[:, 1:, : self._num_features + 1], values_above)
        elif self._history is not None and row in self._history:
            if row > 0:
                self._row_slots[...] = self._history[row - 1][0]
                self._see_above()
            else:
                self._gates_above[...] = 0.0
            for buffer, kept in zip(current, self._history[row], strict=True):
                buffer[...] = kept
        self._row = row

    def _see_above(self) -> None:
        """Compute what the states of the way right, still those of the row above, contribute to the gates."""
        states = self._row_slots[:, 1:, self._num_features + 1 :]
        self._ops.window_products(self._above_weights, states, self._gates_above)

    def _load(self, layers: list[DiagonalBiLSTM], num_groups: int) -> None:
        """Copy the weights: those of a pixel by colour, as [bias, state before, features]."""
        load = self._ops.load
        pixel, above = [], []
        for layer in layers:
            before_GS, above_GS = layer.right.state_to_state().unbind(2)
            bias_G1 = layer.right.bias.unsqueeze(1)
            pixel.append(
                for_stepping(torch.cat([bias_G1, before_GS, layer.right.input_to_state()[:, :, 0]], dim=1), num_groups)
            )
            above.append(for_stepping(above_GS, num_groups))
        pixel_NGK, expand_NFS = torch.stack(pixel), torch.stack([layer.expand() for layer in layers])
        outside = pixel_NGK.shape[2] - self._num_features
        groups = list(zip(self._own_gates, self._own_features, self._own_states, strict=True))
        self._weights = [load(pixel_NGK[:, gates, : outside + features.stop]) for gates, features, _ in groups]
        self._above_weights = load(torch.stack(above))
        self._expansions = [load(expand_NFS[:, features, : states.stop]) for _, features, states in groups]


class _WayLeft:
    """The way left of all layers, a finished row at a time."""

    def __init__(self, ops: StepOps, layers: list[DiagonalBiLSTM], width: int) -> None:
        ways = [layer.left for layer in layers if layer.left is not None]
        self._ops = ops
        self._input_weights = ops.load(torch.stack([for_stepping(_input_and_bias(way)) for way in ways]))
        before_NGS, above_NGS = torch.stack([for_stepping(way.state_to_state()) for way in ways]).unbind(3)
        before, self._above_weights = ops.load(before_NGS), ops.load(above_NGS)
        first = ways[0].values_to_state
        self._value_weights = None if first is None else ops.load(for_stepping(first()).unsqueeze(0))
        count, gates, num_states = before_NGS.shape
        padded = ops.zeros(count, width + 1, num_states)  # the last is outside the image
        self.states = padded[:, :width]
        """(N, W, S): the states of the row that was run last; zero before the first."""
        self._gates = ops.zeros(count, width, gates)
        self._cells = ops.zeros(count, num_states)
        program: Program = []
        product, squashed = ops.zeros(count, 1, gates), ops.zeros(count, num_states)
        for column in reversed(range(width)):
            own = self._gates[:, column]
            program += [
                partial(ops.window_products, before, padded[:, column + 1 : column + 2], product),
                *ops.add(own, product[:, 0], own),
                *cell_program(ops, own, self._cells, self._cells, squashed, padded[:, column], axis=1),
            ]
        self._program = ops.repeated(program)

    def run(self, inputs: Array, values: Array) -> None:
        """Go along a row.

        Args:
            inputs: (N, W, F + 1), the features and a one.
            values: (W, C), scaled.
        """
        ops = self._ops
        ops.window_products(self._input_weights, inputs, self._gates)
        self._gates += ops.window_products(self._above_weights, self.states)
        if self._value_weights is not None:
            self._gates[:1] += ops.window_products(self._value_weights, values[None])
        self._cells[...] = 0.0
        for call in self._program:
            call()


def _input_and_bias(way: OneWayLSTM) -> Tensor:
    """(G, F + 1)."""
    return torch.cat([way.input_to_state()[:, :, 0], way.bias.unsqueeze(1)], dim=1)
