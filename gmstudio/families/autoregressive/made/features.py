"""Hidden layers of a MADE as features of an image: those of the first mask, in the model's own order.

A hidden unit reads the sub-pixels up to its degree, so that the units together describe the image up to each place.

Source: Germain, Gregor, Murray & Larochelle 2015, MADE, arXiv:1502.03509, section 3.
"""

from typing import Any

from torch import Tensor

from gmstudio.families.autoregressive.masked_linear import masked_linear, one_block
from gmstudio.families.autoregressive.ordered_inputs import unit_levels
from gmstudio.families.feature_layers import with_default
from gmstudio.protocol.features import FeatureLayer


class MADEFeatures:
    """Part of MADE that shows its hidden layers."""

    def feature_layers(self: Any) -> tuple[FeatureLayer, ...]:
        """See ``LayeredFeatures``; the default is the last layer."""
        count, size = self.config.num_layers, self.config.num_hidden
        help = "Hidden units of the first mask; each reads the sub-pixels up to its degree in the order."
        layers = tuple(
            FeatureLayer(name=f"hidden{number}", title=f"Hidden layer {number} of {count}", num_dims=size, help=help)
            for number in range(1, count + 1)
        )
        return with_default(layers, f"hidden{count}")

    def layer_values(self: Any, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``."""
        hidden_BN = unit_levels(x.flatten(1), self.image.levels, self.readout.bias.dtype)
        masks = self._masks(self.positions[0], self.degrees[0])
        for number in range(int(layer.removeprefix("hidden"))):
            one = self.hidden[number]
            hidden_BN = masked_linear(hidden_BN, one.weight, one.bias, one_block(masks[number])).relu()
        return hidden_BN
