"""What Row LSTMs keep while images are generated pixel by pixel.

When a row begins, the state-to-state part of the gates is computed for the whole row and all layers at once: it needs
the row above only. A pixel then adds the inputs at and left of it, updates its cells, and hands its features on to the
next layer. States lie position after position as [1 | states]; the one multiplies the bias.

Letters: N layers of the same shape, F features, S states, G = 4·S gates, K kernel size, W width. Batch axes come last,
see ``step_ops``.
"""

import torch
from torch.nn import functional

from gmstudio.families.autoregressive.masked_conv import group_slices
from gmstudio.families.autoregressive.pixelrnn.kernels import cell_program, for_stepping, gate_slices
from gmstudio.families.autoregressive.pixelrnn.row_lstm import RowLSTM
from gmstudio.nn.stepping.ops import Array, Program, StepOps


class RowLSTMCache:
    """N Row LSTM layers over the rows generated so far.

    Args:
        ops: the array operations.
        layers: the layers; their weights are copied now.
        width: columns of the image.
        num_groups: colours.
        rewindable: keep every row, so that ``enter_row`` may go back to it.
    """

    def __init__(
        self, ops: StepOps, layers: list[RowLSTM], width: int, num_groups: int, *, rewindable: bool = True
    ) -> None:
        self._ops = ops
        self._kernel_size = layers[0].kernel_size
        self._padding = padding = self._kernel_size // 2
        self._num_features, num_states = layers[0].expand.weight.shape
        self._own_features = group_slices(self._num_features, num_groups)
        self._own_states = group_slices(num_states, num_groups)
        self._own_gates = gate_slices(num_states, num_groups)
        self._load(layers, num_groups)
        count = len(layers)
        self._inputs = ops.zeros(count, width + padding, self._num_features)
        self._flat = self._inputs.reshape(count, -1, *ops.tail)
        self._states = ops.zeros(count, width + 2 * padding, 1 + num_states)
        self._states_above = ops.zeros(count, width + 2 * padding, 1 + num_states)
        self._states[:, :, 0] = self._states_above[:, :, 0] = 1.0
        self._cells = ops.zeros(count, width, num_states)
        self._cells_above = ops.zeros(count, width, num_states)
        self._gates_above = ops.zeros(count, width, 4 * num_states)
        self._gates = [ops.zeros(own.stop - own.start) for own in self._own_gates]
        self._squashed = [ops.zeros(own.stop - own.start) for own in self._own_states]
        self._updates = [ops.zeros(own.stop - own.start) for own in self._own_features]
        self._history: dict[int, tuple[Array, Array, Array]] | None = {} if rewindable else None
        self._row: int | None = None

    def feature(self, layer: int, column: int, group: int) -> Array:
        """Where a colour's input features of a layer at a column of the current row belong."""
        return self._inputs[layer, column + self._padding, self._own_features[group]]

    def program(self, layer: int, column: int, group: int, out: Array) -> Program:
        """The calls that compute a colour's output features of a layer at a column, once its input is in place."""
        ops, own = self._ops, self._own_states[group]
        start = column * self._num_features
        stop = start + self._padding * self._num_features + self._own_features[group].stop
        gates, update = self._gates[group], self._updates[group]
        states = self._states[layer, column + self._padding]
        above = self._gates_above[layer, column, self._own_gates[group]]
        return [
            *ops.linear(self._input_weights[group][layer], self._flat[layer, start:stop], gates),
            *ops.add(gates, above, gates),
            *cell_program(
                ops,
                gates,
                self._cells_above[layer, column, own],
                self._cells[layer, column, own],
                self._squashed[group],
                states[1 + own.start : 1 + own.stop],
            ),
            *ops.linear(self._expansions[group][layer], states[1 : 1 + own.stop], update),
            *ops.add(self.feature(layer, column, group), update, out),
        ]

    def enter_row(self, row: int) -> None:
        """Make ``row`` the current one: the next one, or one that was there before."""
        current = (self._inputs, self._states, self._cells)
        if self._row is not None and row == self._row + 1:
            if self._history is not None:
                self._history[self._row] = tuple(map(self._ops.copy, current))
            self._states_above[...] = self._states
            self._cells_above[...] = self._cells
        elif self._history is not None and row in self._history:
            for buffer, kept in zip(current, self._history[row], strict=True):
                buffer[...] = kept
            self._see_above(row - 1)
        self._row = row
        windows = self._ops.windows(self._states_above, self._kernel_size)
        self._ops.window_products(self._state_weights, windows, self._gates_above)

    def _see_above(self, row: int) -> None:
        assert self._history is not None
        if row in self._history:
            _, states, cells = self._history[row]
            self._states_above[...], self._cells_above[...] = states, cells
        else:  # outside the image
            self._states_above[:, :, 1:] = 0.0
            self._cells_above[...] = 0.0

    def _load(self, layers: list[RowLSTM], num_groups: int) -> None:
        """Copy the weights: those of the current row by colour, those of the row above with the bias at the centre."""
        load, padding = self._ops.load, self._padding
        of_states, of_inputs = [], []
        for layer in layers:
            num_states = layer.expand.weight.shape[1]
            kernel_GSK = layer.bias.new_zeros(len(layer.bias), num_states, self._kernel_size)
            if layer.state_to_state is not None:
                kernel_GSK = layer.state_to_state()
            with_bias_GKS = functional.pad(kernel_GSK.transpose(1, 2), (1, 0)).detach().clone()
            with_bias_GKS[:, padding, 0] = layer.bias.detach()
            of_states.append(for_stepping(with_bias_GKS.flatten(1), num_groups))
            of_inputs.append(for_stepping(layer.input_to_state().transpose(1, 2).flatten(1), num_groups))
        self._state_weights = load(torch.stack(of_states))
        inputs_NGK = torch.stack(of_inputs)
        expand_NFS = torch.stack([layer.expand() for layer in layers])
        groups = list(zip(self._own_gates, self._own_features, self._own_states, strict=True))
        self._input_weights = [
            load(inputs_NGK[:, gates, : padding * self._num_features + features.stop]) for gates, features, _ in groups
        ]
        self._expansions = [load(expand_NFS[:, features, : states.stop]) for _, features, states in groups]
