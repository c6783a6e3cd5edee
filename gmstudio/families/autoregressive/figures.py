"""Figures that autoregressive families share: losses by pixel, receptive fields, masks, filters, features and weights.

Shape legend: B batch, C channels, H height, W width, D sub-pixels (C·H·W), F features, G colour groups, K kernel size,
M maps, N units.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from gmstudio.families.autoregressive.masked_conv import MaskedConv2d, MaskKind, causal_mask, colour_groups
from gmstudio.families.autoregressive.orders import steps_at
from gmstudio.families.diagnostics import Figure
from gmstudio.protocol.images import ImageSpec

if TYPE_CHECKING:
    from gmstudio.families.autoregressive.chain_figures import ChainFigures

COLOURS = ("red", "green", "blue")
LATER, SEEN, BLIND, FAR, OWN = range(5)
FIELD_CLASSES = ("not generated yet", "receptive field", "blind spot", "too far away", "predicted pixel")
LOSS_IMAGES = 16
"""Validation images whose losses are averaged."""
MAX_FILTERS = 64
MAX_FEATURES = 16
"""Features of each layer that are drawn."""


def loss_map(nll_BCHW: Tensor) -> Figure:
    """Mean loss of each pixel over validation images."""
    return Figure(
        kind="maps",
        name="loss_map",
        title="Loss by pixel, nats",
        help=f"−log p(x_i | x_<i) at each pixel, the mean of {len(nll_BCHW)} validation images; the sum over all "
        "pixels is their negative log-likelihood.",
        values=nll_BCHW.sum(1, keepdim=True).mean(0, keepdim=True),
        labels=("mean loss",),
        unit="nats",
    )


def image_loss(nll_1CHW: Tensor, row: int, column: int) -> Figure:
    """Loss of each pixel of one image."""
    return Figure(
        kind="maps",
        name="image_loss",
        title="Loss by pixel of the image, nats",
        help="−log p(x_i | x_<i) at each pixel of the chosen image: bright pixels are the improbable ones.",
        values=nll_1CHW.sum(1, keepdim=True),
        labels=("loss",),
        unit="nats",
        mark=(row, column),
    )


def receptive_fields(model: "ChainFigures", row: int, column: int) -> Figure:
    """Receptive field of each sub-pixel of a pixel, with what lies before it in the order and outside."""
    order_D3 = model.own_order
    fields = [
        field_classes(model.receptive_field(step, order_D3), order_D3, step) for step in steps_at(order_D3, row, column)
    ]
    return Figure(
        kind="maps",
        name="receptive_field",
        title="Receptive field",
        help="Pixels that the conditional of the chosen pixel can depend on, by the model's architecture. The blind "
        "spot has earlier pixels that are as near as others in the field, and never reach it.",
        values=torch.stack(fields).unsqueeze(1),
        labels=tuple(f"of {colour}" for colour in COLOURS) if len(fields) > 1 else ("predicted pixel",),
        classes=FIELD_CLASSES,
        mark=(row, column),
    )


def field_classes(seen_CHW: Tensor, order_D3: Tensor, step: int) -> Tensor:
    """Index in ``FIELD_CLASSES`` of each pixel: (H, W) floats.

    A pixel is in the field where any of its sub-pixels is. Of those before the predicted one and outside the field, the
    blind spot has the ones no farther away, by the larger of row and column distance, than the farthest inside.
    """
    seen_HW = seen_CHW.any(0).cpu()
    earlier_HW = torch.zeros_like(seen_HW)
    earlier_HW[tuple(order_D3[:step, 1:].T.cpu())] = True
    row, column = order_D3[step, 1:].tolist()
    height, width = seen_HW.shape
    rows, columns = torch.arange(height).unsqueeze(1), torch.arange(width)
    distance_HW = torch.maximum((rows - row).abs(), (columns - column).abs())
    farthest = int(distance_HW[seen_HW].max()) if bool(seen_HW.any()) else -1
    classes_HW = torch.full((height, width), float(LATER))
    classes_HW[earlier_HW] = FAR
    classes_HW[earlier_HW & (distance_HW <= farthest)] = BLIND
    classes_HW[seen_HW] = SEEN
    classes_HW[row, column] = OWN
    return classes_HW


def pixel_weights(weight_D: Tensor, before_D: Tensor, index_D: Tensor, image: ImageSpec) -> Tensor:
    """Weights of a sub-pixel's regression as an image, (C, H, W); NaN outside the sub-pixels that it reads.

    Args:
        weight_D: weights of the sub-pixels in the order.
        before_D: (D,) bool: sub-pixels that the regression reads.
        index_D: the order, as indices of the flattened image.
        image: specification of the images.
    """
    flat_D = torch.full((image.num_dims,), torch.nan, device=weight_D.device)
    flat_D[index_D[before_D]] = weight_D[before_D].float()
    weights_CHW: Tensor = flat_D.unflatten(0, image.shape)
    return weights_CHW


def weights_figure(weights: Sequence[Tensor], row: int, column: int) -> Figure:
    """Weights of the regressions of a pixel, (C, H, W) for each of its sub-pixels."""
    return Figure(
        kind="maps",
        name="pixel_weights",
        title="Weights of the pixel's regression",
        help="Weight of each earlier pixel in the regression of the chosen pixel: orange raises, blue lowers the log "
        "odds of the brightest level against the darkest.",
        values=torch.stack(list(weights)),
        labels=COLOURS if len(weights) > 1 else ("weights",),
        signed=True,
        mark=(row, column),
    )


def convolution_filters(layer: MaskedConv2d, mirrored: tuple[int, ...]) -> Figure:
    """Filters of a masked convolution with all K rows; NaN inside the mask.

    Args:
        layer: reads the image.
        mirrored: axes along which the network sees the image mirrored.
    """
    weight_FCRK = layer.weight[:MAX_FILTERS].detach().masked_fill(~layer.mask[:MAX_FILTERS], torch.nan)
    return filters_figure(_whole_kernel(weight_FCRK, torch.nan).flip(mirrored), "the first convolution")


def filters_figure(weight_FCKK: Tensor, layer: str, name: str = "filters") -> Figure:
    """Filters (F, C, K, K') of a convolution of the image, each with a scale of its own; NaN inside the mask."""
    return Figure(
        kind="maps",
        name=name,
        title=f"Filters of {layer}",
        help="Weights of each feature around the pixel that it is computed for: orange is positive, blue negative, "
        "and masked entries are left empty.",
        values=weight_FCKK.float(),
        labels=tuple(f"feature {number}" for number in range(len(weight_FCKK))),
        signed=True,
        each=True,
    )


def masks_figure(layers: Sequence[tuple[MaskKind, int]], num_groups: int, mirrored: tuple[int, ...]) -> Figure:
    """Masks of convolutions, for each pair of colours.

    Args:
        layers: kind and kernel size of each convolution.
        num_groups: colours G.
        mirrored: axes along which the network sees the image mirrored.
    """
    groups, side = colour_groups(num_groups, num_groups), max(size for _, size in layers)
    maps, labels = [], []
    for kind, size in layers:
        mask_GGKK = _whole_kernel(causal_mask(kind, groups, groups, size).float(), 0.0)
        margin = (side - size) // 2
        padded = nn.functional.pad(mask_GGKK, (margin,) * 4, value=torch.nan)
        maps.append(padded.flatten(0, 1).unsqueeze(1).flip(mirrored))
        pairs = [f" {to} from {of}" for to in COLOURS for of in COLOURS] if num_groups > 1 else [""]
        labels += [f"mask {kind}, {size}×{size}{pair}" for pair in pairs]
    return mask_figure(torch.cat(maps), tuple(labels), columns=num_groups**2)


def mask_figure(values: Tensor, labels: tuple[str, ...], columns: int = 0) -> Figure:
    """Masks around a pixel, (M, 1, K, K) of 0 and 1; NaN outside the kernel."""
    return Figure(
        kind="maps",
        name="masks",
        title="Masks of the convolutions",
        help="Entries of the kernels that may be other than zero, around the pixel that is predicted. Mask A excludes "
        "the pixel itself, mask B includes it.",
        values=values,
        labels=labels,
        classes=("masked", "weight"),
        columns=columns,
        mark=(values.shape[2] // 2, values.shape[3] // 2),
    )


def feature_maps(layers: Sequence[tuple[str, Tensor]], row: int, column: int) -> Figure:
    """First features of each layer for one image, a row of maps for each layer.

    Args:
        layers: title and features (F, H, W) of each layer.
        row: of the chosen pixel.
        column: of the chosen pixel.
    """
    count = min(MAX_FEATURES, *(len(features) for _, features in layers))
    maps = torch.cat([features[:count] for _, features in layers]).float()
    return Figure(
        kind="maps",
        name="feature_maps",
        title="Feature maps of the image",
        help=f"The first {count} features of each layer for the chosen image, a row for each layer, the input's at "
        "the top: orange is positive, blue negative.",
        values=maps.unsqueeze(1),
        labels=tuple(f"{title}, feature {number}" for title, _ in layers for number in range(count)),
        columns=count,
        signed=True,
        each=True,
        mark=(row, column),
    )


def outputs_of(layers: Sequence[nn.Module], run: Callable[[], object]) -> list[Any]:
    """Outputs of layers while a function runs the network once, in the sequence of the layers."""
    found: list[Any] = [None] * len(layers)

    def keep(place: int) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_layer: nn.Module, _inputs: Any, output: Any) -> None:
            found[place] = output

        return hook

    handles = [layer.register_forward_hook(keep(place)) for place, layer in enumerate(layers)]
    try:
        run()
    finally:
        for handle in handles:
            handle.remove()
    return found


def _whole_kernel(kernel_FCRK: Tensor, fill: float) -> Tensor:
    """Add the rows below the centre: (F, C, R, K) → (F, C, K, K)."""
    missing = kernel_FCRK.shape[3] - kernel_FCRK.shape[2]
    return nn.functional.pad(kernel_FCRK, (0, 0, 0, missing), value=fill)
