r"""Convolutional LSTMs that sweep over an image, one wavefront of pixels after another.

    [i; f; o] = \sigma(W \cdot [x, h', 1]),    g = \tanh(W \cdot [x, h', 1])
    c = f \odot c' + i \odot g,                h = o \odot \tanh(c)

A wavefront is a set of pixels that do not depend on each other: a row for the Row LSTM, a diagonal for the Diagonal
BiLSTM. Each of its pixels has a *position* (its column in a row, its row in a diagonal). h' and c' are the states and
cells of the previous wavefront: c' at the same position, h' at positions with fixed offsets; outside the image they are
zero. Several directions run side by side.

Pixels are in the order of the wavefronts (``sweep.Sweep``), so that those of a wavefront are a slice. What its gates
read is gathered into a matrix [x, h', 1] with a column per pixel and image: one product computes the gates, another the
gradient of all weights, a third that of all that was read. The gradient is written by hand: with autograd, the many
small operations of a wavefront and the slices of the whole image would each allocate memory and a node of the graph,
which costs more than the arithmetic. For the same reason the slices of all wavefronts are taken at once, and memory
that is written again for each wavefront keeps its views as long as these have the same size.

*Hyperbolic tangents.* On the CPU torch's sigmoid is ten times as fast as its tanh, so tanh(a) = 1 - 2σ(-2a). The factor
in the argument costs nothing: it is multiplied into the weights of g, and cells are kept as -2c. A product with a
hyperbolic tangent, b·tanh(a) = b - 2b·σ(-2a), is a single operation. The gates, and the gradient of g as of the others,
are those of σ. Gradients of the gates then come out scaled by a constant per gate, which is multiplied into the
transposed weights and into the gradient of the weights, after the last wavefront.

*Kept for the gradient* are the gates, the cells and the states; the matrix of what was read and tanh(c) are computed
again, which takes no longer than loading them.

Letters: N directions, F input features, S states of an LSTM, G = 4·S gates in the order i, f, o, g, K rows of the
weights (inputs, states, bias), T state shifts, P pixels of the image in the order of the sweep, Q places of the stored
states and cells, J positions of a wavefront, B images, M = J·B columns. The batch comes last, so that a wavefront has
long contiguous runs.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gmstudio.families.autoregressive.pixelrnn.sweep import Sweep
from gmstudio.nn.products import is_for_onednn, product

NUM_GATES = 4
_sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input


def wavefront_lstm(x_NFPB: Tensor, weight_NGK: Tensor, sweep: Sweep) -> Tensor:
    """Run the LSTMs over the image, in the weights' precision also where half precision is chosen.

    Args:
        x_NFPB: (N, F, P, B) inputs, the pixels in the order of the sweep.
        weight_NGK: per direction, gates by [inputs at each input shift, states at each state shift, bias].
        sweep: the order of the pixels.

    Returns:
        (N, S, Q, B) states h, each pixel's at its stored place, and zeros between the wavefronts.
    """
    return _run(x_NFPB, weight_NGK, None, sweep)


def residual_lstm(x_NFPB: Tensor, weight_NGK: Tensor, expand_NFS: Tensor, sweep: Sweep) -> Tensor:
    """Run the LSTMs, expand their states and add them to the inputs, wavefront by wavefront.

    Args:
        x_NFPB: (N, F, P, B) inputs, the pixels in the order of the sweep.
        weight_NGK: see ``wavefront_lstm``.
        expand_NFS: from states to features.
        sweep: the order of the pixels.

    Returns:
        (N, F, P, B), in the same order.
    """
    return _run(x_NFPB, weight_NGK, expand_NFS, sweep)


def _run(x_NFPB: Tensor, weight_NGK: Tensor, expand_NFS: Tensor | None, sweep: Sweep) -> Tensor:
    apply: Callable[..., Tensor] = _WavefrontLSTM.apply
    with torch.autocast(x_NFPB.device.type, enabled=False):
        return apply(x_NFPB.to(weight_NGK.dtype), weight_NGK, expand_NFS, sweep, torch.is_grad_enabled())


class _Buffer:
    """Memory for some rows of any wavefront; always the same, so that it stays in the processor's cache."""

    def __init__(self, like_NFPB: Tensor, num_rows: int, sweep: Sweep) -> None:
        self._directions, self._num_rows, self._batch = like_NFPB.shape[0], num_rows, like_NFPB.shape[3]
        self._flat = like_NFPB.new_empty(self._directions * num_rows * sweep.num_positions * self._batch)
        self._size = 0

    def of(self, size: int) -> Tensor:
        """(N, rows, M) for a wavefront of that size."""
        if size != self._size:
            shape = (self._directions, self._num_rows, size * self._batch)
            self._size, self._view = size, self._flat[: math.prod(shape)].view(shape)
        return self._view


class _Read:
    """What the gates of a wavefront are computed from: the matrix [x, h', 1]."""

    def __init__(self, x_NFPB: Tensor, states_NSQB: Tensor, sweep: Sweep) -> None:
        self._sweep, self._batch, self._size = sweep, x_NFPB.shape[3], 0
        self._num_inputs = len(sweep.input_shifts) * x_NFPB.shape[1]
        num_rows = self._num_inputs + len(sweep.state_shifts) * states_NSQB.shape[1] + 1
        self._buffer = _Buffer(x_NFPB, num_rows, sweep)
        self._inputs = [sweep.own(x_NFPB, shift) for shift in sweep.input_shifts]
        self._windows_NTSQB = sweep.windows(states_NSQB) if sweep.state_shifts else None

    def of(self, number: int) -> Tensor:
        """(N, K, M) for a wavefront, given its number, in memory that is written again for the next one."""
        size = self._sweep.wavefronts[number].size
        if size != self._size:
            self._resize(size)
        for place_NFM, inputs in zip(self._places, self._inputs, strict=True):
            place_NFM.copy_(inputs[number])
        if self._windows_NTSQB is not None:
            if number:
                self._states_NTSJB.copy_(self._sweep.read(number, self._windows_NTSQB))
            else:
                self._states_NTSJB.zero_()
        return self._read_NKM

    def _resize(self, size: int) -> None:
        """Set the views, and write the ones and the inputs outside the image."""
        self._size, self._read_NKM = size, self._buffer.of(size)
        self._read_NKM[:, -1].fill_(1.0)
        self._places = _at_shifts(self._read_NKM[:, : self._num_inputs], self._sweep, self._batch)
        if max(self._sweep.input_shifts):
            self._read_NKM[:, : self._num_inputs].zero_()
        if self._windows_NTSQB is not None:
            states_NKJB = self._read_NKM[:, self._num_inputs : -1].unflatten(2, (size, self._batch))
            self._states_NTSJB = states_NKJB.unflatten(1, (len(self._sweep.state_shifts), -1))


def _at_shifts(inputs_NKM: Tensor, sweep: Sweep, batch: int) -> list[Tensor]:
    """For each input shift the columns, of its rows, whose input lies inside the image: (N, F, those)."""
    taps = zip(sweep.input_shifts, inputs_NKM.chunk(len(sweep.input_shifts), dim=1), strict=True)
    return [tap_NFM[:, :, shift * batch :] for shift, tap_NFM in taps]


class _Gradients:
    """Gradients of a wavefront's gates, of what they read and of the states, written again for the next wavefront.

    Attributes:
        gates_NGM: gradients of the gates.
        gates_NMG: the same, transposed.
        each_gate: those of i, f, o and g: (N, S, M).
        read_NKM: memory for those of the inputs at each input shift and the states at each state shift.
        inputs: parts of these that belong to inputs inside the image, for each input shift.
        states_NSM: of the wavefront's states.
        states_before_NSM: of those of the wavefront before, in the same memory.
        scratch_NSM: for intermediate results.
    """

    def __init__(self, like_NFPB: Tensor, num_states: int, sweep: Sweep) -> None:
        self._sweep, self._batch, self._shape = sweep, like_NFPB.shape[3], (0, 0, 0)
        self._viewed: Tensor | None = None
        self._num_inputs = len(sweep.input_shifts) * like_NFPB.shape[1]
        num_read = self._num_inputs + len(sweep.state_shifts) * num_states
        num_rows = (NUM_GATES * num_states, num_read, num_states, num_states)
        self._gates, self._read, self._states, self._scratch = (_Buffer(like_NFPB, n, sweep) for n in num_rows)

    def view(self, number: int) -> None:
        """Set the views to those of a wavefront, given its number."""
        shape = self._sweep.shape(number)
        if shape == self._shape:
            return
        self._shape, (size, size_before, _) = shape, shape
        self.gates_NGM, self.read_NKM = self._gates.of(size), self._read.of(size)
        self.gates_NMG, self.each_gate = self.gates_NGM.transpose(1, 2), self.gates_NGM.chunk(NUM_GATES, dim=1)
        self.states_NSM, self.scratch_NSM = self._states.of(size), self._scratch.of(size)
        self.states_before_NSM, self._viewed = self._states.of(size_before), None

    def view_read(self, number: int, read_NKM: Tensor) -> None:
        """Set the views of the gradients of what a wavefront reads, given its number, where they are."""
        if read_NKM is self._viewed:
            return
        self._viewed, self._read_pairs = read_NKM, []
        self.inputs = _at_shifts(read_NKM[:, : self._num_inputs], self._sweep, self._batch)
        if number:
            states_NKM = read_NKM[:, self._num_inputs :]
            self._read_pairs = self._sweep.read_pairs(number, states_NKM, self.states_before_NSM)

    def add_read_states(self) -> None:
        """Add the gradients of the states that the wavefront reads to those of the wavefront before."""
        for place_NSM, d_tap_NSM in self._read_pairs:
            place_NSM.add_(d_tap_NSM)


class _OutputGradient:
    """Gradient of the output: of the states, or of the sum of inputs and expanded states."""

    def __init__(self, d_out_NFPB: Tensor, expand_NFS: Tensor | None, states_NSQB: Tensor, sweep: Sweep) -> None:
        self._expand_NSF = None if expand_NFS is None else expand_NFS.transpose(1, 2).contiguous()
        self.of_expansion = None if expand_NFS is None else torch.zeros_like(expand_NFS)
        self._own = sweep.own_stored(d_out_NFPB) if expand_NFS is None else sweep.own(d_out_NFPB)
        self._states = sweep.own_stored(states_NSQB)

    def of_states(self, number: int, out_NSM: Tensor) -> None:
        """Write the gradient of a wavefront's states."""
        own_NFM = self._own[number]
        if self._expand_NSF is None or self.of_expansion is None:
            out_NSM.copy_(own_NFM)
            return
        self.of_expansion.baddbmm_(own_NFM, self._states[number].transpose(1, 2))
        torch.bmm(self._expand_NSF, own_NFM, out=out_NSM)

    def add_to_inputs(self, number: int, d_own_NFM: Tensor, out_NFM: Tensor) -> None:
        """Write the gradient of a wavefront's inputs: that from its gates at shift 0, and directly from the output."""
        if self._expand_NSF is None:
            out_NFM.copy_(d_own_NFM)
        else:
            torch.add(self._own[number], d_own_NFM, out=out_NFM)


class _WavefrontLSTM(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x_NFPB: Tensor, weight_NGK: Tensor, expand_NFS: Tensor | None, sweep: Sweep, keep: bool
    ) -> Tensor:
        num_states, tape = weight_NGK.shape[1] // NUM_GATES, []
        scaled_NGK = weight_NGK * _per_gate(weight_NGK, (1.0, 1.0, 1.0, -2.0))
        states_NSQB, cells_NSQB = (sweep.new_stored(x_NFPB, num_states) for _ in range(2))
        states, cells = sweep.own_stored(states_NSQB), sweep.own_stored(cells_NSQB)
        read, scratch = _Read(x_NFPB, states_NSQB, sweep), _Buffer(x_NFPB, num_states, sweep)
        out = states_NSQB if expand_NFS is None else x_NFPB.new_empty(x_NFPB.shape)
        inputs, expanded = sweep.own(x_NFPB), [] if expand_NFS is None else sweep.own(out)
        for number, wavefront in enumerate(sweep.wavefronts):
            gates_NGM = _products(scaled_NGK, read.of(number))
            before_NSM, scratch_NSM = sweep.cells_before(number, cells_NSQB), scratch.of(wavefront.size)
            _run_cells(gates_NGM, before_NSM, cells[number], states[number], scratch_NSM)
            if expand_NFS is not None:
                torch.baddbmm(inputs[number], expand_NFS, states[number], out=expanded[number])
            if keep:
                tape.append(gates_NGM)
        ctx.save_for_backward(x_NFPB, weight_NGK, expand_NFS, states_NSQB, cells_NSQB)
        ctx.sweep, ctx.tape = sweep, tape
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        x_NFPB, weight_NGK, expand_NFS, states_NSQB, cells_NSQB = ctx.saved_tensors
        sweep: Sweep = ctx.sweep
        scale_G1 = _per_gate(weight_NGK, (1.0, -0.5, 1.0, 4.0))
        weight_NKG = (weight_NGK * scale_G1).transpose(1, 2).contiguous()
        d_x_NFPB, d_weight_NKG = x_NFPB.new_empty(x_NFPB.shape), torch.zeros_like(weight_NKG)
        d_inputs = [sweep.own(d_x_NFPB, shift) for shift in sweep.input_shifts]
        of_own, of_read_NKG = sweep.input_shifts.index(0), weight_NKG[:, :-1]
        read, cells = _Read(x_NFPB, states_NSQB, sweep), sweep.own_stored(cells_NSQB)
        d_cells_NSJB = x_NFPB.new_zeros(*states_NSQB.shape[:2], sweep.num_positions, x_NFPB.shape[3])
        output = _OutputGradient(grad_outputs[0], expand_NFS, states_NSQB, sweep)
        d = _Gradients(x_NFPB, states_NSQB.shape[1], sweep)
        last = len(sweep.wavefronts) - 1
        d.view(last)
        output.of_states(last, d.states_NSM)
        for number, wavefront in reversed(list(enumerate(sweep.wavefronts))):
            d.view(number)
            d_cell_NSM = d_cells_NSJB[:, :, wavefront.positions].flatten(2)
            _cell_gradients(ctx.tape[number], sweep.cells_before(number, cells_NSQB), cells[number], d_cell_NSM, d)
            _add_products(read.of(number), d.gates_NMG, d_weight_NKG)
            d.view_read(number, _products(of_read_NKG, d.gates_NGM, d.read_NKM))
            output.add_to_inputs(number, d.inputs[of_own], d_inputs[of_own][number])
            for tap in range(len(d_inputs)):
                if tap != of_own:
                    d_inputs[tap][number].add_(d.inputs[tap])
            if number:
                output.of_states(number - 1, d.states_before_NSM)
                d.add_read_states()
        d_weight_NGK = d_weight_NKG.transpose(1, 2) * scale_G1
        return d_x_NFPB, d_weight_NGK, output.of_expansion, None, None


def _products(a_NMK: Tensor, b_NKL: Tensor, out_NML: Tensor | None = None) -> Tensor:
    """The product of each direction, in the given memory or in memory of its own."""
    if len(a_NMK) == 1 and is_for_onednn(a_NMK[0], b_NKL.shape[1], b_NKL.shape[2], b_NKL[0]):
        return product(a_NMK[0], b_NKL[0]).unsqueeze(0)  # with more directions, results would have to be joined
    return torch.bmm(a_NMK, b_NKL) if out_NML is None else torch.bmm(a_NMK, b_NKL, out=out_NML)


def _add_products(a_NMK: Tensor, b_NKL: Tensor, sum_NML: Tensor) -> None:
    """Add the product of each direction to a sum."""
    if len(a_NMK) == 1 and is_for_onednn(a_NMK[0], b_NKL.shape[1], b_NKL.shape[2], b_NKL[0]):
        sum_NML[0].add_(product(a_NMK[0], b_NKL[0]))
        return
    sum_NML.baddbmm_(a_NMK, b_NKL)


def _per_gate(like: Tensor, factors: tuple[float, ...]) -> Tensor:
    """A factor for each kind of gate: (G, 1)."""
    states = like.shape[1] // NUM_GATES
    return torch.cat([like.new_full((states, 1), factor) for factor in factors])


def _run_cells(gates_NGM: Tensor, before_NSM: Tensor, cells_NSM: Tensor, h_NSM: Tensor, scratch_NSM: Tensor) -> None:
    """Apply the logistic function to the gates, in place, and compute the cells (times -2) and the states from them.

    Args:
        gates_NGM: i, f and o before their nonlinearity, and -2 times that of g.
        before_NSM: -2c'.
        cells_NSM: where -2c is written.
        h_NSM: where h is written.
        scratch_NSM: overwritten.
    """
    i, f, o, g = gates_NGM.sigmoid_().chunk(NUM_GATES, dim=1)
    torch.mul(f, before_NSM, out=cells_NSM)
    torch.addcmul(i, i, g, value=-2.0, out=scratch_NSM)
    cells_NSM.add_(scratch_NSM, alpha=-2.0)
    torch.sigmoid(cells_NSM, out=scratch_NSM)
    torch.addcmul(o, o, scratch_NSM, value=-2.0, out=h_NSM)


def _cell_gradients(
    gates_NGM: Tensor, before_NSM: Tensor, cells_NSM: Tensor, d_cell_NSM: Tensor, d: _Gradients
) -> None:
    """Compute the gradients of the gates before their nonlinearity; those of f times -2, those of g times 1/4.

    Args:
        gates_NGM: gates, after the logistic function.
        before_NSM: -2c'.
        cells_NSM: -2c.
        d_cell_NSM: gradient of c from the wavefronts behind; becomes that of c'.
        d: gradients, of which that of the states is given and those of the gates are written.
    """
    i, f, o, g = gates_NGM.chunk(NUM_GATES, dim=1)
    d_i, d_f, d_o, d_g = d.each_gate
    d_h_NSM, scratch_NSM = d.states_NSM, torch.sigmoid(cells_NSM, out=d.scratch_NSM)
    torch.addcmul(d_h_NSM, d_h_NSM, scratch_NSM, value=-2.0, out=d_o)
    _sigmoid_backward(o, scratch_NSM, grad_input=scratch_NSM)
    d_cell_NSM.addcmul_(d_h_NSM, scratch_NSM, value=4.0)
    torch.addcmul(d_cell_NSM, d_cell_NSM, g, value=-2.0, out=d_i)
    torch.mul(d_cell_NSM, before_NSM, out=d_f)
    torch.mul(d_cell_NSM, i, out=d_g)
    d_cell_NSM *= f
    _sigmoid_backward(d.gates_NGM, gates_NGM, grad_input=d.gates_NGM)
