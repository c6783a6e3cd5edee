"""Hidden layers of a NADE as features of an image: given the whole image, and at all pixels of the order, pooled.

At pixel i of the order the hidden layer is that of the pixels before it; after the last one it is that of all pixels,
h = f(c + W x), as in a restricted Boltzmann machine or an autoencoder.

Source: Larochelle & Murray 2011, The Neural Autoregressive Distribution Estimator, AISTATS, section 2 (its relation to
the hidden units of a restricted Boltzmann machine).

Shapes: B batch, D sub-pixels in the order, N hidden units, n sub-pixels of a chunk.
"""

from typing import Any

import torch
from torch import Tensor

from gmstudio.families.autoregressive.nade.hidden import pre_activations
from gmstudio.families.autoregressive.ordered_inputs import unit_levels
from gmstudio.families.autoregressive.orders import in_order
from gmstudio.families.feature_layers import with_default
from gmstudio.nn.products import product
from gmstudio.protocol.features import FeatureLayer

POOLED = "pooled"


class NADEFeatures:
    """Part of NADE that shows its hidden layers."""

    def feature_layers(self: Any) -> tuple[FeatureLayer, ...]:
        """See ``LayeredFeatures``; the default is the last hidden layer given the whole image."""
        size, count = self.config.num_hidden, self.config.num_layers
        whole = [
            FeatureLayer(
                name=f"hidden{number}",
                title=f"Hidden layer {number} of {count}, whole image" if count > 1 else "Hidden layer, whole image",
                num_dims=size,
                help="Hidden units after all pixels of the order.",
            )
            for number in range(1, count + 1)
        ]
        pooled = FeatureLayer(
            name=POOLED,
            title="Hidden layer at all pixels, pooled",
            num_dims=2 * size,
            help="Hidden units given the pixels before each pixel: mean and maximum over all pixels.",
        )
        return with_default((*whole, pooled), f"hidden{count}")

    def layer_values(self: Any, x: Tensor, layer: str, timestep: int = 0, seed: int = 0) -> Tensor:
        """See ``LayeredFeatures``."""
        x_BD = unit_levels(in_order(x, self.own_index), self.image.levels, self.bias_N.dtype)
        weight_DN = self.weight_DN[self.own_index]
        given_DN = None if self.given_DN is None else self.given_DN[self.own_index]
        if layer == POOLED:
            pooled: Tensor = self._pooled(x_BD, weight_DN, given_DN)
            return pooled
        sums_BN = product(x_BD, weight_DN) + self.bias_N
        if given_DN is not None:
            sums_BN = sums_BN + given_DN.sum(0)
        activate = torch.sigmoid if self.config.activation == "sigmoid" else torch.relu
        hidden_BN: Tensor = activate(sums_BN)
        for deeper in self.deeper[: int(layer.removeprefix("hidden")) - 1]:
            hidden_BN = activate(deeper(hidden_BN))
        return hidden_BN

    def _pooled(self: Any, x_BD: Tensor, weight_DN: Tensor, given_DN: Tensor | None) -> Tensor:
        """Mean and maximum of the last hidden layer over the pixels: (B, 2N)."""
        before_DN = None if given_DN is None else given_DN.cumsum(0) - given_DN
        totals, highest = [], []
        for chunk, sums_nBN in pre_activations(x_BD, weight_DN, self.bias_N):
            hidden_nBN = self._hidden(sums_nBN if before_DN is None else sums_nBN + before_DN[chunk].unsqueeze(1))
            totals.append(hidden_nBN.sum(0))
            highest.append(hidden_nBN.amax(0))
        mean_BN = torch.stack(totals).sum(0) / x_BD.shape[1]
        return torch.cat([mean_BN, torch.stack(highest).amax(0)], dim=1)
