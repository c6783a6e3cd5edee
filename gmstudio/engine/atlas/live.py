"""Samples drawn live, shown while they grow.

Shapes: N images, C channels, H height, W width.
"""

import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from gmstudio.engine.runtime.display import decoded, means_to_display
from gmstudio.engine.runtime.inspection import exploring, latent_of
from gmstudio.engine.runtime.models import Loaded
from gmstudio.engine.sampling.grids import draw_samples, labels_in_turn
from gmstudio.families.autoregressive.base import AutoregressiveFamily
from gmstudio.families.base import Family, PiecewiseSampler, Posterior, Sampler
from gmstudio.media.levels import to_display
from gmstudio.protocol.array import Array
from gmstudio.protocol.atlas import DrawLiveSamples, LiveKind, LiveSamplesDrawn
from gmstudio.protocol.base import Event

MAX_COUNT = 64
REPORTS_HZ = 15.0
PIECE_S = 0.008
"""Approximate duration of a piece, after which the engine answers commands."""


class Growing(NamedTuple):
    """Images that are being drawn.

    Args:
        images: (N, C, H, W) uint8, 0 … 255.
        share: share of the sub-pixels that are drawn, 0 to 1; 1 at the end.
    """

    images: NDArray[np.uint8]
    share: float


def draw_live(loaded: Loaded, command: DrawLiveSamples) -> Iterator[Event | None]:
    """Draw samples with the present weights.

    Returns:
        A generator of None after each piece of work and of ``LiveSamplesDrawn``, the last one done.

    Raises:
        ValueError: at once, for a number of images out of range.
    """
    if not 1 <= command.count <= MAX_COUNT:
        raise ValueError(f"{command.count} images at a time; enter 1 to {MAX_COUNT}.")
    return _report(loaded, command)


def _report(loaded: Loaded, command: DrawLiveSamples) -> Iterator[Event | None]:
    kind = live_kind(loaded.model)
    pieces = growing_samples(loaded.model, command.count, command.seed)
    busy_s, reported_at, done = 0.0, time.perf_counter(), False
    while not done:
        began = time.perf_counter()
        state = next(pieces)
        now = time.perf_counter()
        busy_s += now - began
        done = state is not None and state.share == 1.0
        if state is None or not (done or now - reported_at > 1 / REPORTS_HZ):
            yield None
            continue
        reported_at = now
        yield LiveSamplesDrawn(
            request=command.request,
            run=command.run,
            kind=kind,
            images=Array.of(state.images),
            share=state.share,
            engine_ms=1000 * busy_s,
            weights_step=loaded.step,
            done=done,
        )


def live_kind(model: Family) -> LiveKind:
    """Return what ``growing_samples`` draws."""
    if not isinstance(model, Sampler):
        return "decoded codes"
    return "means" if isinstance(model, Posterior) else "samples"


def growing_samples(model: Family, count: int, seed: int) -> Iterator[Growing | None]:
    """Draw images: None after each small piece, or the images as they are by then, the last time complete.

    A model with a posterior is shown by the means of p(x|z) of random codes, without the noise of the pixels; one that
    does not generate by random codes that are decoded; all others by samples.
    """
    generator = torch.Generator(model.device).manual_seed(seed)
    if live_kind(model) != "samples":
        with exploring(model):
            dims = latent_of(model).latent.num_dims
            codes_NZ = torch.randn((count, dims), generator=generator, device=model.device)
            images = means_to_display(decoded(model, codes_NZ))
        yield Growing(images, 1.0)
    elif isinstance(model, AutoregressiveFamily):
        yield from _pixel_by_pixel(model, count, generator)
    elif isinstance(model, PiecewiseSampler):
        for drawn in draw_samples(model, count, generator):
            yield None if drawn is None else Growing(drawn, 1.0)
    else:
        yield from _image_by_image(model, count, generator)


def _image_by_image(model: Family, count: int, generator: torch.Generator) -> Iterator[Growing]:
    """Few images at a time, as many as take about ``PIECE_S``: a large flow needs long for one."""
    images = np.zeros((count, *model.image.shape), np.uint8)
    drawn, rows = 0, 1
    while drawn < count:
        began = time.perf_counter()
        new = next(new for new in draw_samples(model, min(rows, count - drawn), generator) if new is not None)
        images[drawn : drawn + len(new)] = new
        drawn += len(new)
        if time.perf_counter() - began < PIECE_S / 2:
            rows *= 2
        yield Growing(images, drawn / count)


def _pixel_by_pixel(model: AutoregressiveFamily, count: int, generator: torch.Generator) -> Iterator[Growing | None]:
    with torch.inference_mode():
        labels = labels_in_turn(model, count)
        session = model.pixel_session(count, generator=generator, rewindable=False, labels=labels)
    yield None
    total = model.image.num_dims
    while session.position is not None:
        began = time.perf_counter()
        with torch.inference_mode():
            while session.position is not None and time.perf_counter() - began < PIECE_S:
                session.place(session.draw())
        shown = to_display(session.images.numpy(), model.image.levels)
        yield Growing(shown, session.step / total)
