"""Codes of many images of a split."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.inspection import check_fit, encoder_of, exploring, in_background, in_pieces, latent_of
from gmstudio.families.base import Encoder, Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.latents import CodesEncoded, EncodeSplit

MAX_ENCODED = 10_000
MAX_FLOATS = 2**26
"""Of all codes together; of codes as large as big images there are fewer."""


def encode_split(model: Family, step: int, dataset: Dataset, command: EncodeSplit) -> Iterator[Event | None]:
    """Encode the first images of a split.

    Args:
        model: a family with ``encode``.
        step: training step of its weights.
        dataset: of the run.
        command: split and number of images, at most ``MAX_ENCODED``; where codes are large, fewer are encoded.

    Returns:
        A generator of None after each piece and, last, ``CodesEncoded``.

    Raises:
        ValueError: at once, when there is no encoder, or no such images.
    """
    encoder = encoder_of(model)
    check_fit(model, dataset)
    if not 1 <= command.count <= MAX_ENCODED:
        raise ValueError(f"{command.count:,} images to encode; ask for 1 to {MAX_ENCODED:,}.")
    split = dataset.split(command.split)
    if not len(split):
        raise ValueError(f"The data set has no {command.split} images to encode; choose another split.")
    rows = np.arange(min(command.count, len(split), max_codes(model)))
    labels = None if split.labels is None else Array.of(split.labels[rows])

    def conclude(codes_NZ: Tensor) -> Event:
        return CodesEncoded(
            request=command.request,
            run=command.run,
            step=step,
            split=command.split,
            codes=Array.of(codes_NZ.numpy()),
            labels=labels,
            label_names=dataset.label_names,
        )

    return encode_images(model, encoder, dataset.view(command.split, rows), conclude)


def max_codes(model: Family) -> int:
    """Largest number of a model's codes that are encoded together."""
    return max(1, MAX_FLOATS // latent_of(model).latent.num_dims)


def encode_images(
    model: Family, encoder: Encoder, images: NDArray[np.uint8], conclude: Callable[[Tensor], Event]
) -> Iterator[Event | None]:
    """Encode images in pieces.

    Args:
        model: that encodes.
        encoder: the same, as an encoder.
        images: (N, C, H, W) uint8 levels, read by slices.
        conclude: makes the event of the codes (N, Z).

    Returns:
        A generator of None after each piece and, last, the event.
    """
    parts: list[Tensor] = []

    def encode(rows: slice) -> None:
        with exploring(model):
            parts.append(encoder.encode(torch.from_numpy(images[rows]).to(model.device)).float().cpu().clone())

    yield from in_pieces(len(images), 1, encode)
    yield from in_background(lambda: conclude(torch.cat(parts)))
