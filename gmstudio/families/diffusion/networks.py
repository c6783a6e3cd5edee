"""The network that a diffusion model's settings describe."""

from typing import Any

from gmstudio.families.diffusion.denoiser import Denoiser
from gmstudio.families.diffusion.dense import DenseDenoiser, DenseSizes
from gmstudio.families.diffusion.unet import UNet, UNetSizes
from gmstudio.protocol.images import ImageSpec


def build_network(config: Any, image: ImageSpec) -> Denoiser:
    """Return the network that predicts the noise.

    Args:
        config: a ``DDPMConfig``.
        image: specification of the images.
    """
    if config.network == "dense":
        return DenseDenoiser(image.shape, DenseSizes(config.num_hidden, config.num_layers))
    sizes = UNetSizes(config.num_channels, config.num_blocks, config.num_scales, config.attention)
    return UNet(image.shape, sizes)


def widest_activation(config: Any, image: ImageSpec) -> int:
    """Floats of the widest activation of one image; arguments as for ``build_network``."""
    if config.network == "dense":
        widest: int = max(config.num_hidden, image.num_dims)
        return widest
    channels: int = 2 * config.num_channels
    return channels * image.height * image.width
