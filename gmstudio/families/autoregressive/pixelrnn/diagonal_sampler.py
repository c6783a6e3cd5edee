"""Incremental sampling of Diagonal BiLSTM layers: states of a whole row from the row above, and cells at one pixel.

The LSTM going right needs the pixel to its left, which has just been generated, and the one above. So when a row
begins, the contribution of the states above is computed for the whole row and all layers at once, and a pixel adds the
rest. The LSTM going left, whose states are moved down by one row, depends on complete rows only. So when a row begins,
it runs along the whole row above from its right end, all layers at once: their inputs are all known.

*Example.* A binary image of 4 columns, one layer with F = 2 features and S = 1 state, so 4 gates. Rows 0 and 1 are
complete, and pixel (row 2, column 1) comes next.

1. The current row lies column after column as [features | 1 | states going right], here 2 + 1 + 1 numbers, with one
   place of zeros before the first column. ``enter_row(2, …)`` found row 1 there. It multiplied the states of row 1 by
   the kernel's upper tap; the result is ``_gates_above``, 4 numbers for each column.
2. Then ``_LeftLSTM.run`` computed the gates of row 1 for the other direction from row 1's features, a one for the bias
   and the states of row 0, and updated cells and states from column 3 to column 0. These states of row 1 are what
   the pixels of row 2 add to their own.
3. ``program(layer=0, column=1, …)`` multiplies [1 | state of (2, 0) | features of (2, 1)], which lie side by side, by
   [bias | the kernel's left tap | input-to-state], and adds ``_gates_above`` at column 1.
4. ``cell_program`` updates the cell of (2, 1) from the cell of (2, 0) and writes the state of (2, 1) to its place in
   the row, for columns and rows to come.
5. The states of both directions are added. The 1×1 convolution from states to features adds its result to the features
   at (2, 1); the sum is written where the next layer reads its features.

The gates are ordered by colour, and those with a sigmoid come from halved weights, see ``kernels.for_stepping``.

Legend of suffixes: N layers of the same shape, F features, S states, G = 4·S gates. Batch axes come last, see
``gmstudio.nn.stepping.ops``.
"""

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
        self._feature_slices = group_slices(self._num_features, num_groups)
        self._state_slices = group_slices(num_states, num_groups)
        self._gate_slices = gate_slices(num_states, num_groups)
        self._load(layers, num_groups)
        num_layers = len(layers)
        self._first_state = self._num_features + 1
        self._place_size = self._first_state + num_states
        self._places = ops.zeros(num_layers, width + 1, self._place_size)  # the first is outside the image
        self._places[:, :, self._num_features] = 1.0  # multiplies the bias
        self._flat_places = self._places.reshape(num_layers, -1, *ops.tail)
        self._cells = ops.zeros(num_layers, width + 1, num_states)
        self._gates_above = ops.zeros(num_layers, width, 4 * num_states)
        self._both_states = ops.zeros(num_layers, num_states)
        self._gates = [ops.zeros(own.stop - own.start) for own in self._gate_slices]
        self._scratch = [ops.zeros(own.stop - own.start) for own in self._state_slices]
        self._updates = [ops.zeros(own.stop - own.start) for own in self._feature_slices]
        self._left = None if layers[0].left is None else _LeftLSTM(ops, layers, width)
        self._left_states = ops.zeros(num_layers, width, num_states) if self._left is None else self._left.states
        self._history: dict[int, list[Array]] | None = {} if rewindable else None
        self._row: int | None = None

    def feature(self, layer: int, column: int, group: int) -> Array:
        """View of a colour's input features of a layer at a column of the current row."""
        return self._places[layer, column + 1, self._feature_slices[group]]

    def program(self, layer: int, column: int, group: int, out: Array) -> Program:
        """Calls that compute a colour's output features of a layer at a column, once its input is in place."""
        ops, own_states = self._ops, self._state_slices[group]
        start = column * self._place_size + self._num_features
        stop = (column + 1) * self._place_size + self._feature_slices[group].stop
        gates, update, both_states = self._gates[group], self._updates[group], self._both_states[layer]
        state = self._places[layer, column + 1, self._first_state :][own_states]
        return [
            *ops.linear(self._weights[group][layer], self._flat_places[layer, start:stop], gates),
            *ops.add(gates, self._gates_above[layer, column, self._gate_slices[group]], gates),
            *cell_program(
                ops,
                gates,
                self._cells[layer, column, own_states],
                self._cells[layer, column + 1, own_states],
                self._scratch[group],
                state,
            ),
            *ops.add(state, self._left_states[layer, column, own_states], both_states[own_states]),
            *ops.linear(self._expansions[group][layer], both_states[: own_states.stop], update),
            *ops.add(self.feature(layer, column, group), update, out),
        ]

    def enter_row(self, row: int, values_above: Array) -> None:
        """Make ``row`` the current one: the next one, or an earlier one.

        Args:
            row: which.
            values_above: (W, C) scaled values of the row above; any if there is none.
        """
        current = [self._places, self._cells, self._left_states]
        if self._row is not None and row == self._row + 1:
            if self._history is not None:
                self._history[self._row] = [self._ops.copy(buffer) for buffer in current]
            self._compute_gates_above()
            if self._left is not None:
                self._left.run(self._places[:, 1:, : self._first_state], values_above)
        elif self._history is not None and row in self._history:
            if row > 0:
                self._places[...] = self._history[row - 1][0]
                self._compute_gates_above()
            else:
                self._gates_above[...] = 0.0
            for buffer, kept in zip(current, self._history[row], strict=True):
                buffer[...] = kept
        self._row = row

    def _compute_gates_above(self) -> None:
        """Compute the contribution of the row above to the gates, while its states going right are still in place."""
        states = self._places[:, 1:, self._first_state :]
        self._ops.window_products(self._above_weights, states, self._gates_above)

    def _load(self, layers: list[DiagonalBiLSTM], num_groups: int) -> None:
        """Copy the weights of the LSTM going right; those of a pixel by colour, as [bias, state before, features]."""
        load = self._ops.load
        pixel_weights, above_weights = [], []
        for layer in layers:
            before_GS, above_GS = layer.right.state_to_state().unbind(2)
            bias_G1, input_GF = layer.right.bias.unsqueeze(1), layer.right.input_to_state()[:, :, 0]
            pixel_weights.append(for_stepping(torch.cat([bias_G1, before_GS, input_GF], dim=1), num_groups))
            above_weights.append(for_stepping(above_GS, num_groups))
        pixel_weight, expand_NFS = torch.stack(pixel_weights), torch.stack([layer.expand() for layer in layers])
        before_features = pixel_weight.shape[2] - self._num_features
        groups = list(zip(self._gate_slices, self._feature_slices, self._state_slices, strict=True))
        self._weights = [
            load(pixel_weight[:, gates, : before_features + features.stop]) for gates, features, _ in groups
        ]
        self._above_weights = load(torch.stack(above_weights))
        self._expansions = [load(expand_NFS[:, features, : states.stop]) for _, features, states in groups]


class _LeftLSTM:
    """The LSTMs of all layers that go left, along one complete row at a time.

    Args:
        ops: the array operations.
        layers: the layers; their weights are copied now.
        width: columns of the image.
    """

    def __init__(self, ops: StepOps, layers: list[DiagonalBiLSTM], width: int) -> None:
        lstms = [layer.left for layer in layers if layer.left is not None]
        self._ops = ops
        self._input_weights = ops.load(torch.stack([for_stepping(_input_and_bias(lstm)) for lstm in lstms]))
        before_NGS, above_NGS = torch.stack([for_stepping(lstm.state_to_state()) for lstm in lstms]).unbind(3)
        before_weights, self._above_weights = ops.load(before_NGS), ops.load(above_NGS)
        of_values = lstms[0].values_to_state
        self._value_weights = None if of_values is None else ops.load(for_stepping(of_values()).unsqueeze(0))
        num_layers, num_gates, num_states = before_NGS.shape
        padded_states = ops.zeros(num_layers, width + 1, num_states)  # the last is outside the image
        self.states = padded_states[:, :width]
        """(N, W, S): states of the row that was run last; zero before the first."""
        self._gates = ops.zeros(num_layers, width, num_gates)
        self._cells = ops.zeros(num_layers, num_states)
        self._before_weights = before_weights
        self._padded_states = padded_states
        self._product, self._scratch = ops.zeros(num_layers, num_gates), ops.zeros(num_layers, num_states)
        self._columns = range(width - 1, -1, -1)
        self._programs = ops.by_column(width, self._compile_column)

    def _compile_column(self, column: int) -> Program:
        """Calls that compute the states at a column from those at its right."""
        ops, gates, states = self._ops, self._gates[:, column], self._padded_states[:, column]
        return [
            *ops.products(self._before_weights, self._padded_states[:, column + 1], self._product),
            *ops.add(gates, self._product, gates),
            *cell_program(ops, gates, self._cells, self._cells, self._scratch, states, axis=1),
        ]

    def run(self, features_and_one: Array, values: Array) -> None:
        """Compute the states of a row, from its right end.

        Args:
            features_and_one: (N, W, F + 1), the features of the row and a one for the bias.
            values: (W, C), the scaled values of the row.
        """
        ops = self._ops
        ops.window_products(self._input_weights, features_and_one, self._gates)
        self._gates += ops.window_products(self._above_weights, self.states)
        if self._value_weights is not None:
            self._gates[:1] += ops.window_products(self._value_weights, values[None])
        self._cells[...] = 0.0
        self._programs.sweep(self._columns)


def _input_and_bias(lstm: OneWayLSTM) -> Tensor:
    """(G, F + 1)."""
    return torch.cat([lstm.input_to_state()[:, :, 0], lstm.bias.unsqueeze(1)], dim=1)
