"""The picture that every family with an encoder can draw: images beside what its decoder makes of their codes."""

from typing import Any

import torch
from torch import Tensor

from gmstudio.families.base import Figure

PAIRS_ACROSS = 4
MAX_PAIRS = 16


def reconstruction_figure(model: Any, batch: Tensor, seen: Tensor | None = None) -> Figure:
    """Inputs beside their reconstructions, ``PAIRS_ACROSS`` pairs in a row.

    Args:
        model: has ``encode``, ``decode`` and ``image``.
        batch: (B, C, H, W) integers; the first ``MAX_PAIRS`` are shown.
        seen: (B, C, H, W) floats in [0, 1], what the encoder saw instead where inputs are corrupted; shown between the
            two. The reconstructions are then those of ``seen``'s codes, ``model.encode_floats(seen)``.

    Returns:
        A grid whose columns are named ``input``, (``corrupted``,) ``reconstruction``, again and again.
    """
    x_BCHW = batch[:MAX_PAIRS]
    inputs = x_BCHW.to(torch.float32) / (model.image.levels - 1)
    if seen is None:
        parts = [inputs, model.decode(model.encode(x_BCHW))]
        names: tuple[str, ...] = ("input", "reconstruction")
    else:
        shown = seen[:MAX_PAIRS]
        parts = [inputs, shown.clamp(0.0, 1.0), model.decode(model.encode_floats(shown))]
        names = ("input", "corrupted", "reconstruction")
    images = torch.stack([part.to(inputs) for part in parts], dim=1).flatten(0, 1)
    return Figure(
        kind="images",
        name="reconstructions",
        title="Reconstructions",
        help="Validation images, each with what the decoder makes of its code: what the code keeps, and what it loses.",
        series=names * PAIRS_ACROSS,
        images=images,
        columns=len(names) * PAIRS_ACROSS,
    )
