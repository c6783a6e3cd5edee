"""Reconstruction error, the measure of families that encode and decode but have no likelihood."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.evaluation.likelihood import batch_size
from gmstudio.engine.runtime.inspection import encoder_of, exploring, latent_of
from gmstudio.families.base import Encoder, Family, Latent


def reconstructs(model: Family) -> bool:
    """Return whether a model encodes and decodes."""
    return isinstance(model, Encoder) and isinstance(model, Latent)


def reconstruction_errors(model: Family, images: NDArray[np.uint8]) -> Iterator[NDArray[np.float64] | None]:
    """Compute the reconstruction errors of images, in small pieces.

    Args:
        model: model with ``encode`` and ``decode``.
        images: (N, C, H, W) levels, N ≥ 1.

    Returns:
        A generator of None after each piece and, last, (N,) mean squared errors over the sub-pixels, black 0, white 1.

    Raises:
        ValueError: when there are no images, or the model does not encode and decode.
    """
    if not len(images):
        raise ValueError("There are no images to reconstruct; choose another split or more classes.")
    encoder, decoder = encoder_of(model), latent_of(model)
    parts, size = [], batch_size(model, 1)
    for start in range(0, len(images), size):
        with exploring(model):
            batch = torch.from_numpy(images[start : start + size]).to(model.device)
            target = batch.float() / (model.image.levels - 1)
            error = (decoder.decode(encoder.encode(batch)).float() - target).square()
            parts.append(error.flatten(1).mean(1).cpu().numpy().astype(np.float64))
        yield None
    yield np.concatenate(parts)
