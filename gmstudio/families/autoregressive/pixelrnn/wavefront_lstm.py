r"""Convolutional LSTMs that sweep over an image, one wavefront of pixels after another.

    [i; f; o] = \sigma(W \cdot [x, h', 1]),    g = \tanh(W \cdot [x, h', 1])
    c = f \odot c' + i \odot g,                h = o \odot \tanh(c)

A wavefront is a set of pixels that do not depend on each other: a row for the Row LSTM, a diagonal for the Diagonal
BiLSTM. Each of its pixels has a *position* (its column in a row, its row in a diagonal). h' and c' are the states and
cells of the previous wavefront: c' at the same position, h' at positions with fixed offsets; outside the image they are
zero. Several directions run side by side.

Pixels are in the order of the wavefronts (``sweep.Sweep``), so that the inputs of a wavefront are a slice and are
multiplied where they lie; only the states that it reads are gathered, into a matrix [h', 1] with a column per pixel and
image. The gradient is written by hand: with autograd, the many small operations of a wavefront and the slices of the
whole image would each allocate memory and a node of the graph, which costs more than the arithmetic.

*Hyperbolic tangents.* On the CPU torch's sigmoid is ten times as fast as its tanh, so tanh(a) = 2σ(2a) - 1. The factor
in the argument costs nothing: it is multiplied into the weights of g, and cells are kept doubled, as 2c. Gradients of
the gates then come out scaled by a constant per gate, which is multiplied into the transposed weights and into the
gradient of the weights, after the last wavefront.

*Kept for the gradient* are the gates and the cells; the gathered states and tanh(c) are computed again, which takes no
longer than loading them.

Letters: N directions, F input features, S states of an LSTM, G = 4·S gates in the order i, f, o, g, K rows of the
weights (inputs, states, bias), R those of states and bias, P pixels of the image in the order of the sweep, J positions
of a wavefront, B images, M = P·B or J·B columns. The batch comes last, so that a wavefront has long contiguous runs.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gmstudio.families.autoregressive.pixelrnn.sweep import Sweep

NUM_GATES = 4


def wavefront_lstm(x_NFPB: Tensor, weight_NGK: Tensor, sweep: Sweep) -> Tensor:
    """Run the LSTMs over the image, in the weights' precision also where half precision is chosen.

    Args:
        x_NFPB: (N, F, P, B) inputs, the pixels in the order of the sweep.
        weight_NGK: per direction, gates by [inputs at each input shift, states at each state shift, bias].
        sweep: the order of the pixels.

    Returns:
        (N, S, P, B) states h, in the same order.
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
        """(N, rows, J, B) for a wavefront of that size; its last row is one where nobody has written it."""
        if size != self._size:
            shape = (self._directions, self._num_rows, size, self._batch)
            self._size, self._view = size, self._flat[: math.prod(shape)].view(shape)
            self._view[:, -1].fill_(1.0)
        return self._view


class _Inputs:
    """Inputs of the wavefronts, which are read in place, and the rows of the weights that belong to them."""

    def __init__(self, x_NFPB: Tensor, sweep: Sweep) -> None:
        features, self.batch, self.sweep = x_NFPB.shape[1], x_NFPB.shape[3], sweep
        self.num_rows = features * len(sweep.input_shifts)
        rows = [slice(tap * features, (tap + 1) * features) for tap in range(len(sweep.input_shifts))]
        self.taps = sorted(zip(sweep.input_shifts, rows, strict=True), key=lambda tap: tap[0])
        """Each input shift, 0 first, and its rows."""

    def own(self, number: int, values_NFM: Tensor) -> Tensor:
        """Columns of a wavefront among those of all pixels and images."""
        wavefront = self.sweep.wavefronts[number]
        return values_NFM.narrow(2, wavefront.start * self.batch, wavefront.size * self.batch)

    def seen(self, number: int, shift: int, x_NFM: Tensor, gates_NGM: Tensor) -> tuple[Tensor, Tensor]:
        """Columns of a wavefront among those of all inputs, and of its gates, that belong together at a shift.

        Args:
            number: of the wavefront.
            shift: distance at which its gates read the inputs.
            x_NFM: inputs of all pixels and images, or their gradients.
            gates_NGM: gates of the wavefront, or their gradients.
        """
        wavefront = self.sweep.wavefronts[number]
        count = max(0, wavefront.size - shift) * self.batch
        own_NFM = x_NFM.narrow(2, wavefront.start * self.batch, count)
        return own_NFM, gates_NGM.narrow(2, gates_NGM.shape[2] - count, count) if shift else gates_NGM


class _OutputGradient:
    """Gradient of the output: of the states, or of the sum of inputs and expanded states."""

    def __init__(self, d_out_NFPB: Tensor, expand_NFS: Tensor | None, states_NSPB: Tensor, inputs: _Inputs) -> None:
        self._d_out_NFM, self._states_NSM, self._inputs = d_out_NFPB.flatten(2), states_NSPB.flatten(2), inputs
        self._expand_NSF = None if expand_NFS is None else expand_NFS.transpose(1, 2).contiguous()
        self.of_expansion = None if expand_NFS is None else torch.zeros_like(expand_NFS)

    def of_states(self, number: int) -> Tensor:
        """Gradient of a wavefront's states, in memory of its own: (N, S, J, B)."""
        own_NFM = self._inputs.own(number, self._d_out_NFM)
        shape = (self._inputs.sweep.wavefronts[number].size, self._inputs.batch)
        if self._expand_NSF is None or self.of_expansion is None:
            own_NSJB: Tensor = own_NFM.clone().unflatten(2, shape)
            return own_NSJB
        self.of_expansion.baddbmm_(own_NFM, self._inputs.own(number, self._states_NSM).transpose(1, 2))
        expanded_NSJB: Tensor = torch.bmm(self._expand_NSF, own_NFM).unflatten(2, shape)
        return expanded_NSJB

    def add_to_inputs(self, number: int, weight_NFG: Tensor, d_gates_NGM: Tensor, out_NFM: Tensor) -> None:
        """Write the gradient of a wavefront's inputs that comes from its gates, and directly from the output."""
        if self._expand_NSF is None:
            torch.bmm(weight_NFG, d_gates_NGM, out=out_NFM)
        else:
            torch.baddbmm(self._inputs.own(number, self._d_out_NFM), weight_NFG, d_gates_NGM, out=out_NFM)


class _WavefrontLSTM(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x_NFPB: Tensor, weight_NGK: Tensor, expand_NFS: Tensor | None, sweep: Sweep, keep: bool
    ) -> Tensor:
        directions, gates, num_read = weight_NGK.shape
        out_NSPB = x_NFPB.new_empty(directions, gates // NUM_GATES, *x_NFPB.shape[2:])
        inputs, x_NFM = _Inputs(x_NFPB, sweep), x_NFPB.flatten(2)
        expanded_NFM = None if expand_NFS is None else torch.empty_like(x_NFM)
        scaled_NGK = weight_NGK * _per_gate(weight_NGK, (1.0, 1.0, 1.0, 2.0))
        of_inputs = [(shift, scaled_NGK[:, :, rows]) for shift, rows in inputs.taps]
        of_states_NGR = scaled_NGK[:, :, inputs.num_rows :]
        states_NSJB, buffer = sweep.new_states(out_NSPB), _Buffer(x_NFPB, num_read - inputs.num_rows, sweep)
        cells_NSJB, minus_one, tape = sweep.new_cells(-1, out_NSPB), x_NFPB.new_full((), -1.0), []
        for number, wavefront in enumerate(sweep.wavefronts):
            read_NRJB = buffer.of(wavefront.size)
            sweep.gather(number, states_NSJB, read_NRJB)
            gates_NGM = torch.bmm(of_states_NGR, read_NRJB.flatten(2))
            for shift, weight_NGF in of_inputs:
                seen_NFM, own_NGM = inputs.seen(number, shift, x_NFM, gates_NGM)
                own_NGM.baddbmm_(weight_NGF, seen_NFM)
            gates_NGJB = gates_NGM.unflatten(2, read_NRJB.shape[2:])
            before_NSJB = sweep.cells_before(number, cells_NSJB)
            cells_NSJB = sweep.new_cells(number, out_NSPB)
            own_NSJB = states_NSJB.narrow(2, *sweep.padded(number))
            _run_cells(gates_NGJB, before_NSJB, cells_NSJB.narrow(2, 0, wavefront.size), own_NSJB, minus_one)
            out_NSPB.narrow(2, wavefront.start, wavefront.size).copy_(own_NSJB)
            if expand_NFS is not None and expanded_NFM is not None:
                own_NFM, place_NFM = (inputs.own(number, values_NFM) for values_NFM in (x_NFM, expanded_NFM))
                h_NSM = out_NSPB.narrow(2, wavefront.start, wavefront.size).flatten(2)
                torch.baddbmm(own_NFM, expand_NFS, h_NSM, out=place_NFM)
            if keep:
                tape.append((gates_NGJB, before_NSJB, cells_NSJB))
        ctx.save_for_backward(x_NFPB, weight_NGK, expand_NFS, out_NSPB)
        ctx.sweep, ctx.tape = sweep, tape
        return out_NSPB if expanded_NFM is None else expanded_NFM.view(x_NFPB.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        x_NFPB, weight_NGK, expand_NFS, out_NSPB = ctx.saved_tensors
        sweep: Sweep = ctx.sweep
        inputs, x_NFM = _Inputs(x_NFPB, sweep), x_NFPB.flatten(2)
        scale_G1, num_rows = _per_gate(weight_NGK, (1.0, 0.5, 1.0, 1.0)), weight_NGK.shape[2] - inputs.num_rows
        weight_NKG = (weight_NGK * scale_G1).transpose(1, 2).contiguous()
        d_x_NFM, d_weight_NKG = torch.empty_like(x_NFM), torch.zeros_like(weight_NKG)
        of_inputs = [(shift, weight_NKG[:, rows], d_weight_NKG[:, rows]) for shift, rows in inputs.taps]
        of_states_NRG, d_of_states_NRG = weight_NKG[:, inputs.num_rows : -1], d_weight_NKG[:, inputs.num_rows :]
        states_NSJB, minus_one = sweep.new_states(out_NSPB), x_NFPB.new_full((), -1.0)
        read, d_read, d_gates = (_Buffer(x_NFPB, n, sweep) for n in (num_rows, num_rows - 1, weight_NGK.shape[1]))
        d_cells_NSJB = out_NSPB.new_zeros(*out_NSPB.shape[:2], sweep.num_positions, out_NSPB.shape[3])
        output = _OutputGradient(grad_outputs[0], expand_NFS, out_NSPB, inputs)
        d_h_NSJB = output.of_states(len(sweep.wavefronts) - 1)
        for number, wavefront in reversed(list(enumerate(sweep.wavefronts))):
            d_gates_NGJB, read_NRJB = d_gates.of(wavefront.size), read.of(wavefront.size)
            d_cell_NSJB = d_cells_NSJB[:, :, wavefront.positions]
            _cell_gradients(d_h_NSJB, d_cell_NSJB, ctx.tape[number], d_gates_NGJB, minus_one)
            d_gates_NGM = d_gates_NGJB.flatten(2)
            for shift, weight_NFG, d_weight_NFG in of_inputs:
                seen_NFM, own_NGM = inputs.seen(number, shift, x_NFM, d_gates_NGM)
                d_weight_NFG.baddbmm_(seen_NFM, own_NGM.transpose(1, 2))
                d_seen_NFM, _ = inputs.seen(number, shift, d_x_NFM, d_gates_NGM)
                if shift:
                    d_seen_NFM.baddbmm_(weight_NFG, own_NGM)
                else:  # comes first, and has all pixels of the wavefront
                    output.add_to_inputs(number, weight_NFG, own_NGM, d_seen_NFM)
            sweep.recall(number, out_NSPB, states_NSJB)
            sweep.gather(number, states_NSJB, read_NRJB)
            d_of_states_NRG.baddbmm_(read_NRJB.flatten(2), d_gates_NGM.transpose(1, 2))
            if number:
                d_read_NRJB = d_read.of(wavefront.size)
                torch.bmm(of_states_NRG, d_gates_NGM, out=d_read_NRJB.flatten(2))
                d_h_NSJB = output.of_states(number - 1)
                sweep.add_state_gradients(number, d_read_NRJB, d_h_NSJB)
        d_weight_NGK = d_weight_NKG.transpose(1, 2) * scale_G1
        return d_x_NFM.view(x_NFPB.shape), d_weight_NGK, output.of_expansion, None, None


def _per_gate(like: Tensor, factors: tuple[float, ...]) -> Tensor:
    """A factor for each kind of gate: (G, 1)."""
    states = like.shape[1] // NUM_GATES
    return torch.cat([like.new_full((states, 1), factor) for factor in factors])


def _run_cells(gates_NGJB: Tensor, before_NSJB: Tensor, cells_NSJB: Tensor, h_NSJB: Tensor, minus_one: Tensor) -> None:
    """Apply the nonlinearities to the gates, in place, and compute the cells (doubled) and the states from them.

    Args:
        gates_NGJB: i, f and o before their nonlinearity, and twice that of g.
        before_NSJB: 2c'.
        cells_NSJB: where 2c is written.
        h_NSJB: where h is written.
        minus_one: 0-dim.
    """
    i, f, o, g = gates_NGJB.sigmoid_().chunk(NUM_GATES, dim=1)
    torch.add(minus_one, g, alpha=2.0, out=g)
    torch.mul(f, before_NSJB, out=cells_NSJB)
    cells_NSJB.addcmul_(i, g, value=2.0)
    tanh_NSJB = torch.sigmoid(cells_NSJB)
    torch.add(minus_one, tanh_NSJB, alpha=2.0, out=tanh_NSJB)
    torch.mul(o, tanh_NSJB, out=h_NSJB)


def _cell_gradients(
    d_h_NSJB: Tensor,
    d_cell_NSJB: Tensor,
    kept: tuple[Tensor, Tensor, Tensor],
    d_gates_NGJB: Tensor,
    minus_one: Tensor,
) -> None:
    """Compute the gradients of the gates before their nonlinearity; those of f come out doubled.

    Args:
        d_h_NSJB: gradient of the states.
        d_cell_NSJB: that of c from the wavefronts behind; becomes that of c'.
        kept: gates, 2c' and 2c.
        d_gates_NGJB: where the result is written.
        minus_one: 0-dim.
    """
    aten = torch.ops.aten
    gates_NGJB, before_NSJB, cells_NSJB = kept
    num_states, positions = d_h_NSJB.shape[1:3]
    i, f, o, g = gates_NGJB.chunk(NUM_GATES, dim=1)
    d_i, d_f, d_o, d_g = d_gates_NGJB.chunk(NUM_GATES, dim=1)
    tanh_NSJB = torch.sigmoid(cells_NSJB[:, :, :positions])
    torch.add(minus_one, tanh_NSJB, alpha=2.0, out=tanh_NSJB)
    torch.mul(d_h_NSJB, tanh_NSJB, out=d_o)
    d_cell_NSJB += aten.tanh_backward.grad_input(d_h_NSJB.mul_(o), tanh_NSJB, grad_input=d_h_NSJB)
    torch.mul(d_cell_NSJB, g, out=d_i)
    torch.mul(d_cell_NSJB, before_NSJB, out=d_f)
    torch.mul(d_cell_NSJB, i, out=d_g)
    d_cell_NSJB *= f
    d_sigmoids, sigmoids = d_gates_NGJB[:, : 3 * num_states], gates_NGJB[:, : 3 * num_states]
    aten.sigmoid_backward.grad_input(d_sigmoids, sigmoids, grad_input=d_sigmoids)
    aten.tanh_backward.grad_input(d_g, g, grad_input=d_g)
