"""The swept LSTMs against LSTMs written pixel by pixel, and their hand-written gradient against differences."""

import itertools
from functools import partial
from typing import Literal

import pytest
import torch
from torch import Tensor

from gmstudio.families.autoregressive.pixelrnn.diagonal_lstm import (
    DiagonalBiLSTM,
    OneWayLSTM,
    diagonal_order,
    diagonals,
)
from gmstudio.families.autoregressive.pixelrnn.row_lstm import RowLSTM
from gmstudio.families.autoregressive.pixelrnn.sweep import Sweep, Wavefront
from gmstudio.families.autoregressive.pixelrnn.wavefront_lstm import residual_lstm, wavefront_lstm
from gmstudio.nn.products import HAS_ONEDNN, products_by

SHAPES = [(3, 4), (4, 2), (1, 3), (3, 1)]


def rows(height: int, width: int) -> Sweep:
    wavefronts = [Wavefront(0, width, row * width) for row in range(height)]
    return Sweep(wavefronts, width, input_shifts=(2, 1, 0), state_shifts=(-2, -1, 0, 1, 2))


def cell(gates_GB: Tensor, before_SB: Tensor) -> tuple[Tensor, Tensor]:
    i, f, o, g = gates_GB.chunk(4)
    cell_SB = f.sigmoid() * before_SB + i.sigmoid() * g.tanh()
    return o.sigmoid() * cell_SB.tanh(), cell_SB


@pytest.mark.parametrize(("height", "width"), SHAPES)
@pytest.mark.parametrize("leftward", [False, True])
def test_diagonals_go_through_every_pixel_once(height: int, width: int, leftward: bool) -> None:
    order = diagonal_order(height, width, leftward).tolist()
    assert sorted(order) == list(range(height * width))
    seen = []
    for number, wavefront in enumerate(diagonals(height, width).wavefronts):
        own = [divmod(pixel, width) for pixel in order[wavefront.start : wavefront.start + wavefront.size]]
        assert [row for row, _ in own] == list(range(wavefront.first, wavefront.stop))
        assert all(row + (width - 1 - column if leftward else column) == number for row, column in own)
        seen += own
    assert len(seen) == height * width


@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_the_gradient_is_right(height: int, width: int) -> None:
    torch.manual_seed(0)
    for sweep, directions, num_read in [(rows(height, width), 1, 9 + 10 + 1), (diagonals(height, width), 2, 3 + 4 + 1)]:
        x = torch.randn(directions, 3, height * width, 2, dtype=torch.float64, requires_grad=True)
        weight = torch.randn(directions, 8, num_read, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(
            lambda x, weight, sweep=sweep: wavefront_lstm(x, weight, sweep), (x, weight), fast_mode=True
        )


def test_the_gradient_of_a_residual_layer_is_right() -> None:
    torch.manual_seed(0)
    shapes = [(1, 3, 12, 2), (1, 8, 3 * 3 + 5 * 2 + 1), (1, 3, 2)]
    tensors = [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]
    assert torch.autograd.gradcheck(partial(residual_lstm, sweep=rows(3, 4)), tensors, fast_mode=True)


def test_without_gradients_the_states_are_the_same() -> None:
    x, weight = torch.randn(2, 3, 12, 2), torch.randn(2, 8, 8, requires_grad=True)
    states = wavefront_lstm(x, weight, diagonals(3, 4))
    with torch.no_grad():
        assert torch.equal(wavefront_lstm(x, weight, diagonals(3, 4)), states)


@pytest.mark.parametrize("sweep", [rows(3, 4), diagonals(4, 3)])
def test_states_are_stored_with_zeros_between_the_wavefronts(sweep: Sweep) -> None:
    num_read = 3 * len(sweep.input_shifts) + 2 * len(sweep.state_shifts) + 1
    states = wavefront_lstm(torch.randn(1, 3, 12, 2), torch.randn(1, 8, num_read), sweep)
    assert states.shape == (1, 2, sweep.num_stored, 2)
    assert states[:, :, sweep.stored_places].all()
    assert states.count_nonzero() == 2 * 12 * 2


@pytest.mark.parametrize("kernel_size", [3, 5])
def test_a_row_lstm_is_what_the_paper_writes(kernel_size: int) -> None:
    height, width, features, states, batch, reach = 3, 5, 4, 2, 2, kernel_size // 2
    torch.manual_seed(1)
    layer = RowLSTM(features, states, kernel_size, 1, height, width)
    assert layer.state_to_state is not None
    x = torch.randn(features, height, width, batch)
    h = torch.zeros(states, height + 1, width + 2 * reach, batch)
    c = torch.zeros(states, height + 1, width, batch)
    x_padded = torch.nn.functional.pad(x, (0, 0, reach, 0))
    expected = x.clone()
    for row, column in itertools.product(range(height), range(width)):
        gates = layer.bias.unsqueeze(1)
        gates = gates + torch.einsum(
            "gfk,fkb->gb", layer.input_to_state(), x_padded[:, row, column : column + reach + 1]
        )
        gates = gates + torch.einsum("gsk,skb->gb", layer.state_to_state(), h[:, row, column : column + kernel_size])
        h[:, row + 1, column + reach], c[:, row + 1, column] = (v.detach() for v in cell(gates, c[:, row, column]))
        expected[:, row, column] += layer.expand() @ h[:, row + 1, column + reach]
    assert torch.allclose(layer(x.flatten(1, 2)).view_as(x), expected, atol=1e-5)


def one_way(way: OneWayLSTM, x: Tensor, values: Tensor) -> Tensor:
    """(S, H, W, B) states of an LSTM going right, pixel by pixel."""
    _, height, width, batch = x.shape
    num_states = way.state_to_state.weight.shape[1]
    h = torch.zeros(num_states, height + 1, width + 1, batch)
    c = torch.zeros(num_states, height + 1, width + 1, batch)
    for row, column in itertools.product(range(height), range(width)):
        gates = way.input_to_state()[:, :, 0] @ x[:, row, column] + way.bias.unsqueeze(1)
        gates = gates + way.state_to_state()[:, :, 0] @ h[:, row + 1, column]
        gates = gates + way.state_to_state()[:, :, 1] @ h[:, row, column + 1]
        if way.values_to_state is not None:
            gates = gates + way.values_to_state() @ values[:, row, column]
        h[:, row + 1, column + 1], c[:, row + 1, column + 1] = (v.detach() for v in cell(gates, c[:, row + 1, column]))
    return h[:, 1:, 1:]


@pytest.mark.parametrize("num_values", [0, 2])
def test_a_diagonal_bilstm_is_what_the_paper_writes(num_values: int) -> None:
    height, width, features, states, batch = 3, 5, 4, 2, 2
    torch.manual_seed(1)
    layer = DiagonalBiLSTM(features, states, 1, height, width, num_values)
    assert layer.left is not None
    x, values = torch.randn(features, height, width, batch), torch.randn(2, height, width, batch)
    both = one_way(layer.right, x, values)
    both[:, 1:] += one_way(layer.left, x.flip(2), values.flip(2)).flip(2)[:, :-1]
    expected = x + torch.einsum("fs,shwb->fhwb", layer.expand(), both)
    assert torch.allclose(layer(x.flatten(1, 2), values.flatten(1, 2)).view_as(x), expected, atol=1e-5)


def test_inputs_in_another_layout_leave_values_and_gradients_as_they_are() -> None:
    torch.manual_seed(0)
    layer = RowLSTM(6, 3, 3, num_groups=1, height=4, width=5)
    dense_FPB = torch.randn(6, 20, 7, requires_grad=True)
    other_FPB = dense_FPB.detach().permute(2, 0, 1).contiguous().permute(1, 2, 0).requires_grad_()
    weight_FPB = torch.randn(6, 20, 7)
    found = [(out := layer(x), *torch.autograd.grad((out * weight_FPB).sum(), x)) for x in (dense_FPB, other_FPB)]
    for expected, value in zip(*found, strict=True):
        torch.testing.assert_close(value, expected)


@pytest.mark.skipif(not HAS_ONEDNN, reason="needs oneDNN's products")
def test_products_by_onednn_leave_values_and_gradients_as_they_are() -> None:
    torch.manual_seed(0)
    layer = RowLSTM(6, 3, 3, num_groups=1, height=4, width=5)
    x_FPB = torch.randn(6, 20, 7, requires_grad=True)
    weight_FPB = torch.randn(6, 20, 7)
    found = {}
    libraries: tuple[Literal["torch", "onednn"], ...] = ("torch", "onednn")
    for library in libraries:
        with products_by(library):
            out_FPB = layer(x_FPB)
            grads = torch.autograd.grad((out_FPB * weight_FPB).sum(), [x_FPB, *layer.parameters()])
        found[library] = [out_FPB, *grads]
    for expected, value in zip(*found.values(), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-5, atol=1e-5)
