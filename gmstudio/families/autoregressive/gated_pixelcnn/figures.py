"""Figures of a Gated PixelCNN: masks of both stacks around a pixel, and the filters of the first layer.

Shape legend: C channels, F features, K kernel size, P = K // 2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from gmstudio.families.autoregressive.figures import COLOURS, MAX_FILTERS, filters_figure, mask_figure
from gmstudio.families.autoregressive.gated_pixelcnn.layers import GatedLayer
from gmstudio.families.autoregressive.masked_conv import causal_mask, colour_groups
from gmstudio.families.diagnostics import Figure


def stack_masks(layers: Sequence[GatedLayer], num_groups: int, mirrored: tuple[int, ...]) -> Figure:
    """Entries that the two stacks' kernels of each layer read, around the pixel that is predicted.

    The vertical stack is shifted down by one row, so it reads the rows above only.

    Args:
        layers: the first layer, and one of the others.
        num_groups: colours.
        mirrored: axes along which the network sees the image mirrored.
    """
    groups, reach = colour_groups(num_groups, num_groups), max(layer.padding for layer in layers) + 1
    pairs = [f" {to} from {of}" for to in COLOURS for of in COLOURS] if num_groups > 1 else [""]
    maps: list[Tensor] = []
    labels: list[str] = []
    for layer in layers:
        side = layer.padding
        vertical = torch.zeros(1, 2 * reach + 1, 2 * reach + 1)
        vertical[:, reach - 1 - side : reach, reach - side : reach + side + 1] = 1.0
        masks = causal_mask(layer.horizontal.kind, groups, groups, 2 * side + 1).flatten(0, 1)
        horizontal = torch.zeros(len(pairs), 2 * reach + 1, 2 * reach + 1)
        horizontal[:, reach, reach - side : reach + side + 1] = masks[:, -1].float()
        maps += [vertical, horizontal]
        labels.append(f"vertical stack, mask {layer.horizontal.kind}")
        labels += [f"horizontal stack, mask {layer.horizontal.kind}{pair}" for pair in pairs]
    return mask_figure(torch.cat(maps).unsqueeze(1).flip(mirrored), tuple(labels), columns=1 + len(pairs))


def first_filters(layer: GatedLayer, mirrored: tuple[int, ...]) -> tuple[Figure, Figure]:
    """Filters of both stacks of the layer that reads the image."""
    vertical = layer.vertical.weight[:MAX_FILTERS].detach().flip(mirrored)
    mask = layer.horizontal.mask[:MAX_FILTERS]
    horizontal = layer.horizontal.weight[:MAX_FILTERS].detach().masked_fill(~mask, torch.nan)
    centred = functional.pad(horizontal, (0, layer.padding), value=torch.nan).flip(mirrored)
    return (
        filters_figure(vertical, "the vertical stack"),
        filters_figure(centred, "the horizontal stack", "horizontal_filters"),
    )
