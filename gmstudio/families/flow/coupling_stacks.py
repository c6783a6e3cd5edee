"""Stacks of coupling layers for images of any size: dense over vectors, convolutional over several scales.

Source: Dinh, Sohl-Dickstein & Bengio 2017, Density estimation using Real NVP, arXiv:1605.08803, sections 3.5 and 3.6.
"""

from typing import NamedTuple

from gmstudio.families.flow.couplings import (
    ChannelCoupling,
    CheckerboardCoupling,
    Motion,
    ResidualNet,
    dense_network,
)
from gmstudio.families.flow.layers import Chain, Diagonal, Flattened, FlowLayer, OnHalf, Squeezed
from gmstudio.families.flow.mixture_cdf import ElementwiseMixture

Shape = tuple[int, int, int]


class DenseSizes(NamedTuple):
    """Sizes of a stack over vectors.

    Args:
        num_couplings: coupling layers.
        num_hidden: units of a hidden layer.
        num_layers: hidden layers of each network.
    """

    num_couplings: int
    num_hidden: int
    num_layers: int


class ConvSizes(NamedTuple):
    """Sizes of a stack over maps.

    Args:
        num_couplings: of each kind of mask at each scale.
        num_channels: of the networks at the image's own size; twice as many after each squeeze.
        num_blocks: residual blocks of each network.
        num_scales: largest number of scales.
    """

    num_couplings: int
    num_channels: int
    num_blocks: int
    num_scales: int


def dense_couplings(image_shape: Shape, sizes: DenseSizes, motion: Motion) -> FlowLayer:
    """Couplings of the two colours of a checkerboard.

    An image of one sub-pixel has nothing to couple; a mixture then moves it with parameters of its own.
    """
    num_dims = image_shape[0] * image_shape[1] * image_shape[2]
    layers: list[FlowLayer] = []
    for i in range(sizes.num_couplings if num_dims > 1 else 0):
        layers.append(_channel_coupling(num_dims, i % 2 == 1, motion, sizes))
    if num_dims == 1:
        layers += _alone((1,), sizes.num_couplings, motion)
    return Flattened(Chain(layers), image_shape)


def image_couplings(image_shape: Shape, sizes: ConvSizes, motion: Motion) -> FlowLayer:
    """Checkerboards; blocks squeezed into channels; halves of the channels; half factored out, and so on.

    A side that is odd is not squeezed, and where neither can be, this is the last scale. Maps of one pixel are coupled
    by their channels, and single sub-pixels, where a mixture moves them, with parameters of its own.
    """
    channels, height, width = image_shape
    layers: list[FlowLayer] = []
    factors = (1 + (height % 2 == 0), 1 + (width % 2 == 0))
    is_last = sizes.num_scales == 1 or factors == (1, 1)
    if height * width > 1:
        for i in range(sizes.num_couplings + is_last):
            network = _residual_net(channels, channels, sizes, motion)
            layers.append(Diagonal((channels, 1, 1), image_shape))
            layers.append(CheckerboardCoupling(image_shape, i % 2 == 1, network, motion))
    elif channels > 1:
        layers += _on_channels(image_shape, sizes, motion)
    else:
        layers += _alone(image_shape, sizes.num_couplings, motion)
    if not is_last:
        squeezed = (channels * factors[0] * factors[1], height // factors[0], width // factors[1])
        wider = sizes._replace(num_channels=2 * sizes.num_channels, num_scales=sizes.num_scales - 1)
        half = (squeezed[0] // 2, *squeezed[1:])
        inner = [*_on_channels(squeezed, wider, motion), OnHalf(image_couplings(half, wider, motion))]
        layers.append(Squeezed(Chain(inner), factors))
    return Chain(layers)


def _alone(shape: tuple[int, ...], count: int, motion: Motion) -> list[FlowLayer]:
    """Layers of a state that has nothing to couple: none where the motion is a scale and shift, which others are."""
    return [ElementwiseMixture(shape, motion.num_components) for _ in range(count if motion.kind == "mixture" else 0)]


def _on_channels(shape: Shape, sizes: ConvSizes, motion: Motion) -> list[FlowLayer]:
    """Couplings of the halves of the channels."""
    layers: list[FlowLayer] = []
    for i in range(sizes.num_couplings):
        layers.append(Diagonal((shape[0], 1, 1), shape))
        layers.append(_channel_coupling(shape[0], i % 2 == 1, motion, sizes))
    return layers


def _channel_coupling(num_channels: int, swap: bool, motion: Motion, sizes: DenseSizes | ConvSizes) -> ChannelCoupling:
    """A coupling of the halves of the channels, or of the entries of a vector."""
    first, second = num_channels - num_channels // 2, num_channels // 2
    kept, moved = (second, first) if swap else (first, second)
    if isinstance(sizes, DenseSizes):
        num_out = moved * motion.num_outputs
        smooth = motion.kind == "mixture"
        network = dense_network(kept, sizes.num_hidden, sizes.num_layers, num_out, smooth=smooth)
        return ChannelCoupling(num_channels, swap, network, motion, num_axes=0)
    return ChannelCoupling(num_channels, swap, _residual_net(kept, moved, sizes, motion), motion, num_axes=2)


def _residual_net(kept: int, moved: int, sizes: ConvSizes, motion: Motion) -> ResidualNet:
    return ResidualNet(kept, sizes.num_channels, sizes.num_blocks, moved * motion.num_outputs)
