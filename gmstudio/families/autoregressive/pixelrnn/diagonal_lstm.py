"""The Diagonal BiLSTM: two LSTMs that sweep over an image from its upper corners, diagonal by diagonal.

Going right, the gates of a pixel come from its input (1×1, mask B) and from the states to the left and above; its cell
continues from the cell to the left. These two neighbours lie on the diagonal before (in the skewed map: in the column
before, at the same row and the one above), so a whole diagonal is computed at once. Going left it is the mirror image,
and its states are moved down one row, so that a pixel depends on none of the later ones. The sum of both is expanded by
a 1×1 convolution (mask B) and added to the input.

Letters: F features between layers, S states, G = 4·S gates, P pixels in raster order, Q places of stored states
(``sweep``), B images, N directions: going right and, in images of more than one row, going left.

Source: van den Oord, Kalchbrenner & Kavukcuoglu 2016, Pixel Recurrent Neural Networks, arXiv:1601.06759, section 3.2.
"""

from collections.abc import Callable
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional

from gmstudio.families.autoregressive.pixelrnn.kernels import (
    MaskedKernel,
    expansion_mask,
    initial_gate_bias,
    input_mask,
)
from gmstudio.families.autoregressive.pixelrnn.sweep import Sweep, Wavefront
from gmstudio.families.autoregressive.pixelrnn.wavefront_lstm import NUM_GATES, wavefront_lstm


class OneWayLSTM(nn.Module):
    """Weights of one direction.

    Args:
        num_features: F.
        num_states: S.
        num_groups: colours.
        num_values: channels of the image that are read in addition, without a mask.
    """

    def __init__(self, num_features: int, num_states: int, num_groups: int, num_values: int = 0) -> None:
        super().__init__()
        fan_in = num_features + 2 * num_states + num_values
        gates = NUM_GATES * num_states
        self.input_to_state = MaskedKernel(input_mask(num_states, num_features, 1, num_groups), fan_in)
        self.state_to_state = MaskedKernel(torch.ones(gates, num_states, 2, dtype=torch.bool), fan_in)
        self.bias = nn.Parameter(initial_gate_bias(num_states))
        self.values_to_state = (
            MaskedKernel(torch.ones(gates, num_values, dtype=torch.bool), fan_in) if num_values else None
        )

    def forward(self, num_values: int) -> Tensor:
        """Weights by [features, ``num_values`` image channels, state above, state before, bias]: (G, K)."""
        input_GF = self.input_to_state()[:, :, 0]
        before_GS, above_GS = self.state_to_state().unbind(2)
        values_GC = input_GF.new_zeros(len(input_GF), num_values)
        if self.values_to_state is not None:
            values_GC = self.values_to_state()
        return torch.cat([input_GF, values_GC, above_GS, before_GS, self.bias.unsqueeze(1)], dim=1)


class DiagonalBiLSTM(nn.Module):
    """A residual Diagonal BiLSTM layer.

    Args:
        num_features: F.
        num_states: S.
        num_groups: colours.
        height: rows of the image; with a single one the LSTM going left has no effect, and is left out.
        width: columns of the image.
        num_values: channels of the image that the LSTM going left reads beside the features; 0 for none.
    """

    orders: Tensor
    places: Tensor
    stored_orders: Tensor
    stored_places: Tensor

    def __init__(
        self, num_features: int, num_states: int, num_groups: int, height: int, width: int, num_values: int = 0
    ) -> None:
        super().__init__()
        self.right = OneWayLSTM(num_features, num_states, num_groups)
        self.left = OneWayLSTM(num_features, num_states, num_groups, num_values) if height > 1 else None
        self.expand = MaskedKernel(expansion_mask(num_states, num_features, num_groups))
        self._num_values = num_values if height > 1 else 0
        self._width = width
        self._sweep = diagonals(height, width)
        orders_NP = torch.stack([diagonal_order(height, width, leftward) for leftward in (False, True)])
        self.register_buffer("orders", orders_NP[: 1 if self.left is None else 2], persistent=False)
        self.register_buffer("places", self.orders.argsort(dim=1), persistent=False)
        stored_P = torch.tensor(self._sweep.stored_places)
        stored_orders_NQ = self.orders.new_zeros(len(self.orders), self._sweep.num_stored)
        stored_orders_NQ[:, stored_P] = self.orders
        self.register_buffer("stored_orders", stored_orders_NQ, persistent=False)
        self.register_buffer("stored_places", stored_P[self.places], persistent=False)

    def forward(self, x_FPB: Tensor, values_CPB: Tensor) -> Tensor:
        """Features (F, P, B) and the image, scaled, (C, P, B) → (F, P, B)."""
        read_FPB = torch.cat([x_FPB, values_CPB]) if self._num_values else x_FPB
        lstms = [self.right] if self.left is None else [self.right, self.left]
        weight_NGK = torch.stack([lstm(self._num_values) for lstm in lstms])
        pack, join = cast(Callable[..., Tensor], _Pack.apply), cast(Callable[..., Tensor], _Join.apply)
        states_NSQB = wavefront_lstm(pack(read_FPB, self.orders, self.places), weight_NGK, self._sweep)
        states_SPB = join(states_NSQB, self.stored_orders, self.stored_places, self._width)
        out_FM = torch.addmm(x_FPB.flatten(1), self.expand(), states_SPB.flatten(1))
        return out_FM.view(x_FPB.shape)


class _Pack(torch.autograd.Function):
    """Features in raster order, (F, P, B), in the order of each direction: (N, F, P, B)."""

    @staticmethod
    def forward(ctx: Any, x_FPB: Tensor, orders_NP: Tensor, places_NP: Tensor) -> Tensor:
        ctx.save_for_backward(places_NP)
        packed_NFPB = x_FPB.new_empty(len(orders_NP), *x_FPB.shape)
        for order_P, packed_FPB in zip(orders_NP, packed_NFPB, strict=True):
            torch.index_select(x_FPB, 1, order_P, out=packed_FPB)
        return packed_NFPB

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        (places_NP,), (d_packed_NFPB,) = ctx.saved_tensors, grad_outputs
        d_x_FPB = d_packed_NFPB[0].index_select(1, places_NP[0])
        for place_P, d_packed_FPB in zip(places_NP[1:], d_packed_NFPB[1:], strict=True):
            d_x_FPB += d_packed_FPB.index_select(1, place_P)
        return d_x_FPB, None, None


class _Join(torch.autograd.Function):
    """Sum of the stored states going right and of those going left one row above, in raster order: (S, P, B)."""

    @staticmethod
    def forward(ctx: Any, states_NSQB: Tensor, orders_NQ: Tensor, places_NP: Tensor, width: int) -> Tensor:
        ctx.save_for_backward(orders_NQ)
        ctx.width = width
        sum_SPB = states_NSQB[0].index_select(1, places_NP[0])
        for place_P, left_SPB in zip(places_NP[1:], states_NSQB[1:], strict=True):
            sum_SPB[:, width:].add_(left_SPB.index_select(1, place_P[:-width]))
        return sum_SPB

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        (orders_NQ,), (d_sum_SPB,), width = ctx.saved_tensors, grad_outputs, ctx.width
        d_states_NSQB = d_sum_SPB.new_empty(len(orders_NQ), len(d_sum_SPB), orders_NQ.shape[1], d_sum_SPB.shape[2])
        torch.index_select(d_sum_SPB, 1, orders_NQ[0], out=d_states_NSQB[0])
        for order_Q, d_left_SPB in zip(orders_NQ[1:], d_states_NSQB[1:], strict=True):
            d_below_SPB = functional.pad(d_sum_SPB[:, width:], (0, 0, 0, width))
            torch.index_select(d_below_SPB, 1, order_Q, out=d_left_SPB)
        return d_states_NSQB, None, None, None


def diagonals(height: int, width: int) -> Sweep:
    """Diagonals of an image, each from its top row down; positions are the rows.

    Args:
        height: rows.
        width: columns.
    """
    wavefronts, start = [], 0
    for diagonal in range(height + width - 1):
        top, stop = max(0, diagonal - width + 1), min(height, diagonal + 1)
        wavefronts.append(Wavefront(top, stop, start))
        start += stop - top
    return Sweep(wavefronts=wavefronts, num_positions=height, input_shifts=(0,), state_shifts=(-1, 0))


def diagonal_order(height: int, width: int, leftward: bool) -> Tensor:
    """Raster indices of the pixels, diagonal by diagonal: (P,) int64.

    Args:
        height: rows.
        width: columns.
        leftward: from the upper right corner instead of the upper left.
    """
    rows_P, columns_P = torch.arange(height * width) // width, torch.arange(height * width) % width
    order_P = torch.argsort((rows_P + columns_P) * height + rows_P)
    return order_P if not leftward else rows_P[order_P] * width + (width - 1 - columns_P[order_P])
