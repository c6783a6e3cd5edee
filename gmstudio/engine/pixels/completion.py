"""Images of an autoregressive model in any order it takes, conditioned on a label and on observed pixels.

Shape legend: N images, C channels, H height, W width, D sub-pixels (C·H·W).
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.families.autoregressive.base import AutoregressiveFamily


def draw_completions(
    model: AutoregressiveFamily,
    count: int,
    generator: torch.Generator,
    *,
    order_D3: Tensor | None = None,
    observed_CHW: NDArray[np.uint8] | None = None,
    num_observed: int = 0,
    labels_N: Tensor | None = None,
    temperature: float = 1.0,
) -> Iterator[NDArray[np.uint8] | None]:
    """Draw images sub-pixel by sub-pixel: yields None after each, then (N, C, H, W) uint8 levels.

    Args:
        model: in evaluation mode.
        count: images N.
        generator: source of all noise.
        order_D3: rows (channel, row, column) of an order that the model takes; None: its own.
        observed_CHW: an image whose first sub-pixels in that order are conditioned on.
        num_observed: how many of them.
        labels_N: what each image is conditioned on; None: nothing.
        temperature: divides the logits.

    Raises:
        ValueError: when one of these does not fit the model.
    """
    groups = []
    for start in range(0, count, model.max_session):
        stop = min(count, start + model.max_session)
        labels_B = None if labels_N is None else labels_N[start:stop]
        with torch.inference_mode():
            session = model.pixel_session(stop - start, order_D3, generator, rewindable=False, labels=labels_B)
        for channel, row, column in session.order[:num_observed].tolist():
            assert observed_CHW is not None
            session.place(torch.full((stop - start,), int(observed_CHW[channel, row, column])))
        while session.position is not None:
            with torch.inference_mode():
                session.place(session.draw(temperature))
            yield None
        groups.append(session.images.numpy())
    yield np.concatenate(groups)
