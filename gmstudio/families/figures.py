"""Figures that several branches share: reconstructions beside their images, and weights of hidden units as images."""

from typing import Protocol

import torch
from torch import Tensor

from gmstudio.families.base import Encoder, Latent
from gmstudio.families.diagnostics import Figure
from gmstudio.protocol.images import ImageSpec

PAIRS_ACROSS = 4
MAX_PAIRS = 16


class Reconstructing(Encoder, Latent, Protocol):
    """A model that encodes images and decodes codes."""

    image: ImageSpec


def reconstruction_figure(
    model: Reconstructing, batch: Tensor, corrupted: Tensor | None = None, codes: Tensor | None = None
) -> Figure:
    """Inputs beside their reconstructions, ``PAIRS_ACROSS`` pairs in a row.

    Args:
        model: encodes and decodes.
        batch: (B, C, H, W) integers; the first ``MAX_PAIRS`` are shown.
        corrupted: (B, C, H, W) floats in [0, 1], the encoder's input where that is corrupted; shown between the two.
        codes: (B, Z), codes of the corrupted images, whose reconstructions are shown; None: those of the batch.

    Returns:
        A grid whose columns are named ``input``, (``corrupted``,) ``reconstruction``, again and again.
    """
    x_BCHW = batch[:MAX_PAIRS]
    inputs = x_BCHW.to(torch.float32) / (model.image.levels - 1)
    reconstructions = model.decode(model.encode(x_BCHW) if codes is None else codes[:MAX_PAIRS])
    parts, names = [inputs, reconstructions], ["input", "reconstruction"]
    if corrupted is not None:
        parts.insert(1, corrupted[:MAX_PAIRS].clamp(0.0, 1.0))
        names.insert(1, "corrupted")
    images = torch.stack([part.to(inputs) for part in parts], dim=1).flatten(0, 1)
    return Figure(
        kind="images",
        name="reconstructions",
        title="Reconstructions",
        help="Validation images, each beside the decoded image of its code.",
        series=tuple(names) * PAIRS_ACROSS,
        images=images,
        columns=len(names) * PAIRS_ACROSS,
    )


def unit_filters(weight_ND: Tensor, image: ImageSpec, units_N: Tensor, name: str, title: str, words: str) -> Figure:
    """Weights of hidden units as images, each with a scale of its own.

    Args:
        weight_ND: weights of the chosen units; NaN where a mask excludes the pixel.
        image: specification of the images.
        units_N: numbers of the units.
        name: of the figure.
        title: of the figure.
        words: sentence on which units they are.
    """
    return Figure(
        kind="maps",
        name=name,
        title=title,
        help=f"Weights from the pixels to a hidden unit, as an image: orange is positive, blue negative. {words}",
        values=weight_ND.float().unflatten(1, image.shape),
        labels=tuple(f"unit {unit}" for unit in units_N.tolist()),
        signed=True,
        each=True,
    )
