"""Convolutions that meet a single place are products of vectors, and nothing but faster."""

import pytest
import torch
from torch import nn

from gmstudio.nn.encoders import StridedDown, StridedUp, strided_sizes


@pytest.mark.parametrize(
    "size", [(28, 28), (3, 3), (2, 2), (2, 3), (3, 1), (1, 9), (16, 16), (17, 40), (1, 1)], ids=str
)
def test_maps_of_one_place_come_out_as_of_any_convolution(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    down, up = StridedDown(2, *size, num_channels=3).double(), StridedUp(2, *size, num_channels=3).double()
    for net in (down, up):
        for parameter in net.parameters():
            nn.init.normal_(parameter)
    x = torch.randn(4, 2, *size, dtype=torch.float64)
    v = torch.randn(4, up.num_in, dtype=torch.float64, requires_grad=True)
    vectors, maps = down(x), up(v)
    assert maps.shape == x.shape and vectors.shape == (4, down.num_out)
    gradients = torch.autograd.grad(
        vectors.square().sum() + maps.square().sum(), [*down.parameters(), *up.parameters(), v], retain_graph=True
    )
    plain, plain_maps = x, v.view(-1, *up.first_map)
    for layer in down.layers:
        plain = nn.Conv2d.forward(layer, plain) if isinstance(layer, nn.Conv2d) else layer(plain)
    for layer in up.layers:
        if isinstance(layer, nn.ConvTranspose2d):
            plain_maps = nn.ConvTranspose2d.forward(layer, plain_maps)
        else:
            plain_maps = layer(plain_maps)
    torch.testing.assert_close(vectors, plain.flatten(1))
    torch.testing.assert_close(maps, plain_maps)
    expected = torch.autograd.grad(
        plain.square().sum() + plain_maps.square().sum(), [*down.parameters(), *up.parameters(), v]
    )
    for mine, theirs in zip(gradients, expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_the_largest_maps_of_digits_end_in_one_place() -> None:
    assert strided_sizes(28, 28)[-2:] == [(3, 3), (1, 1)]
    assert type(StridedDown(1, 28, 28, 4).layers[-2]) is not nn.Conv2d
    assert type(StridedUp(1, 28, 28, 4).layers[1]) is not nn.ConvTranspose2d
