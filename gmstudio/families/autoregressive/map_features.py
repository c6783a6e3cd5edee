"""Hidden layers of the families with causal feature maps, as features of an image.

The features at a pixel depend on the pixels before it. Pooled over positions they describe the image; those of the last
positions depend on all of it. A model that can be conditioned on labels is run without one.

Source: Chen et al., Generative Pretraining from Pixels, ICML 2020, section 2.3 (means over positions; layers in the
middle of the network serve a linear classifier best).

Shapes: B batch, F features, H height, W width.
"""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor, nn

from gmstudio.families.feature_layers import GRID, map_layers, map_values, with_default
from gmstudio.nn.captured import output_of
from gmstudio.protocol.features import FeatureLayer
from gmstudio.protocol.images import ImageSpec


class MapLayer(NamedTuple):
    """Layer of a network with causal feature maps.

    Args:
        name: its key.
        title: for display.
        module: of the network.
        num_maps: F.
        maps: its output → (B, F, H, W), in the network's orientation.
    """

    name: str
    title: str
    module: nn.Module
    num_maps: int
    maps: Callable[[Any], Tensor]


class MapFeatures:
    """Part of a family with causal feature maps that shows its hidden layers.

    Attributes:
        image: specification of the images.
    """

    image: ImageSpec
    _mirrored_axes: tuple[int, ...]

    @abstractmethod
    def features(self, x_BCHW: Tensor, labels_B: Tensor | None = None) -> Tensor:
        """Run the network on integer images."""

    @abstractmethod
    def map_layers(self) -> list[MapLayer]:
        """Return the layers, from the image on."""

    def feature_layers(self) -> tuple[FeatureLayer, ...]:
        """See ``LayeredFeatures``; the default is in the middle of the network."""
        layers, size = self.map_layers(), (self.image.height, self.image.width)
        found: list[FeatureLayer] = []
        for layer in layers:
            help = f"{layer.title}, at each pixel of those before it."
            found += map_layers(layer.name, layer.title, (layer.num_maps, *size), help)
        names = [layer.name for layer in found]
        middle = layers[len(layers) // 2].name
        return with_default(tuple(found), middle + GRID if middle + GRID in names else middle)

    def layer_values(self, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``."""
        own = next(one for one in self.map_layers() if one.name == layer.removesuffix(GRID))
        maps_BFHW = own.maps(output_of(own.module, lambda: self.features(x)))
        return map_values(maps_BFHW.flip(self._mirrored_axes) if self._mirrored_axes else maps_BFHW, layer)


def same(output: Tensor) -> Tensor:
    """Return an output that is maps already."""
    return output
