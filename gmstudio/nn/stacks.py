"""Stacks of dense and strided convolutional layers between images and vectors, for images of any size.

Source: Radford, Metz & Chintala 2016, DCGAN, arXiv:1511.06434, section 3; Ba, Kiros & Hinton 2016, arXiv:1607.06450
(layer normalization); Wu & He 2018, arXiv:1803.08494 (group normalization).

Shapes: B batch, C channels, H height, W width, N vector entries. Normalization, where there is any, is per image
(layer or group normalization), never per batch: the output for one code does not depend on the others of its batch.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from gmstudio.nn.products import Linear

Activation = Callable[[], nn.Module]
MAX_WIDENING = 8
SMALLEST_MAP = 4


def leaky_relu() -> nn.Module:
    """max(x, 0.2 x), the nonlinearity of discriminators (Radford et al. 2016)."""
    return nn.LeakyReLU(0.2)


def dense_stack(
    num_in: int, num_hidden: int, num_layers: int, num_out: int, activation: Activation = nn.ReLU, norm: bool = False
) -> nn.Sequential:
    """``num_layers`` hidden layers of equal width and a linear output: (B, num_in) → (B, num_out).

    Args:
        num_in: entries of the input vector.
        num_hidden: units per hidden layer.
        num_layers: hidden layers, 1 or more.
        num_out: entries of the output vector.
        activation: constructor of the nonlinearity after each hidden layer.
        norm: normalize each hidden layer before its nonlinearity (layer normalization).
    """
    layers: list[nn.Module] = []
    for _ in range(num_layers):
        layers.append(Linear(num_in, num_hidden))
        if norm:
            layers.append(nn.LayerNorm(num_hidden))
        layers.append(activation())
        num_in = num_hidden
    return nn.Sequential(*layers, Linear(num_in, num_out))


def map_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes of the feature maps, halved (rounding down) while the smaller side keeps at least 4: 28 → 14 → 7."""
    sizes = [(height, width)]
    while min(sizes[-1]) // 2 >= SMALLEST_MAP:
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    return sizes


def map_channels(num_channels: int, num_maps: int) -> list[int]:
    """Channels of each map: doubled at each halving, up to 8 times the first."""
    return [num_channels * min(2**i, MAX_WIDENING) for i in range(num_maps)]


class ConvDown(nn.Module):
    """Images to vectors: a 3×3 convolution, 4×4 convolutions of stride 2, flattened.

    Args:
        in_channels: channels of the image.
        height: rows.
        width: columns.
        num_channels: channels of the first map.
        activation: constructor of the nonlinearity after each convolution.
    """

    def __init__(
        self, in_channels: int, height: int, width: int, num_channels: int, activation: Activation = nn.ReLU
    ) -> None:
        super().__init__()
        sizes = map_sizes(height, width)
        channels = map_channels(num_channels, len(sizes))
        layers: list[nn.Module] = [nn.Conv2d(in_channels, num_channels, 3, padding=1), activation()]
        for narrow, wide in pairwise(channels):
            layers += [nn.Conv2d(narrow, wide, 4, stride=2, padding=1), activation()]
        self.layers = nn.Sequential(*layers)
        self.num_out = channels[-1] * sizes[-1][0] * sizes[-1][1]

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) → (B, num_out)."""
        flat: Tensor = self.layers(x_BCHW).flatten(1)
        return flat


class ConvUp(nn.Module):
    """Vectors to maps of the image's size: reshaped, 4×4 transposed convolutions of stride 2, a 3×3 convolution.

    It mirrors ``ConvDown``: an odd side gets back the row or column that halving rounded away.

    Args:
        out_channels: channels of the output.
        height: rows of the output.
        width: columns of the output.
        num_channels: channels of the largest map.
        activation: constructor of the nonlinearity before each convolution.
        norm: normalize each map before its nonlinearity (group normalization, 4 channels a group or more).
    """

    def __init__(
        self,
        out_channels: int,
        height: int,
        width: int,
        num_channels: int,
        activation: Activation = nn.ReLU,
        norm: bool = False,
    ) -> None:
        super().__init__()
        sizes = map_sizes(height, width)[::-1]
        channels = map_channels(num_channels, len(sizes))[::-1]
        self.first_map = (channels[0], *sizes[0])
        self.num_in = channels[0] * sizes[0][0] * sizes[0][1]
        layers = _before(channels[0], activation, norm)
        for i in range(1, len(sizes)):
            odd = (sizes[i][0] % 2, sizes[i][1] % 2)
            up = nn.ConvTranspose2d(channels[i - 1], channels[i], 4, stride=2, padding=1, output_padding=odd)
            layers += [up, *_before(channels[i], activation, norm)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], out_channels, 3, padding=1))

    def forward(self, v_BN: Tensor) -> Tensor:
        """(B, num_in) → (B, out_channels, H, W)."""
        maps: Tensor = self.layers(v_BN.view(-1, *self.first_map))
        return maps


def _before(channels: int, activation: Activation, norm: bool) -> list[nn.Module]:
    """Normalization (if any) and nonlinearity of a map."""
    groups = max(1, min(8, channels // 4))
    while channels % groups:
        groups -= 1
    return [nn.GroupNorm(groups, channels), activation()] if norm else [activation()]


def scaled(x: Tensor, levels: int, like: Tensor) -> Tensor:
    """Integer levels as floats in [-1, 1], on the device and in the precision of ``like``."""
    return x.to(device=like.device, dtype=like.dtype) * (2.0 / (levels - 1)) - 1.0


def subpixel_features(maps_BMHW: Tensor, channels: int) -> Tensor:
    """Split (B, C·F, H, W) maps into features per sub-pixel (B, C, H, W, F)."""
    return torch.movedim(maps_BMHW.unflatten(1, (channels, maps_BMHW.shape[1] // channels)), 2, -1)
