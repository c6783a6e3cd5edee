r"""Convolutional LSTMs that sweep over an image, one wavefront of pixels after another.

    [i; f; o] = \sigma(W \cdot [x, h', 1]),    g = \tanh(W \cdot [x, h', 1])
    c = f \odot c' + i \odot g,                h = o \odot \tanh(c)

A wavefront is a set of pixels that do not depend on each other: a row for the Row LSTM, a diagonal for the Diagonal
BiLSTM. Each of its pixels has a *position* (its column in a row, its row in a diagonal). h' and c' are the states and
cells of the previous wavefront: c' at the same position, h' at positions with fixed offsets; outside the image they are
zero. Several directions run side by side.

The inputs of a wavefront are gathered into one matrix [x, h', 1] with a column per pixel and image, so that a wavefront
costs one matrix product forward and two backward (``sweep.Sweep``). The gradient is written by hand: with autograd, the
many small operations of a wavefront and the slices of the whole image would each allocate memory and a node of the
graph, which costs more than the arithmetic.

*Hyperbolic tangents.* On the CPU torch's sigmoid is ten times as fast as its tanh, so tanh(a) = 2σ(2a) - 1. The factor
in the argument costs nothing: it is multiplied into the weights of g, and cells are kept doubled, as 2c. Gradients of
the gates then come out scaled by a constant per gate, which is multiplied into the transposed weights and into the
gradient of the weights, after the last wavefront.

*Kept for the gradient* are the gates and the cells; the gathered inputs and tanh(c) are computed again, which takes no
longer than loading them.

Letters: N directions, F input features, S states of an LSTM, G = 4·S gates in the order i, f, o, g, K rows of the
gathered inputs of a pixel, P pixels of the image in raster order, J positions of a wavefront, B images. The batch comes
last, so that the pixels of a wavefront are slices of long contiguous runs.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gmstudio.families.autoregressive.pixelrnn.sweep import Sweep, WavefrontBuffer

NUM_GATES = 4


def wavefront_lstm(x_FPB: Tensor, weight_NGK: Tensor, sweep: Sweep) -> Tensor:
    """Run the LSTMs over the image, in the weights' precision also where half precision is chosen.

    Args:
        x_FPB: (F, P, B) inputs.
        weight_NGK: per direction, gates by [inputs at each input shift, states at each state shift, bias].
        sweep: the order of the pixels.

    Returns:
        (N, S, P, B) states h.
    """
    apply: Callable[..., Tensor] = _WavefrontLSTM.apply
    with torch.autocast(x_FPB.device.type, enabled=False):
        return apply(x_FPB.to(weight_NGK.dtype), weight_NGK, sweep, torch.is_grad_enabled())


class _WavefrontLSTM(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_FPB: Tensor, weight_NGK: Tensor, sweep: Sweep, keep: bool) -> Tensor:
        directions, gates, num_read = weight_NGK.shape
        num_states = gates // NUM_GATES
        out_NSPB = x_FPB.new_empty(directions, num_states, *x_FPB.shape[1:])
        states_NSJB = sweep.new_states(x_FPB, directions, num_states)
        scaled_NGK = weight_NGK * _per_gate(weight_NGK, (1.0, 1.0, 1.0, 2.0))
        buffer = WavefrontBuffer(x_FPB, directions, num_read, sweep.num_positions)
        minus_one = x_FPB.new_full((), -1.0)
        tape = []
        cells_NSJB = sweep.new_cells(x_FPB, directions, num_states, -1)
        for number, wavefront in enumerate(sweep.wavefronts):
            read_NKJB = buffer.of(wavefront)
            sweep.read(x_FPB, states_NSJB, wavefront, read_NKJB)
            gates_NGJB = torch.bmm(scaled_NGK, read_NKJB.flatten(2)).unflatten(2, read_NKJB.shape[2:])
            before_NSJB = sweep.cells_before(number, cells_NSJB)
            cells_NSJB = sweep.new_cells(x_FPB, directions, num_states, number)
            own_NSJB = states_NSJB[:, :, sweep.padded(wavefront)]
            _run_cells(gates_NGJB, before_NSJB, cells_NSJB[:, :, : before_NSJB.shape[2]], own_NSJB, minus_one)
            for direction, place in enumerate(wavefront.pixels):
                out_NSPB[direction, :, place] = own_NSJB[direction]
            if keep:
                tape.append((gates_NGJB, before_NSJB, cells_NSJB))
        ctx.save_for_backward(x_FPB, weight_NGK, out_NSPB)
        ctx.sweep, ctx.tape = sweep, tape
        return out_NSPB

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        d_out_NSPB: Tensor = grad_outputs[0]
        x_FPB, weight_NGK, out_NSPB = ctx.saved_tensors
        sweep: Sweep = ctx.sweep
        (directions, num_states), num_read = out_NSPB.shape[:2], weight_NGK.shape[2]
        d_x_FPB, d_weight_NKG = torch.zeros_like(x_FPB), weight_NGK.new_zeros(directions, num_read, weight_NGK.shape[1])
        states_NSJB = sweep.new_states(x_FPB, directions, num_states)
        d_cells_NSJB = x_FPB.new_zeros(directions, num_states, sweep.num_positions, x_FPB.shape[2])
        scale_G1 = _per_gate(weight_NGK, (1.0, 0.5, 1.0, 1.0))
        weight_NKG = (weight_NGK * scale_G1).transpose(1, 2).contiguous()
        read, d_read = (WavefrontBuffer(x_FPB, directions, num_read, sweep.num_positions) for _ in range(2))
        d_gates = WavefrontBuffer(x_FPB, directions, weight_NGK.shape[1], sweep.num_positions)
        minus_one = x_FPB.new_full((), -1.0)
        d_h_NSJB = sweep.of_wavefront(d_out_NSPB, len(sweep.wavefronts) - 1)
        for number, wavefront in reversed(list(enumerate(sweep.wavefronts))):
            read_NKJB, d_read_NKJB, d_gates_NGJB = read.of(wavefront), d_read.of(wavefront), d_gates.of(wavefront)
            d_cell_NSJB = d_cells_NSJB[:, :, wavefront.positions]
            _cell_gradients(d_h_NSJB, d_cell_NSJB, ctx.tape[number], d_gates_NGJB, minus_one)
            sweep.recall(out_NSPB, number, states_NSJB)
            sweep.read(x_FPB, states_NSJB, wavefront, read_NKJB)
            d_weight_NKG.baddbmm_(read_NKJB.flatten(2), d_gates_NGJB.flatten(2).transpose(1, 2))
            torch.bmm(weight_NKG, d_gates_NGJB.flatten(2), out=d_read_NKJB.flatten(2))
            sweep.add_input_gradients(d_read_NKJB, d_x_FPB, wavefront)
            if number:
                d_h_NSJB = sweep.of_wavefront(d_out_NSPB, number - 1)
                sweep.add_state_gradients(d_read_NKJB, d_h_NSJB, number)
        return d_x_FPB, d_weight_NKG.transpose(1, 2) * scale_G1, None, None


def _per_gate(like: Tensor, factors: tuple[float, ...]) -> Tensor:
    """A factor for each kind of gate: (G, 1)."""
    gates_n = torch.tensor(factors, dtype=like.dtype, device=like.device)
    return gates_n.repeat_interleave(like.shape[1] // NUM_GATES).unsqueeze(1)


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
