"""Layers of a family whose values are features of an image for other tasks, and how maps become vectors.

A layer that is a vector of each image is its features. A layer of maps has one value for each channel and position; two
vectors are made of it: ``name``, the mean and the maximum of each channel over all positions, which says what is in the
image but not where, and ``name-grid``, the mean of each channel in the cells of a 4×4 grid, which keeps coarse places.

Sources: Chen et al., Generative Pretraining from Pixels, ICML 2020, section 2.3 (means over positions of a layer of an
autoregressive model); Radford, Metz & Chintala, DCGAN, ICLR 2016, arXiv:1511.06434, section 5.1 (discriminator's layers
pooled to a 4×4 grid, there by maxima).

Shapes: B batch, C channels, H height, W width, F features.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.nn.stacks import scaled
from gmstudio.protocol.families import LatentSpec
from gmstudio.protocol.features import FeatureLayer
from gmstudio.protocol.images import ImageSpec

CODE = "code"
"""Key of the layer that is a family's code."""
GRID = "-grid"
"""End of the key of a layer of maps that is pooled in cells of a grid."""
GRID_SIDE = 4


@runtime_checkable
class LayeredFeatures(Protocol):
    """Families with layers whose values are features of an image.

    A family without these methods that can ``encode`` has its code as the only layer.
    """

    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """Return the layers, from the image on; exactly one of them is the ``default``."""

    def layer_values(self, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """Compute the features of images, each independently of the others in the batch.

        Args:
            x: (B, C, H, W) integers.
            layer: key of one of ``feature_layers``.
            timestep: of a diffusion model, 1 … ``max_timestep``; 0: the layer's default.
            seed: of noise, where the features depend on any: the same noise for every image.

        Returns:
            (B, F) floats, with a gradient in the weights where the layer is ``differentiable``.
        """


def with_default(layers: tuple[FeatureLayer, ...], name: str) -> tuple[FeatureLayer, ...]:
    """Mark the layer of this key as the default."""
    return tuple(msgspec.structs.replace(layer, default=layer.name == name) for layer in layers)


def map_layers(
    name: str, title: str, shape: tuple[int, int, int], help: str, **settings: Any
) -> tuple[FeatureLayer, ...]:
    """Return the two layers that are made of maps; one where there is one position only.

    Args:
        name: key of the maps.
        title: of the maps, for display.
        shape: (F, H, W) of the maps of an image.
        help: sentence on the maps.
        settings: further fields of the layers.
    """
    num_maps, height, width = shape
    if height * width == 1:
        return (FeatureLayer(name=name, title=title, num_dims=num_maps, help=help, **settings),)
    cells = min(GRID_SIDE, height), min(GRID_SIDE, width)
    pooled = FeatureLayer(
        name=name,
        title=f"{title}, pooled",
        num_dims=2 * num_maps,
        help=f"{help} Mean and maximum of each channel over all positions.",
        **settings,
    )
    grid = FeatureLayer(
        name=name + GRID,
        title=f"{title}, {cells[0]}×{cells[1]} grid",
        num_dims=num_maps * cells[0] * cells[1],
        help=f"{help} Means of each channel in the cells of a {cells[0]}×{cells[1]} grid.",
        **settings,
    )
    return pooled, grid


def map_values(maps_BFHW: Tensor, layer: str) -> Tensor:
    """Make the vectors of ``map_layers`` of maps: (B, F, H, W) → (B, num_dims of the layer)."""
    height, width = maps_BFHW.shape[2:]
    if height * width == 1:
        return maps_BFHW.flatten(1)
    if layer.endswith(GRID):
        cells = min(GRID_SIDE, height), min(GRID_SIDE, width)
        return functional.adaptive_avg_pool2d(maps_BFHW, cells).flatten(1)
    return torch.cat([maps_BFHW.mean((2, 3)), maps_BFHW.amax((2, 3))], dim=1)


class _Activation(NamedTuple):
    """Output of a nonlinearity of a stack.

    Args:
        place: number of the module in the stack.
        shape: of the output for one image.
    """

    place: int
    shape: tuple[int, ...]


class StackFeatures:
    """Outputs of the nonlinearities of a network that is a sequence of modules, by number from the image on.

    Args:
        network: sequence, in which a module with an attribute ``layers`` is that sequence, flattened after it.
        like: image of the network's input, (1, C, H, W) floats.
    """

    def __init__(self, network: nn.Module, like: Tensor) -> None:
        self._modules = list(_in_sequence(network))
        self._activations = list(self._find(like))

    @torch.no_grad()
    def _find(self, like: Tensor) -> Iterator[_Activation]:
        values = like
        for place, module in enumerate(self._modules):
            values = module(values)
            if isinstance(module, nn.ReLU | nn.LeakyReLU | nn.Tanh | nn.SiLU):
                yield _Activation(place, tuple(values.shape[1:]))

    def layers(self, of: str) -> tuple[FeatureLayer, ...]:
        """Return the layers; ``of`` names the network in their descriptions, for example ``encoder``."""
        found: list[FeatureLayer] = []
        for number, activation in enumerate(self._activations, start=1):
            title = f"Hidden layer {number} of {len(self._activations)} of the {of}"
            help = f"Units of hidden layer {number} of the {of}, after the nonlinearity."
            if len(activation.shape) == 3:
                channels, height, width = activation.shape
                found += map_layers(f"hidden{number}", title, (channels, height, width), help)
            else:
                found.append(FeatureLayer(name=f"hidden{number}", title=title, num_dims=activation.shape[0], help=help))
        return tuple(found)

    def values(self, inputs_BCHW: Tensor, layer: str) -> Tensor:
        """(B, C, H, W) floats → (B, F) of one of ``layers``."""
        number = int(layer.removeprefix("hidden").removesuffix(GRID))
        values = inputs_BCHW
        for module in self._modules[: self._activations[number - 1].place + 1]:
            values = module(values)
        return map_values(values, layer) if values.dim() == 4 else values


class EncoderFeatures(ABC):
    """Features of a family with an encoder network: the code, and the encoder's hidden layers."""

    encoder: nn.Module
    image: ImageSpec
    latent: LatentSpec

    @abstractmethod
    def encode(self, x: Tensor) -> Tensor:
        """See ``Encoder``."""

    def code_layer(self) -> FeatureLayer:
        """Describe the code."""
        return FeatureLayer(name=CODE, title="Code", num_dims=self.latent.num_dims, help="Output of the encoder.")

    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """See ``LayeredFeatures``."""
        return with_default((*self._stack().layers("encoder"), self.code_layer()), CODE)

    def layer_values(self, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``."""
        if layer == CODE:
            return self.encode(x)
        like = next(self.encoder.parameters())
        return self._stack().values(scaled(x, self.image.levels, like), layer)

    def _stack(self) -> StackFeatures:
        like = next(self.encoder.parameters())
        return StackFeatures(self.encoder, like.new_zeros(1, *self.image.shape))


def _in_sequence(module: nn.Module) -> Iterator[nn.Module]:
    """Modules of a nested sequence, one after another."""
    if isinstance(module, nn.Sequential):
        for part in module:
            yield from _in_sequence(part)
    elif isinstance(inner := getattr(module, "layers", None), nn.Sequential):
        yield from _in_sequence(inner)
        yield nn.Flatten(1)
    else:
        yield module
