"""The two halves of an autoencoder: images → vectors next to the code, codes → features of each sub-pixel.

Both come as dense layers or as convolutions of stride 2, which mirror each other.

Source: Kingma & Welling 2014, arXiv:1312.6114, appendix C (dense); Radford, Metz & Chintala 2016, DCGAN,
arXiv:1511.06434, section 3 (strided convolutions in place of pooling).

Shapes: B batch, C channels, H height, W width, F features per sub-pixel, Z entries of the code, N of a vector.
"""

import math
from itertools import pairwise
from typing import Annotated, Literal, Protocol

import torch
from torch import Tensor, nn

from gmstudio.nn.products import Linear, linear, product
from gmstudio.nn.stacks import dense_stack, map_channels, subpixel_features
from gmstudio.protocol.config import field
from gmstudio.protocol.images import ImageSpec

MAX_HALVINGS = 4
FIRST_CONTRAST = 0.3
"""Factor of the initial weights of a decoder's last layer, so that its first outputs are nearly uniform."""


ArchitectureField = Annotated[
    Literal["mlp", "conv"],
    field("Architecture", "Dense layers, or convolutions of stride 2 with one dense layer next to the code."),
]
NumLatentField = Annotated[
    int, field("Latent dimensions", "Entries of the code z; one slider each.", ge=1, le=512, unit="dimensions")
]
NumHiddenField = Annotated[
    int, field("Hidden units", "Width of the dense hidden layers.", ge=1, le=8192, unit="units", log=True)
]
NumLayersField = Annotated[
    int,
    field("Hidden layers", "Dense hidden layers of encoder and of decoder (mlp only).", ge=1, le=8, unit="layers"),
]
NumChannelsField = Annotated[
    int,
    field(
        "Channels",
        "Channels of the largest feature map, doubled at each of up to four halvings (conv only).",
        ge=1,
        le=256,
        unit="channels",
        log=True,
    ),
]
"""Config fields of both halves, for the families that have them."""


class CodeNetSizes(Protocol):
    """Settings that encoder and decoder share."""

    @property
    def architecture(self) -> Literal["mlp", "conv"]:
        """Dense layers, or convolutions of stride 2 with one dense hidden layer next to the code."""

    @property
    def num_latent(self) -> int:
        """Z."""

    @property
    def num_hidden(self) -> int:
        """Width of dense hidden layers."""

    @property
    def num_layers(self) -> int:
        """Dense hidden layers (mlp only)."""

    @property
    def num_channels(self) -> int:
        """Channels of the largest map, doubled at each halving (conv only)."""


class ImageEncoder(nn.Module):
    """Images in [-1, 1] → vectors.

    Args:
        sizes: of the layers.
        image: specification of the images.
        num_outputs: N.
        output_bias: the last layer has a bias.
    """

    def __init__(self, sizes: CodeNetSizes, image: ImageSpec, num_outputs: int, output_bias: bool = True) -> None:
        super().__init__()
        if sizes.architecture == "mlp":
            dense = dense_stack(image.num_dims, sizes.num_hidden, sizes.num_layers, num_outputs)
            self.layers = nn.Sequential(nn.Flatten(1), dense)
        else:
            down = StridedDown(*image.shape, sizes.num_channels)
            dense = dense_stack(down.num_out, sizes.num_hidden, 1, num_outputs)
            _keep_the_signal(dense[0])
            self.layers = nn.Sequential(down, dense)
        if not output_bias:
            dense[-1] = Linear(sizes.num_hidden, num_outputs, bias=False)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) → (B, N), in the precision of the images."""
        vectors_BN: Tensor = self.layers(x_BCHW).to(x_BCHW.dtype)
        return vectors_BN


class CodeDecoder(nn.Module):
    """Codes → features of each sub-pixel's distribution.

    Args:
        sizes: of the layers.
        image: specification of the images.
        num_features: F.
    """

    def __init__(self, sizes: CodeNetSizes, image: ImageSpec, num_features: int) -> None:
        super().__init__()
        self.image = image
        channels, height, width = image.shape
        self.conv = sizes.architecture == "conv"
        if self.conv:
            up = StridedUp(channels * num_features, height, width, sizes.num_channels)
            dense = dense_stack(sizes.num_latent, sizes.num_hidden, 1, up.num_in)
            _keep_the_signal(dense)
            self.layers = nn.Sequential(dense, up)
        else:
            outputs = image.num_dims * num_features
            self.layers = dense_stack(sizes.num_latent, sizes.num_hidden, sizes.num_layers, outputs)

    def forward(self, z_BZ: Tensor) -> Tensor:
        """(B, Z) → (B, C, H, W, F), in the precision of the codes."""
        out = self.layers(z_BZ).to(z_BZ.dtype)
        return subpixel_features(out, self.image.channels) if self.conv else out.unflatten(1, (*self.image.shape, -1))


def strided_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes of the maps, the image's first: each side halved (rounding down, at least 1) up to 4 times: 28 14 7 3 1."""
    sizes = [(height, width)]
    while len(sizes) == 1 or (max(sizes[-1]) > 1 and len(sizes) <= MAX_HALVINGS):
        sizes.append((max(1, sizes[-1][0] // 2), max(1, sizes[-1][1] // 2)))
    return sizes


class StridedDown(nn.Module):
    """Images to vectors: up to four 4×4 convolutions of stride 2, flattened; 28×28 becomes 1×1.

    Args:
        in_channels: channels of the image.
        height: rows.
        width: columns.
        num_channels: channels of the first, largest map; doubled at each halving.
    """

    def __init__(self, in_channels: int, height: int, width: int, num_channels: int) -> None:
        super().__init__()
        sizes = strided_sizes(height, width)
        channels = [in_channels, *map_channels(num_channels, len(sizes) - 1)]
        layers: list[nn.Module] = []
        for (c_in, c_out), (size, smaller) in zip(pairwise(channels), pairwise(sizes), strict=True):
            kind = _ConvToPoint if smaller == (1, 1) else nn.Conv2d
            layers += [kind(c_in, c_out, _kernel(size), _stride(size), padding=1), nn.ReLU()]
        self.layers = nn.Sequential(*layers)
        _keep_the_signal(self.layers)
        self.num_out = channels[-1] * sizes[-1][0] * sizes[-1][1]

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) → (B, num_out)."""
        flat_BN: Tensor = self.layers(x_BCHW).flatten(1)
        return flat_BN


class StridedUp(nn.Module):
    """Vectors to maps of the image's size: the mirror of ``StridedDown``, with transposed convolutions.

    Args:
        out_channels: channels of the output.
        height: rows of the output.
        width: columns of the output.
        num_channels: channels of the largest inner map.
    """

    def __init__(self, out_channels: int, height: int, width: int, num_channels: int) -> None:
        super().__init__()
        sizes = strided_sizes(height, width)
        channels = [out_channels, *map_channels(num_channels, len(sizes) - 1)]
        self.first_map = (channels[-1], *sizes[-1])
        self.num_in = channels[-1] * sizes[-1][0] * sizes[-1][1]
        layers: list[nn.Module] = []
        for c_in, c_out, (smaller, size) in zip(channels[:0:-1], channels[-2::-1], pairwise(sizes[::-1]), strict=True):
            kernel, stride, lost = _kernel(size), _stride(size), _rounded_away(size)
            kind = _ConvFromPoint if smaller == (1, 1) else nn.ConvTranspose2d
            layers += [nn.ReLU(), kind(c_in, c_out, kernel, stride, padding=1, output_padding=lost)]
        self.layers = nn.Sequential(*layers)
        _keep_the_signal(self.layers)
        with torch.no_grad():
            for parameter in self.layers[-1].parameters():
                parameter.mul_(FIRST_CONTRAST)

    def forward(self, v_BN: Tensor) -> Tensor:
        """(B, num_in) → (B, out_channels, H, W)."""
        maps: Tensor = self.layers(v_BN.view(-1, *self.first_map))
        return maps


class _ConvToPoint(nn.Conv2d):
    """A convolution, padded by 1, with an output of 1×1: computed as a matrix product, which is many times faster."""

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """(B, C, H, W) → (B, N, 1, 1)."""
        _, _, height, width = x_BCHW.shape
        seen = self.weight[:, :, 1 : 1 + height, 1 : 1 + width].flatten(1)
        vectors_BN: Tensor = linear(x_BCHW.flatten(1), seen, self.bias)
        return vectors_BN[:, :, None, None]


class _ConvFromPoint(nn.ConvTranspose2d):
    """Mirror of ``_ConvToPoint``: a transposed convolution with an input of 1×1."""

    def forward(self, x_BN11: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(B, N, 1, 1) → (B, C, H, W)."""
        assert output_size is None
        height, width = (kernel - 2 + lost for kernel, lost in zip(self.kernel_size, self.output_padding, strict=True))
        reached = self.weight[:, :, 1 : 1 + height, 1 : 1 + width]
        maps: Tensor = product(x_BN11.flatten(1), reached.flatten(1)).unflatten(1, reached.shape[1:])
        assert self.bias is not None
        return maps + self.bias[:, None, None]


def _keep_the_signal(layers: nn.Module) -> None:
    """Draw initial weights that keep the variance of activations (He et al. 2015, arXiv:1502.01852, eq. 10).

    With torch's smaller ones the output of an encoder of four convolutions varies so little that a VAE's posterior
    collapses.
    """
    for layer in layers.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            summed = layer.weight[0].numel()
            if isinstance(layer, nn.ConvTranspose2d):  # number of inputs that reach an output
                summed = layer.weight[:, 0].numel() // math.prod(layer.stride)
            nn.init.normal_(layer.weight, std=math.sqrt(2.0 / summed))
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def _kernel(size: tuple[int, int]) -> tuple[int, int]:
    """Kernel size: 4 along a side that is halved, 3 along a side of one pixel, which stays."""
    return (4 if size[0] > 1 else 3, 4 if size[1] > 1 else 3)


def _stride(size: tuple[int, int]) -> tuple[int, int]:
    return (min(2, size[0]), min(2, size[1]))


def _rounded_away(size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns lost by halving."""
    return (size[0] % 2 if size[0] > 1 else 0, size[1] % 2 if size[1] > 1 else 0)
