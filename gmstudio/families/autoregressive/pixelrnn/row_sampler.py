"""Incremental sampling of Row LSTM layers: gates of a whole row from the row above, and cells at one pixel.

When a row begins, the state-to-state part of the gates is computed for the whole row and all layers at once: it depends
on the row above only. A pixel then adds the input-to-state part, from the features at and left of it, updates its
cells, and passes its features on to the next layer.

*Example.* A binary image of 4 columns, one layer with kernel size 3, F = 2 features and S = 1 state, so 4 gates. Row 1
is complete, and pixel (row 2, column 1) comes next.

1. ``enter_row(2)`` moved states and cells of row 1 to ``_states_above`` and ``_cells_above``. The states lie column
   after column as [1 | states], with one place of zeros beside either border (the kernel's padding). A window of three
   places times the state-to-state kernel is this part of the gates, for all columns in one product; the one at the
   kernel's centre multiplies the bias. The result is ``_gates_above``, 4 numbers for each column.
2. ``program(layer=0, column=1, …)`` multiplies the features at (2, 0) and (2, 1), which lie side by side, by the
   input-to-state kernel (the taps at and left of the centre), and adds ``_gates_above`` at column 1.
3. ``cell_program`` updates the cell of (2, 1) from the cell of (1, 1), right above, and writes the state of (2, 1) to
   its place in ``_states``, for row 3.
4. The 1×1 convolution from states to features adds its result to the features at (2, 1); the sum is written where the
   next layer reads its features.

The gates are ordered by colour, and those with a sigmoid come from halved weights, see ``kernels.for_stepping``.

Legend of suffixes: N layers of the same shape, F features, S states, G = 4·S gates, K kernel size. Batch axes come
last, see ``gmstudio.nn.stepping.ops``.
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
        self._feature_slices = group_slices(self._num_features, num_groups)
        self._state_slices = group_slices(num_states, num_groups)
        self._gate_slices = gate_slices(num_states, num_groups)
        self._load(layers, num_groups)
        num_layers = len(layers)
        self._features = ops.zeros(num_layers, width + padding, self._num_features)
        self._flat_features = self._features.reshape(num_layers, -1, *ops.tail)
        self._states = ops.zeros(num_layers, width + 2 * padding, 1 + num_states)
        self._states_above = ops.zeros(num_layers, width + 2 * padding, 1 + num_states)
        self._states[:, :, 0] = self._states_above[:, :, 0] = 1.0  # multiplies the bias
        self._cells = ops.zeros(num_layers, width, num_states)
        self._cells_above = ops.zeros(num_layers, width, num_states)
        self._gates_above = ops.zeros(num_layers, width, 4 * num_states)
        self._gates = [ops.zeros(own.stop - own.start) for own in self._gate_slices]
        self._scratch = [ops.zeros(own.stop - own.start) for own in self._state_slices]
        self._updates = [ops.zeros(own.stop - own.start) for own in self._feature_slices]
        self._history: dict[int, tuple[Array, Array, Array]] | None = {} if rewindable else None
        self._row: int | None = None

    def feature(self, layer: int, column: int, group: int) -> Array:
        """View of a colour's input features of a layer at a column of the current row."""
        return self._features[layer, column + self._padding, self._feature_slices[group]]

    def program(self, layer: int, column: int, group: int, out: Array) -> Program:
        """Calls that compute a colour's output features of a layer at a column, once its input is in place."""
        ops, own_states = self._ops, self._state_slices[group]
        start = column * self._num_features
        stop = start + self._padding * self._num_features + self._feature_slices[group].stop
        gates, update = self._gates[group], self._updates[group]
        one_and_states = self._states[layer, column + self._padding]
        return [
            *ops.linear(self._input_weights[group][layer], self._flat_features[layer, start:stop], gates),
            *ops.add(gates, self._gates_above[layer, column, self._gate_slices[group]], gates),
            *cell_program(
                ops,
                gates,
                self._cells_above[layer, column, own_states],
                self._cells[layer, column, own_states],
                self._scratch[group],
                one_and_states[1 + own_states.start : 1 + own_states.stop],
            ),
            *ops.linear(self._expansions[group][layer], one_and_states[1 : 1 + own_states.stop], update),
            *ops.add(self.feature(layer, column, group), update, out),
        ]

    def enter_row(self, row: int) -> None:
        """Make ``row`` the current one: the next one, or an earlier one."""
        current = (self._features, self._states, self._cells)
        if self._row is not None and row == self._row + 1:
            if self._history is not None:
                self._history[self._row] = tuple(map(self._ops.copy, current))
            self._states_above[...] = self._states
            self._cells_above[...] = self._cells
        elif self._history is not None and row in self._history:
            for buffer, kept in zip(current, self._history[row], strict=True):
                buffer[...] = kept
            self._restore_above(row - 1)
        self._row = row
        windows = self._ops.windows(self._states_above, self._kernel_size)
        self._ops.window_products(self._state_weights, windows, self._gates_above)

    def _restore_above(self, row: int) -> None:
        """Set states and cells above to those of a row that was kept, or of the zeros outside the image."""
        assert self._history is not None
        if row in self._history:
            _, states, cells = self._history[row]
            self._states_above[...], self._cells_above[...] = states, cells
        else:
            self._states_above[:, :, 1:] = 0.0
            self._cells_above[...] = 0.0

    def _load(self, layers: list[RowLSTM], num_groups: int) -> None:
        """Copy the weights: those of the current row by colour, those of the row above with the bias at the centre."""
        load, centre = self._ops.load, self._padding
        state_weights, input_weights = [], []
        for layer in layers:
            num_states = layer.expand.weight.shape[1]
            kernel_GSK = layer.bias.new_zeros(len(layer.bias), num_states, self._kernel_size)
            if layer.state_to_state is not None:
                kernel_GSK = layer.state_to_state()
            # Ordered like the windows: kernel column by kernel column, a one for the bias before the states.
            bias_and_kernel_GKS = functional.pad(kernel_GSK.transpose(1, 2), (1, 0)).detach().clone()
            bias_and_kernel_GKS[:, centre, 0] = layer.bias.detach()
            state_weights.append(for_stepping(bias_and_kernel_GKS.flatten(1), num_groups))
            input_weights.append(for_stepping(layer.input_to_state().transpose(1, 2).flatten(1), num_groups))
        self._state_weights = load(torch.stack(state_weights))
        input_weight = torch.stack(input_weights)
        expand_NFS = torch.stack([layer.expand() for layer in layers])
        groups = list(zip(self._gate_slices, self._feature_slices, self._state_slices, strict=True))
        num_left = self._padding * self._num_features
        self._input_weights = [
            load(input_weight[:, gates, : num_left + features.stop]) for gates, features, _ in groups
        ]
        self._expansions = [load(expand_NFS[:, features, : states.stop]) for _, features, states in groups]
