r"""Convolutional LSTMs that sweep over an image, one wavefront of pixels after another.

    [i; f; o] = \sigma(W \cdot [x, h', 1]),    g = \tanh(W \cdot [x, h', 1])
    c = f \odot c' + i \odot g,                h = o \odot \tanh(c)

A wavefront is a set of pixels that do not depend on each other: a row for the Row LSTM, a diagonal for the Diagonal
BiLSTM. Each of its pixels has a *position* (its column in a row, its row in a diagonal). h' and c' are the states and
cells of the previous wavefront: c' at the same position, h' at positions with fixed offsets; outside the image they are
zero. Several directions run side by side.

The inputs of a wavefront are gathered into one matrix [x, h', 1] with a column per pixel and image, so that a wavefront
costs one matrix product forward and two backward. The gradient is written by hand: with autograd, the many small
operations of a wavefront and the slices of the whole image would each allocate memory and a node of the graph, which
costs more than the arithmetic.

Letters: N directions, F input features, S states of an LSTM, G = 4·S gates in the order i, f, o, g, K rows of the
gathered inputs of a pixel, P pixels of the image in raster order, J positions of a wavefront, B images. The batch comes
last, so that the pixels of a wavefront are slices of long contiguous runs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

NUM_GATES = 4


@dataclass(frozen=True)
class Wavefront:
    """Pixels that are computed together.

    Args:
        first: the first position.
        stop: one past the last position.
        pixels: for each direction, the raster indices of the pixels, position by position.
    """

    first: int
    stop: int
    pixels: tuple[slice, ...]


@dataclass(frozen=True)
class Sweep:
    """Order in which the pixels are computed, and the inputs of each.

    Args:
        wavefronts: all wavefronts; together they contain each pixel once per direction.
        num_positions: number of positions; those of a wavefront are a range of them.
        input_shifts: distances to the left, in positions, at which inputs of the same wavefront are read.
        state_shifts: offsets, in positions, at which states of the previous wavefront are read.
    """

    wavefronts: Sequence[Wavefront]
    num_positions: int
    input_shifts: tuple[int, ...]
    state_shifts: tuple[int, ...]

    @property
    def padding(self) -> int:
        """Positions of zeros that the states need on either side."""
        return max((abs(shift) for shift in self.state_shifts), default=0)

    def read(self, x_FPB: Tensor, states_NSJB: Tensor, wavefront: Wavefront, out_NKJB: Tensor) -> None:
        """Gather the inputs of a wavefront: features, states of the previous one (padded), and a one for the bias."""
        features, states = len(x_FPB), states_NSJB.shape[1]
        for direction, pixels in enumerate(wavefront.pixels):
            for tap, shift in enumerate(self.input_shifts):
                place_FJB = out_NKJB[direction, tap * features : (tap + 1) * features]
                if shift:
                    place_FJB[:, :shift] = 0.0
                place_FJB[:, shift:] = x_FPB[:, pixels][:, : max(0, wavefront.stop - wavefront.first - shift)]
        row = len(self.input_shifts) * features
        for shift in self.state_shifts:
            out_NKJB[:, row : row + states] = states_NSJB[:, :, self._positions(wavefront, shift)]
            row += states
        out_NKJB[:, row] = 1.0

    def add_gradients(self, d_read_NKJB: Tensor, d_x_FPB: Tensor, d_states_NSJB: Tensor, wavefront: Wavefront) -> None:
        """Transpose of ``read``: add the gradients of gathered inputs to those of the features and states."""
        features, states = len(d_x_FPB), d_states_NSJB.shape[1]
        for direction, pixels in enumerate(wavefront.pixels):
            for tap, shift in enumerate(self.input_shifts):
                d_place_FJB = d_read_NKJB[direction, tap * features : (tap + 1) * features]
                d_x_FPB[:, pixels][:, : max(0, wavefront.stop - wavefront.first - shift)] += d_place_FJB[:, shift:]
        row = len(self.input_shifts) * features
        for shift in self.state_shifts:
            d_states_NSJB[:, :, self._positions(wavefront, shift)] += d_read_NKJB[:, row : row + states]
            row += states

    def recall(self, out_NSPB: Tensor, number: int, states_NSJB: Tensor) -> None:
        """Restore the padded states as they were before a wavefront, given its number, from all states."""
        states_NSJB.zero_()
        if number > 0:
            before = self.wavefronts[number - 1]
            for direction, pixels in enumerate(before.pixels):
                states_NSJB[direction, :, self.own_positions(before)] = out_NSPB[direction, :, pixels]

    def own_positions(self, wavefront: Wavefront) -> slice:
        """Slice of a wavefront's own states among the padded positions."""
        return self._positions(wavefront, 0)

    def _positions(self, wavefront: Wavefront, shift: int) -> slice:
        return slice(self.padding + wavefront.first + shift, self.padding + wavefront.stop + shift)


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


class _Buffer:
    """Memory for the gathered inputs of any wavefront; always the same, so that it stays in the processor's cache."""

    def __init__(self, like: Tensor, directions: int, num_read: int, num_positions: int, batch: int) -> None:
        self._flat = like.new_empty(directions * num_read * num_positions * batch)
        self._directions, self._num_read, self._batch = directions, num_read, batch

    def of(self, positions: int) -> Tensor:
        """(N, K, J, B) for a number of positions."""
        shape = (self._directions, self._num_read, positions, self._batch)
        return self._flat[: math.prod(shape)].view(shape)


class _WavefrontLSTM(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_FPB: Tensor, weight_NGK: Tensor, sweep: Sweep, keep: bool) -> Tensor:
        directions, gates, num_read = weight_NGK.shape
        num_states, (_, pixels, batch) = gates // NUM_GATES, x_FPB.shape
        out_NSPB = x_FPB.new_empty(directions, num_states, pixels, batch)
        states_NSJB = x_FPB.new_zeros(directions, num_states, sweep.num_positions + 2 * sweep.padding, batch)
        cells_NSJB = x_FPB.new_zeros(directions, num_states, sweep.num_positions, batch)
        buffer = _Buffer(x_FPB, directions, num_read, sweep.num_positions, batch)
        tape = []
        for wavefront in sweep.wavefronts:
            read_NKJB = buffer.of(wavefront.stop - wavefront.first)
            sweep.read(x_FPB, states_NSJB, wavefront, read_NKJB)
            gates_NGM = torch.bmm(weight_NGK, read_NKJB.flatten(2))
            own_NSJB = states_NSJB[:, :, sweep.own_positions(wavefront)]
            before_NSJB, tanh_cell_NSJB = _run_cells(
                gates_NGM, cells_NSJB[:, :, wavefront.first : wavefront.stop], own_NSJB
            )
            for direction, place in enumerate(wavefront.pixels):
                out_NSPB[direction, :, place] = own_NSJB[direction]
            if keep:
                tape.append((gates_NGM, before_NSJB, tanh_cell_NSJB))
        ctx.save_for_backward(x_FPB, weight_NGK, out_NSPB)
        ctx.sweep, ctx.tape = sweep, tape
        return out_NSPB

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        d_out_NSPB: Tensor = grad_outputs[0]
        x_FPB, weight_NGK, out_NSPB = ctx.saved_tensors
        sweep: Sweep = ctx.sweep
        (directions, num_states, _, batch), num_read = out_NSPB.shape, weight_NGK.shape[2]
        d_x_FPB, d_weight_NGK = torch.zeros_like(x_FPB), torch.zeros_like(weight_NGK)
        states_NSJB = x_FPB.new_zeros(directions, num_states, sweep.num_positions + 2 * sweep.padding, batch)
        d_states_NSJB = torch.zeros_like(states_NSJB)
        d_cells_NSJB = x_FPB.new_zeros(directions, num_states, sweep.num_positions, batch)
        weight_NKG = weight_NGK.transpose(1, 2).contiguous()
        # Inputs are gathered again instead of stored: that takes as long as loading them, and half the memory.
        buffer, d_buffer = (_Buffer(x_FPB, directions, num_read, sweep.num_positions, batch) for _ in range(2))
        for number, wavefront in reversed(list(enumerate(sweep.wavefronts))):
            d_h_NSJB = d_states_NSJB[:, :, sweep.own_positions(wavefront)].clone()
            for direction, place in enumerate(wavefront.pixels):
                d_h_NSJB[direction] += d_out_NSPB[direction, :, place]
            d_cell_NSJB = d_cells_NSJB[:, :, wavefront.first : wavefront.stop]
            d_gates_NGM = _cell_gradients(d_h_NSJB, d_cell_NSJB, *ctx.tape[number])
            read_NKJB, d_read_NKJB = (
                buffer.of(wavefront.stop - wavefront.first),
                d_buffer.of(wavefront.stop - wavefront.first),
            )
            sweep.recall(out_NSPB, number, states_NSJB)
            sweep.read(x_FPB, states_NSJB, wavefront, read_NKJB)
            d_weight_NGK.baddbmm_(d_gates_NGM, read_NKJB.flatten(2).transpose(1, 2))
            torch.bmm(weight_NKG, d_gates_NGM, out=d_read_NKJB.flatten(2))
            d_states_NSJB.zero_()
            sweep.add_gradients(d_read_NKJB, d_x_FPB, d_states_NSJB, wavefront)
        return d_x_FPB, d_weight_NGK, None, None


def _run_cells(gates_NGM: Tensor, cell_NSJB: Tensor, h_NSJB: Tensor) -> tuple[Tensor, Tensor]:
    """Apply the nonlinearities to the gates, update the cells in place, and set the states.

    Returns:
        The cells before, and tanh of the cells after; (N, S, J, B) each.
    """
    num_states, positions, batch = cell_NSJB.shape[1:]
    gates_NGM[:, : 3 * num_states].sigmoid_()
    _tanh_(gates_NGM[:, 3 * num_states :])
    i, f, o, g = gates_NGM.unflatten(2, (positions, batch)).chunk(NUM_GATES, dim=1)
    before_NSJB = cell_NSJB.clone()
    torch.mul(f, before_NSJB, out=cell_NSJB)
    cell_NSJB.addcmul_(i, g)
    tanh_cell_NSJB = _tanh_(cell_NSJB.clone())
    torch.mul(o, tanh_cell_NSJB, out=h_NSJB)
    return before_NSJB, tanh_cell_NSJB


def _tanh_(x: Tensor) -> Tensor:
    """Hyperbolic tangent in place, 2σ(2x) - 1: on the CPU, torch's sigmoid is several times as fast as its tanh."""
    return x.mul_(2.0).sigmoid_().mul_(2.0).sub_(1.0)


def _cell_gradients(
    d_h_NSJB: Tensor, d_cell_NSJB: Tensor, gates_NGM: Tensor, before_NSJB: Tensor, tanh_cell_NSJB: Tensor
) -> Tensor:
    """Gradients of the gates before their nonlinearity; ``d_cell_NSJB`` becomes that of the cells before."""
    aten = torch.ops.aten
    num_states, positions, batch = d_h_NSJB.shape[1:]
    i, f, o, g = gates_NGM.unflatten(2, (positions, batch)).chunk(NUM_GATES, dim=1)
    d_gates_NGM = torch.empty_like(gates_NGM)
    d_i, d_f, d_o, d_g = d_gates_NGM.unflatten(2, (positions, batch)).chunk(NUM_GATES, dim=1)
    d_cell_NSJB += aten.tanh_backward(d_h_NSJB * o, tanh_cell_NSJB)
    torch.mul(d_cell_NSJB, g, out=d_i)
    torch.mul(d_cell_NSJB, before_NSJB, out=d_f)
    torch.mul(d_h_NSJB, tanh_cell_NSJB, out=d_o)
    torch.mul(d_cell_NSJB, i, out=d_g)
    d_cell_NSJB *= f
    sigmoids, tangent = slice(3 * num_states), slice(3 * num_states, None)
    d_gates_NGM[:, sigmoids] = aten.sigmoid_backward(d_gates_NGM[:, sigmoids], gates_NGM[:, sigmoids])
    d_gates_NGM[:, tangent] = aten.tanh_backward(d_gates_NGM[:, tangent], gates_NGM[:, tangent])
    return d_gates_NGM
