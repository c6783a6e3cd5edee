"""Parts of a flow's code as features: those entries that leave the flow at one scale.

A multi-scale flow factors out half of the channels after each squeeze. Entries that leave first are of fine details,
given the rest; those of the last scale have passed through all layers.

Source: Dinh, Sohl-Dickstein & Bengio 2017, Density estimation using Real NVP, arXiv:1605.08803, section 3.6 and
figure 5 (what the scales hold).

Shapes: B batch, D entries of the code.
"""

import torch
from torch import Tensor

from gmstudio.families.feature_layers import CODE, with_default
from gmstudio.families.flow.layers import Chain, FlowLayer, OnHalf, Rearranged
from gmstudio.protocol.features import FeatureLayer

Places = list[Tensor]
"""Of each scale, the first factored out first: indices of its entries in the code."""


def scale_places(flow: FlowLayer, image_shape: tuple[int, int, int]) -> Places:
    """Return which entries of the code belong to which scale.

    Args:
        flow: layers between images and codes.
        image_shape: (C, H, W).
    """
    num_dims = image_shape[0] * image_shape[1] * image_shape[2]
    everywhere = torch.arange(num_dims).view(1, *image_shape)
    left = _factored_out(flow, everywhere)
    taken = torch.cat([torch.empty(0, dtype=torch.int64), *left])
    is_last = torch.ones(num_dims, dtype=torch.bool)
    is_last[taken] = False
    return [*left, is_last.nonzero().flatten()]


def _factored_out(layer: FlowLayer, places: Tensor) -> Places:
    """Indices that each ``OnHalf`` within a layer leaves out, from the outermost on."""
    found: Places = []
    if isinstance(layer, Chain):
        for inner in layer.layers:
            assert isinstance(inner, FlowLayer)
            found += _factored_out(inner, places)
    elif isinstance(layer, OnHalf):
        found.append(places[:, places.shape[1] // 2 :].flatten().sort().values)
        found += _factored_out(layer.inner, layer.take(places))
    elif isinstance(layer, Rearranged) and places.dim() == 4:
        found += _factored_out(layer.inner, layer.take(places))
    return found


def code_layers(places: Places) -> tuple[FeatureLayer, ...]:
    """Describe the parts of the code, where there are several, and the whole code, which is the default."""
    size, count = sum(len(own) for own in places), len(places)
    code = FeatureLayer(name=CODE, title="Code", num_dims=size, help="Code z of the image, dequantized by ½ a level.")
    scales = tuple(
        FeatureLayer(
            name=f"scale{number}",
            title=f"Code of scale {number} of {count}",
            num_dims=len(own),
            help=f"Entries of the code that leave the flow at scale {number}; scale 1 has the finest details.",
        )
        for number, own in enumerate(places, start=1)
    )
    return with_default((*(scales if count > 1 else ()), code), CODE)


def code_part(z_BD: Tensor, places: Places, layer: str) -> Tensor:
    """Entries of codes that are a layer: (B, D) → (B, F)."""
    if layer == CODE:
        return z_BD
    return z_BD[:, places[int(layer.removeprefix("scale")) - 1].to(z_BD.device)]
