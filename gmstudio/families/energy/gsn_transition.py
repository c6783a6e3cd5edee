"""One transition of a generative stochastic network: noisy hidden layers between an image and the next one's features.

Source: Bengio, Laufer, Alain & Yosinski 2014, arXiv:1306.1091, section 4 and figure 4.

Shapes: B batch, C channels, H height, W width, F features per sub-pixel, J units of a hidden layer, L levels, N bits.
"""

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gmstudio.families.energy.gray_code import gray_bits
from gmstudio.families.energy.visible_units import VisibleKind
from gmstudio.nn.products import Linear
from gmstudio.protocol.images import ImageSpec

Hidden = tuple[Tensor, ...]


class TransitionSizes(NamedTuple):
    """Sizes of the hidden layers.

    Args:
        num_hidden: J.
        num_layers: hidden layers.
        noise: deviation of the Gaussian noise before and after each unit's tanh.
    """

    num_hidden: int
    num_layers: int
    noise: float


class Transition(nn.Module):
    """f and p(x|h): hidden layers between a corrupted image and the features of the next image's distribution.

    Args:
        sizes: of the hidden layers.
        image: specification of the images.
        num_features: F.
        visible: inputs: ``levels``, one for each sub-pixel, or ``gray``, the bits of each level.

    Raises:
        ValueError: when a Gray code has no such number of levels.
    """

    level_bits: Tensor | None

    def __init__(self, sizes: TransitionSizes, image: ImageSpec, num_features: int, visible: VisibleKind) -> None:
        super().__init__()
        self.noise = sizes.noise
        self.shape, self.num_hidden = (*image.shape, num_features), sizes.num_hidden
        self.register_buffer("level_bits", gray_bits(image.levels) if visible == "gray" else None, persistent=False)
        num_inputs = image.num_dims * (1 if self.level_bits is None else self.level_bits.shape[1])
        widths = [num_inputs, *[sizes.num_hidden] * sizes.num_layers]
        outputs = [image.num_dims * num_features, *widths[1:]]
        self.up = nn.ModuleList(Linear(low, high) for low, high in pairwise(widths))
        self.down = nn.ModuleList(
            Linear(high, low, bias=level == 0) for level, (low, high) in enumerate(pairwise(outputs))
        )

    def empty(self, x_BCHW: Tensor) -> Hidden:
        """Hidden layers before the first transition, all 0: (B, J) each."""
        zeros = x_BCHW.new_zeros((len(x_BCHW), self.num_hidden))
        return (zeros,) * len(self.up)

    def forward(
        self, corrupted_BCHW: Tensor, hidden: Hidden, generator: torch.Generator | None
    ) -> tuple[Tensor, Hidden]:
        """Images in [0, 1] and hidden layers → features (B, C, H, W, F) and the new hidden layers."""
        layers = [2.0 * self._inputs(corrupted_BCHW) - 1.0, *hidden]
        for first in (1, 2):  # the odd layers, then the even ones
            for level in range(first, len(layers), 2):
                layers[level] = self._layer(layers, level, generator)
        outputs: Tensor = self.down[0](layers[1]).to(corrupted_BCHW.dtype)
        return outputs.unflatten(1, self.shape), tuple(layers[1:])

    def settled(self, grey_BCHW: Tensor) -> Hidden:
        """Hidden layers without noise that images in [0, 1] lead to while they are held: (B, J) each.

        As many transitions as there are layers are made, so that the image reaches the uppermost one.
        """
        layers = [2.0 * self._inputs(grey_BCHW) - 1.0, *self.empty(grey_BCHW)]
        for _ in range(len(self.up)):
            for first in (1, 2):
                for level in range(first, len(layers), 2):
                    layers[level] = torch.tanh(self._total(layers, level))
        return tuple(layers[1:])

    def _inputs(self, corrupted_BCHW: Tensor) -> Tensor:
        """Levels in [0, 1], or their bits: (B, inputs)."""
        flat = corrupted_BCHW.flatten(1)
        if self.level_bits is None:
            return flat
        levels = (flat * (len(self.level_bits) - 1)).round().long()
        return functional.embedding(levels, self.level_bits.to(flat.dtype)).flatten(1)

    def _layer(self, layers: list[Tensor], level: int, generator: torch.Generator | None) -> Tensor:
        total = self._total(layers, level)
        if self.noise == 0:
            return torch.tanh(total)
        shape = (2, *total.shape)
        noise = self.noise * torch.randn(shape, generator=generator, dtype=total.dtype, device=total.device)
        return torch.tanh(total + noise[0]) + noise[1]

    def _total(self, layers: list[Tensor], level: int) -> Tensor:
        """Inputs of a layer from those below and above it."""
        total: Tensor = self.up[level - 1](layers[level - 1])
        if level < len(self.up):
            total = total + self.down[level](layers[level + 1])
        return total.to(layers[0].dtype)
