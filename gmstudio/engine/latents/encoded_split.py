"""Codes of many images of a split."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gmstudio.data.dataset import Dataset
from gmstudio.engine.runtime.inspection import check_fit, encoder_of, exploring, in_pieces, latent_of
from gmstudio.families.base import Encoder, Family
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.latents import CodesEncoded, EncodeSplit

MAX_ENCODED = 10_000
MAX_FLOATS = 2**26
"""Of all codes that are held together; of codes as large as big images there are fewer."""


def encode_split(model: Family, step: int, dataset: Dataset, command: EncodeSplit) -> Iterator[Event | None]:
    """Encode the first images of a split.

    Args:
        model: a family with ``encode``.
        step: training step of its weights.
        dataset: of the run.
        command: which images, at most ``MAX_ENCODED``; where codes are large, the first of them.

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
    rows = np.arange(min(command.count, len(split), _most_codes(model)))
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

    return _encoded(model, encoder, dataset.view(command.split, rows), conclude)


def _most_codes(model: Family) -> int:
    """How many of its codes may be held together."""
    return max(1, MAX_FLOATS // latent_of(model).latent.num_dims)


def _encoded(
    model: Family, encoder: Encoder, images: Any, conclude: Callable[[Tensor], Event]
) -> Iterator[Event | None]:
    parts: list[Tensor] = []

    def encode(rows: slice) -> None:
        with exploring(model):
            parts.append(encoder.encode(torch.from_numpy(images[rows]).to(model.device)).float().cpu().clone())

    yield from in_pieces(len(images), 1, encode)
    yield conclude(torch.cat(parts))
