"""Reconstruction error, the measure of families that encode and decode but have no likelihood."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.evaluation.likelihood import batch_size
from gmstudio.engine.runtime.inspection import exploring


def reconstructs(model: Any) -> bool:
    """Return whether a model encodes and decodes."""
    return callable(getattr(model, "encode", None)) and callable(getattr(model, "decode", None))


def reconstruction_errors(model: Any, images: NDArray[np.uint8]) -> Iterator[NDArray[np.float64] | None]:
    """Compute the reconstruction errors of images, in small pieces.

    Args:
        model: model with ``encode`` and ``decode``.
        images: (N, C, H, W) levels, N ≥ 1.

    Returns:
        A generator of None after each piece and, last, (N,) mean squared errors over the sub-pixels, black 0, white 1.

    Raises:
        ValueError: when there are no images.
    """
    if not len(images):
        raise ValueError("There are no images to reconstruct; choose another split or more classes.")
    parts, size = [], batch_size(model.image)
    for start in range(0, len(images), size):
        with exploring(model):
            batch = torch.from_numpy(images[start : start + size]).to(model.device)
            target = batch.float() / (model.image.levels - 1)
            error = (model.decode(model.encode(batch)).float() - target).square()
            parts.append(error.flatten(1).mean(1).cpu().numpy().astype(np.float64))
        yield None
    yield np.concatenate(parts)
