"""Figures of a MADE: masks of its layers, the connectivity that they leave, its orders, and filters.

Shape legend: D sub-pixels (C·H·W), N units of a hidden layer, O orders.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from gmstudio.families.autoregressive.figures import MAX_FILTERS
from gmstudio.families.diagnostics import Figure
from gmstudio.families.figures import unit_filters
from gmstudio.protocol.images import ImageSpec

MAX_ORDERS = 16
CLASSES = ("masked", "connected")


def connectivity(masks: Sequence[Tensor], num_hidden: int, seed_D: Tensor) -> Tensor:
    """Inputs from which a path leads to chosen outputs: (…, D) bool.

    Args:
        masks: of the hidden layers, the readout and, if there is one, the direct connection.
        num_hidden: hidden layers.
        seed_D: (…, D) bool, the outputs.
    """
    reached = seed_D.to(masks[0])
    direct = reached @ masks[-1] if len(masks) > num_hidden + 1 else None
    for mask in reversed(masks[: num_hidden + 1]):
        reached = ((reached @ mask) > 0).to(mask)
    return reached > 0 if direct is None else (reached + direct) > 0


def mask_figures(masks: Sequence[Tensor], degrees_LN: Tensor, order_D: Tensor) -> list[Figure]:
    """Mask of each layer, and the connectivity of their product, with pixels in the order and units by degree.

    Args:
        masks: of the hidden layers, the readout and, if there is one, the direct connection.
        degrees_LN: of the hidden units.
        order_D: the order, as indices of the flattened image.
    """
    num_hidden = len(degrees_LN)
    units = [degrees.argsort(stable=True) for degrees in degrees_LN]
    rows, columns = [*units, order_D, order_D], [order_D, *units, order_D]
    names = [*(f"hidden layer {number}" for number in range(1, num_hidden + 1)), "the output", "the direct connection"]
    axes = [*(("unit", "unit") for _ in units), ("pixel", "unit"), ("pixel", "pixel")]
    axes[0] = ("unit", "pixel")
    figures = [
        _matrix(mask[row][:, column], f"mask_{number}", f"Mask of {name}", "Entries of the weight matrix that may be "
                "other than zero; pixels are in the model's order, units sorted by their degree.", axis)
        for number, (mask, row, column, name, axis) in enumerate(
            zip(masks, rows, columns, names, axes, strict=False), start=1
        )
    ]  # fmt: skip
    whole = connectivity(masks, num_hidden, torch.eye(len(order_D), dtype=torch.bool, device=order_D.device))
    words = (
        "Pixels that each conditional depends on, by the product of all masks, both in the model's order: strictly "
        "below the diagonal, so that no pixel depends on itself or on a later one."
    )
    return [*figures, _matrix(whole[order_D][:, order_D], "connectivity", "Connectivity", words, ("output", "input"))]


def order_figure(positions_OD: Tensor, image: ImageSpec) -> Figure:
    """Position of each pixel in the orders of the training, the model's own first."""
    shown = positions_OD[:MAX_ORDERS].unflatten(1, image.shape)[:, :1] // image.channels
    labels = ("the model's own order", *(f"shuffled order {number}" for number in range(1, len(shown))))
    return Figure(
        kind="maps",
        name="orders",
        title="Orders of the training",
        help="Position of each pixel in the orders that the model is trained in: dark pixels come first.",
        values=shown.float(),
        labels=labels,
        unit="position",
    )


def filter_figure(weight_ND: Tensor, mask_ND: Tensor, degrees_N: Tensor, image: ImageSpec) -> Figure:
    """Weights of units of the first hidden layer, spread evenly over the degrees."""
    by_degree = degrees_N.argsort(stable=True)
    count = min(MAX_FILTERS, len(by_degree))
    units = by_degree[torch.linspace(0, len(by_degree) - 1, count, device=by_degree.device).round().long()]
    weights = weight_ND[units].masked_fill(mask_ND[units] == 0, torch.nan)
    words = "Units with rising degree; masked pixels are left empty."
    return unit_filters(weights, image, units, "filters", "Filters of the first hidden layer", words)


def _matrix(mask: Tensor, name: str, title: str, words: str, axes: tuple[str, str]) -> Figure:
    return Figure(
        kind="maps",
        name=name,
        title=title,
        help=words,
        values=mask.to(torch.float32)[None, None],
        labels=(title,),
        classes=CLASSES,
        axes=axes,
    )
