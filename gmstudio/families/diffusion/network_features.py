"""Activations of the network that predicts the noise, as features of an image.

An image is noised to a timestep t, x_t = √ᾱ_t x_0 + √(1 - ᾱ_t) ε, and passes through the network with averaged weights
up to a layer. The noise ε is drawn once from the seed and is the same for every image, so that features are a function
of the image.

Source: Baranchuk et al., Label-Efficient Semantic Segmentation with Diffusion Models, ICLR 2022, arXiv:2112.03126,
section 3; Xiang et al., Denoising Diffusion Autoencoders are Unified Self-supervised Learners, ICCV 2023,
arXiv:2303.09769, section 3.2 (which layers and timesteps serve a linear classifier).

Shapes: B batch, C channels, H height, W width, F features.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gmstudio.families.diffusion.denoiser import Denoiser
from gmstudio.families.diffusion.dense import DenseDenoiser
from gmstudio.families.diffusion.process import NoiseSchedule
from gmstudio.families.diffusion.unet import UNet
from gmstudio.families.feature_layers import GRID, map_layers, map_values, with_default
from gmstudio.nn.captured import output_of
from gmstudio.nn.ema import MovingAverage
from gmstudio.nn.stacks import scaled
from gmstudio.protocol.features import FeatureLayer
from gmstudio.protocol.images import ImageSpec

DEFAULT_NOISE = 0.05
"""Share of the timesteps up to the default one."""
MIDDLE = "middle"


class _Layer(NamedTuple):
    """Layer of the network.

    Args:
        name: its key.
        title: for display.
        module: whose output it is.
        shape: (F,) or (F, H, W) of the output for one image.
    """

    name: str
    title: str
    module: nn.Module
    shape: tuple[int, ...]


class NetworkFeatures:
    """Part of a diffusion model that shows the layers of its network.

    Attributes:
        image: specification of the images.
        schedule: of the noise.
        averaged: network with averaged weights.
    """

    image: ImageSpec
    schedule: NoiseSchedule
    averaged: MovingAverage

    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """See ``LayeredFeatures``."""
        last = self.schedule.num_timesteps
        settings: dict[str, Any] = {"max_timestep": last, "default_timestep": max(1, round(DEFAULT_NOISE * last))}
        found: list[FeatureLayer] = []
        for layer in self._layers():
            help = f"{layer.title} of the network that predicts the noise, for the image noised to timestep t."
            if len(layer.shape) == 3:
                found += map_layers(layer.name, layer.title, (layer.shape[0], *layer.shape[1:]), help, **settings)
            else:
                found.append(
                    FeatureLayer(name=layer.name, title=layer.title, num_dims=layer.shape[0], help=help, **settings)
                )
        is_map = any(layer.name == MIDDLE + GRID for layer in found)
        return with_default(tuple(found), MIDDLE + GRID if is_map else MIDDLE)

    def layer_values(self, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``.

        Raises:
            ValueError: for a timestep out of range.
        """
        last = self.schedule.num_timesteps
        t = timestep or max(1, round(DEFAULT_NOISE * last))
        if not 1 <= t <= last:
            raise ValueError(f"The timestep is {t}; this model has timesteps 1 to {last}.")
        network = self.averaged.copy
        assert isinstance(network, Denoiser)
        x0_BCHW = scaled(x, self.image.levels, next(network.buffers()))
        noise = torch.randn(self.image.shape, generator=torch.Generator().manual_seed(seed)).to(x0_BCHW)
        times = torch.full((len(x),), t, dtype=torch.int64, device=x0_BCHW.device)
        xt_BCHW = self.schedule.noised(x0_BCHW, times, noise.expand_as(x0_BCHW))
        module = next(one.module for one in self._layers() if one.name == layer.removesuffix(GRID))
        values: Tensor = output_of(module, lambda: network(xt_BCHW, self.schedule.fraction(times)))
        return map_values(values, layer) if values.dim() == 4 else values

    def _layers(self) -> list[_Layer]:
        """Layers of the network, from the image on."""
        network = self.averaged.copy
        if isinstance(network, DenseDenoiser):
            return _dense_layers(network)
        assert isinstance(network, UNet)
        return _unet_layers(network, self.image)


def _dense_layers(network: DenseDenoiser) -> list[_Layer]:
    """Outputs of the residual blocks; that of the middle one is ``middle``."""
    count, middle = len(network.blocks), (len(network.blocks) - 1) // 2
    size = (network.first.out_features,)
    return [
        _Layer(MIDDLE if number == middle else f"block{number + 1}", f"Block {number + 1} of {count}", block, size)
        for number, block in enumerate(network.blocks)
    ]


def _unet_layers(network: UNet, image: ImageSpec) -> list[_Layer]:
    """Last block of each resolution on the way down, the middle after attention, and those on the way up."""
    sizes = [(image.height, image.width)]
    while len(sizes) < len(network.down_blocks):
        sizes.append(((sizes[-1][0] + 1) // 2, (sizes[-1][1] + 1) // 2))
    downs, ups = [], []
    for level, (size, down, up) in enumerate(zip(sizes, network.down_blocks, network.up_blocks, strict=True)):
        assert isinstance(down, nn.ModuleList) and isinstance(up, nn.ModuleList)
        words = f"{size[0]}×{size[1]}"
        downs.append(_map_layer(f"down{level + 1}", f"Way down at {words}", down[-1], size))
        ups.append(_map_layer(f"up{level + 1}", f"Way up at {words}", up[-1], size))
    middle = (network.middle.num_out, *sizes[-1])
    return [*downs, _Layer(MIDDLE, "Middle of the U-Net", network.attention, middle), *ups[::-1]]


def _map_layer(name: str, title: str, block: nn.Module, size: tuple[int, int]) -> _Layer:
    num_out = block.num_out
    assert isinstance(num_out, int)
    return _Layer(name, title, block, (num_out, *size))
