"""Generation by models of any family: samples in small pieces, and trajectories, with settings where there are any."""

from collections.abc import Callable, Iterator

import torch
from msgspec import Struct
from torch import Tensor

from gmstudio.families.base import Autoregressive, PiecewiseSampler, PixelSession, Sampler, Trajectory, TrajectoryStep


def sample_in_pieces(
    model: Sampler,
    n: int,
    generator: torch.Generator,
    labels: Tensor | None = None,
    sampler: Struct | None = None,
) -> Iterator[Tensor | None]:
    """Sample without blocking for long.

    Args:
        model: samples in pieces of its own, or pixel by pixel, or at once.
        n: how many images.
        generator: source of all noise.
        labels: (n,) int64, for models that can be conditioned on them only.
        sampler: settings of sampling, for families that have them only; None: the defaults.

    Returns:
        A generator of None after each small piece of work and, last, the images (n, C, H, W).
    """
    given = {"labels": labels, "sampler": sampler}
    conditions = {name: value for name, value in given.items() if value is not None}
    # Inference mode is left before every yield: it belongs to the thread, and other code runs in between.
    if isinstance(model, PiecewiseSampler):
        sample_pieces: Callable[..., Iterator[Tensor | None]] = model.sample_pieces
        pieces = sample_pieces(n, generator, **conditions)
        while True:
            with torch.inference_mode():
                piece = next(pieces, None)
            yield piece
            if piece is not None:
                return
    if not isinstance(model, Autoregressive):
        sample: Callable[..., Tensor] = model.sample
        with torch.inference_mode():
            images = sample(n, generator=generator, **conditions)
        yield images
        return
    pixel_session: Callable[..., PixelSession] = model.pixel_session
    with torch.inference_mode():
        session = pixel_session(n, generator=generator, **conditions)
    while session.position is not None:
        with torch.inference_mode():
            session.place(session.draw())
        yield None
    yield session.images


def trajectory_of(
    model: Trajectory,
    x: Tensor | None,
    n: int,
    steps: int,
    generator: torch.Generator | None = None,
    sampler: Struct | None = None,
) -> Iterator[TrajectoryStep]:
    """Trajectory of a model with settings of sampling, for families that have them only; None: the defaults."""
    trajectory: Callable[..., Iterator[TrajectoryStep]] = model.trajectory
    return trajectory(x, n, steps, generator, **({} if sampler is None else {"sampler": sampler}))
