"""Diagnostic figures of a model, as messages."""

import torch
from torch import Tensor

from gmstudio.engine.runtime.display import means_to_display
from gmstudio.families.base import Family, Figure, Illustrated
from gmstudio.protocol.array import Array
from gmstudio.protocol.training import FigureDrawn

FIGURE_IMAGES = 64
"""Validation images for which figures are computed."""


def draw_figures(model: Family, batch_BCHW: Tensor, seed: int) -> tuple[FigureDrawn, ...]:
    """Compute the figures of a model with its present weights; empty where the family has none.

    Args:
        model: model in evaluation mode.
        batch_BCHW: integer validation images on the model's device.
        seed: seed of all noise, so that figures change only with the weights.
    """
    if not isinstance(model, Illustrated) or not len(batch_BCHW):
        return ()
    with torch.inference_mode():
        generator = torch.Generator(model.device).manual_seed(seed)
        return tuple(_as_message(figure) for figure in model.figures(batch_BCHW[:FIGURE_IMAGES], generator))


def _as_message(figure: Figure) -> FigureDrawn:
    return FigureDrawn(
        kind=figure.kind,
        name=figure.name,
        title=figure.title,
        help=figure.help,
        series=figure.series,
        edges=_floats(figure.edges),
        values=_floats(figure.values),
        reference=_floats(figure.reference),
        images=None if figure.images is None else Array.of(means_to_display(figure.images.float())),
        columns=figure.columns,
    )


def _floats(tensor: Tensor | None) -> Array | None:
    return None if tensor is None else Array.of(tensor.float().cpu().numpy())
