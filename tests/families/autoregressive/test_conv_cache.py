"""Cached convolutions, position by position, against the same convolution of the whole image."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gmstudio.families.autoregressive.conv_cache import PixelCache, RowCache
from gmstudio.families.autoregressive.masked_conv import MaskedConv2d, group_slices
from gmstudio.nn.stepping.ops import NumpyOps, StepOps, TorchOps

HEIGHT, WIDTH, F, M = 5, 4, 6, 7


def operations(kind: str, batch: int) -> StepOps:
    return NumpyOps(batch) if kind == "numpy" else TorchOps(batch, torch.device("cpu"))


def walk_row(
    cache: RowCache, ops: StepOps, layers: list[MaskedConv2d], x_NBFHW: Tensor, row: int, groups: int, tolerance: float
) -> None:
    """Feed a row's features in, colour by colour, and compare what comes out."""
    cache.enter_row(row)
    expected = [layer(x) for layer, x in zip(layers, x_NBFHW, strict=True)]
    out = ops.zeros(M)
    for column in range(WIDTH):
        for group, (read, write) in enumerate(zip(group_slices(F, groups), group_slices(M, groups), strict=True)):
            for number in range(len(layers)):
                values = ops.load(x_NBFHW[number, :, read, row, column].T)
                place = cache.feature(number, column, group)
                place[...] = values.reshape(place.shape)
                for call in cache.linear(number, column, group, out[write]):
                    call()
                found = torch.from_numpy(ops.to_numpy(out)[write]).T
                assert torch.allclose(found, expected[number][:, write, row, column], atol=tolerance)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("kernel_size", [3, 5])
@pytest.mark.parametrize("groups", [1, 3])
def test_rows_forth_and_back(kind: str, batch: int, kernel_size: int, groups: int) -> None:
    torch.manual_seed(0)
    ops = operations(kind, batch)
    layers = [MaskedConv2d("B", F, M, kernel_size, groups) for _ in range(2)]
    x = torch.randn(2, batch, F, HEIGHT, WIDTH)
    cache = RowCache(ops, layers, WIDTH, groups, kind="B")
    with torch.no_grad():
        for row in (0, 1, 2, 3, 4, 1, 2, 2, 0, 1):
            if row <= 1:
                x[:, :, :, row] = torch.randn(2, batch, F, WIDTH)  # another path from here
            walk_row(cache, ops, layers, x, row, groups, 1e-5)


@pytest.mark.parametrize("groups", [1, 3])
def test_mask_a_ignores_the_colour_itself(groups: int) -> None:
    torch.manual_seed(0)
    ops = NumpyOps(2)
    layers = [MaskedConv2d("A", F, M, 3, groups)]
    cache = RowCache(ops, layers, WIDTH, groups, kind="A", rewindable=False)
    x = torch.randn(1, 2, F, HEIGHT, WIDTH)
    with torch.no_grad():
        for row in range(HEIGHT):
            walk_row(cache, ops, layers, x, row, groups, 1e-5)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("groups", [1, 3])
def test_one_pixel(kind: str, batch: int, groups: int) -> None:
    torch.manual_seed(0)
    ops = operations(kind, batch)
    layer = MaskedConv2d("B", F, M, 1, groups)
    cache = PixelCache(ops, layer, groups)
    features, out = ops.zeros(F), ops.zeros(M)
    with torch.no_grad():
        for _ in range(2):
            x = torch.randn(batch, F)
            features[...] = ops.load(x.T).reshape(features.shape)
            for group, (read, write) in enumerate(zip(group_slices(F, groups), group_slices(M, groups), strict=True)):
                for call in cache.program(group, features[read], out[write]):
                    call()
            expected = layer(functional.relu(x)[:, :, None, None])[:, :, 0, 0]
            assert torch.allclose(torch.from_numpy(ops.to_numpy(out)).T, expected, atol=1e-5)
