"""Diagnostic figures of a model, as messages."""

from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor

from gmstudio.engine.runtime.display import means_to_display
from gmstudio.engine.runtime.inspection import exploring, exploring_pieces
from gmstudio.families.base import Family
from gmstudio.families.diagnostics import Figure, Illustrated, IllustratedInPieces, PixelIllustrated
from gmstudio.protocol.array import Array
from gmstudio.protocol.images import ImageSpec
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
    return tuple(chain.from_iterable(figure_pieces(model, batch_BCHW, seed)))


def figure_pieces(model: Family, batch_BCHW: Tensor, seed: int) -> Iterator[tuple[FigureDrawn, ...]]:
    """Yield the figures of ``draw_figures`` after each piece of work; many pieces have none."""
    if not isinstance(model, Illustrated) or not len(batch_BCHW):
        return
    batch_BCHW, generator = batch_BCHW[:FIGURE_IMAGES], torch.Generator(model.device).manual_seed(seed)
    if isinstance(model, IllustratedInPieces):
        yield from _as_messages(model, model.figure_pieces(batch_BCHW, generator))
    else:
        with exploring(model):
            figures = model.figures(batch_BCHW, generator)
        yield tuple(map(_as_message, figures))


def pixel_figure_pieces(model: Family, image_1CHW: Tensor, pixel: tuple[int, int]) -> Iterator[tuple[FigureDrawn, ...]]:
    """Yield the figures of ``draw_pixel_figures`` after each piece of work."""
    if not isinstance(model, PixelIllustrated) or not len(image_1CHW):
        return
    if isinstance(model, IllustratedInPieces):
        yield from _as_messages(model, model.pixel_figure_pieces(image_1CHW, *pixel))
    else:
        with exploring(model):
            figures = model.pixel_figures(image_1CHW, *pixel)
        yield tuple(map(_as_message, figures))


def _as_messages(model: Family, pieces: Iterator[tuple[Figure, ...]]) -> Iterator[tuple[FigureDrawn, ...]]:
    for figures in exploring_pieces(model, pieces):
        yield tuple(map(_as_message, figures))


def draw_pixel_figures(model: Family, image_1CHW: Tensor, pixel: tuple[int, int]) -> tuple[FigureDrawn, ...]:
    """Compute the figures of an image and one of its pixels; empty where the family has none.

    Args:
        model: model in evaluation mode.
        image_1CHW: integer image on the model's device.
        pixel: row and column.
    """
    return tuple(chain.from_iterable(pixel_figure_pieces(model, image_1CHW, pixel)))


def chosen_pixel(image: ImageSpec, pixel: tuple[int, int] | None) -> tuple[int, int]:
    """Row and column of a chosen pixel; None: the middle of the image.

    Raises:
        ValueError: when it is outside the image.
    """
    row, column = pixel or (image.height // 2, image.width // 2)
    if not (0 <= row < image.height and 0 <= column < image.width):
        raise ValueError(
            f"There is no pixel at row {row}, column {column}; rows are 0 to {image.height - 1} and columns 0 to "
            f"{image.width - 1}."
        )
    return row, column


def _as_message(figure: Figure) -> FigureDrawn:
    return FigureDrawn(
        kind=figure.kind,
        name=figure.name,
        title=figure.title,
        help=figure.help,
        series=figure.series,
        edges=_floats(figure.edges),
        values=_classes(figure.values) if figure.classes else _floats(figure.values),
        reference=_floats(figure.reference),
        images=None if figure.images is None else Array.of(means_to_display(figure.images.float())),
        columns=figure.columns,
        labels=figure.labels,
        classes=figure.classes,
        unit=figure.unit,
        signed=figure.signed,
        each=figure.each,
        axes=figure.axes,
        mark=figure.mark,
    )


def _classes(values: Tensor | None) -> Array | None:
    """Classes as bytes, unless some have no value: a mask of 784 × 784 entries is sent again and again."""
    if values is None or bool(values.isnan().any()):
        return _floats(values)
    return Array.of(values.to(torch.uint8).cpu().numpy())


def _floats(tensor: Tensor | None) -> Array | None:
    return None if tensor is None else Array.of(tensor.float().cpu().numpy())
