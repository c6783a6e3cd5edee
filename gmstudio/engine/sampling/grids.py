"""Sample grids, drawn in small pieces so that the engine stays responsive."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray

from gmstudio.engine.runtime.display import decoded, means_to_display
from gmstudio.engine.runtime.inspection import latent_of
from gmstudio.families.base import Encoder, Family, Latent, Sampler
from gmstudio.families.generation import sample_in_pieces
from gmstudio.media.levels import to_display


@runtime_checkable
class _ClassConditional(Protocol):
    """Model that can be conditioned on labels."""

    labels: tuple[int, ...]


def draw_grid(
    model: Family, count: int, seed: int, inputs: torch.Tensor | None = None
) -> Iterator[NDArray[np.uint8] | None]:
    """Draw ``count`` images for display: yields None after each small piece, then (N, C, H, W) uint8, 0 … 255.

    A family with Gaussian codes decodes the same codes each time, so that they can be compared during training. A
    family that does not generate reconstructs images. All others draw samples from the same noise.

    Args:
        model: model of any family.
        count: number of images.
        seed: seed of codes or noise.
        inputs: (B, C, H, W) integers to be reconstructed by a family that does not generate, at most ``count`` of them;
            without any it decodes random codes.
    """
    generator = torch.Generator(model.device).manual_seed(seed)
    device = model.device
    if not _has_prior(model):
        yield from draw_samples(model, count, generator)
        return
    with torch.inference_mode():
        if isinstance(model, Encoder) and _reconstructs(model) and inputs is not None and len(inputs):
            codes = model.encode(inputs[:count].to(device))
        else:
            codes = torch.randn((count, latent_of(model).latent.num_dims), generator=generator, device=device)
        means = decoded(model, codes)
    yield means_to_display(means)


def draw_samples(
    model: Family, count: int, generator: torch.Generator, sampler: Struct | None = None
) -> Iterator[NDArray[np.uint8] | None]:
    """Sample ``count`` images from the model, of its classes in turn; yields like ``draw_grid``.

    Args:
        model: model of a family that generates.
        count: number of images.
        generator: source of all noise.
        sampler: settings of sampling, where the family has them; None: the defaults.

    Raises:
        ValueError: at the first piece, when the family does not generate.
    """
    if not isinstance(model, Sampler):
        raise ValueError(
            f"{model.card.title} is not a generative model, so it has no samples. Choose a run of a family that "
            "generates, like VAE."
        )
    for images in sample_in_pieces(model, count, generator, labels_in_turn(model, count), sampler):
        yield None if images is None else to_display(images.cpu().numpy(), model.image.levels)


def labels_in_turn(model: Family, count: int) -> torch.Tensor | None:
    """Return (count,) int64, the labels that the model was trained with, repeated; None where it takes none."""
    labels = model.labels if isinstance(model, _ClassConditional) else ()
    if not labels:
        return None
    return torch.tensor(labels, device=model.device)[torch.arange(count, device=model.device) % len(labels)]


def grid_kind(model: Family) -> str:
    """Return the kind of images that ``draw_grid`` draws: ``reconstructions``, ``means`` or ``samples``."""
    if _reconstructs(model):
        return "reconstructions"
    return "means" if _has_prior(model) else "samples"


def _reconstructs(model: Family) -> bool:
    """Return whether the model encodes and decodes but does not generate."""
    return isinstance(model, Encoder) and not isinstance(model, Sampler)


def _has_prior(model: Family) -> bool:
    """Return whether codes can be drawn from the prior; binary hidden units depend on each other."""
    return isinstance(model, Latent) and model.latent.prior != "bernoulli"
