"""Laws of models that generate whole images: samples, Markov chains and trajectories.

Shapes: B batch, C channels, H height, W width.
"""

from itertools import islice

import torch
from torch import Tensor

from gmstudio.families.base import MarkovChain, Sampler, Trajectory, TrajectoryStep
from gmstudio.families.generation import sample_in_pieces
from gmstudio.protocol.images import ImageSpec
from gmstudio.testing.laws.comparison import demand, demand_close, demand_equal
from gmstudio.testing.laws.inputs import described, random_images, seeded
from gmstudio.testing.laws.law import is_a, law
from gmstudio.testing.laws.models import ChainModel, SamplingModel, TrajectoryModel

ALIKE_BY_CHANCE = 8
"""Up to this number of sub-pixels, samples of two seeds may be the same images."""


@law(applies=is_a(Sampler))
def samples_are_images(model: SamplingModel, n: int = 6) -> None:
    """``sample(n)`` gives (n, C, H, W) uint8 levels without a gradient.

    Args:
        model: examined on one batch.
        n: images drawn.
    """
    images = model.sample(n, generator=seeded(3))
    _demand_levels(images, (n, *model.image.shape), model.image, f"{described(model)}: samples")
    demand(not images.requires_grad, f"{described(model)}: samples require a gradient.")


@law(applies=is_a(Sampler))
def samples_follow_the_generator(model: SamplingModel, n: int = 6) -> None:
    """The same generator gives the same samples, at once and in pieces; the global noise is left alone.

    Args:
        model: of more than ``ALIKE_BY_CHANCE`` sub-pixels, if another seed is to give other images.
        n: images drawn.
    """
    state = torch.get_rng_state()
    first = model.sample(n, generator=seeded(3))
    demand_equal(
        model.sample(n, generator=seeded(3)), first, f"{described(model)}: a seed does not repeat its samples."
    )
    if model.image.num_dims > ALIKE_BY_CHANCE:
        other = model.sample(n, generator=seeded(4))
        demand(not torch.equal(other, first), f"{described(model)}: two seeds give the same samples.")
    *pieces, last = sample_in_pieces(model, n, seeded(3))
    demand(
        last is not None and all(piece is None for piece in pieces),
        f"{described(model)}: sampling in pieces must give None until the last piece, which is the images.",
    )
    assert last is not None
    demand_equal(last, first, f"{described(model)}: sampling in pieces gives other images than sample.")
    demand_equal(torch.get_rng_state(), state, f"{described(model)}: sampling moves the global random state.")


@law(applies=is_a(MarkovChain))
def chains_go_through_images(model: ChainModel) -> None:
    """Every state of ``chain(x)`` is a batch of images; a seed repeats, and the start is left as it is."""
    x = random_images(model.image, 3)
    states = list(islice(model.chain(x, seeded(1)), 4))
    for state in states:
        _demand_levels(state, tuple(x.shape), model.image, f"{described(model)}: states of a chain")
    for state, again in zip(states, islice(model.chain(x.int(), seeded(1)), 4), strict=True):
        demand_equal(again, state, f"{described(model)}: a seed does not repeat its chain.")
    demand_equal(x, random_images(model.image, 3), f"{described(model)}: a chain changes the images it starts from.")


@law(applies=is_a(Trajectory))
def trajectories_show_images(model: TrajectoryModel, steps: int = 4) -> None:
    """The steps of a trajectory have images in [0, 1], finite metrics, the same ones, and labels of their own.

    Examined from images and from noise. A seed repeats, and nothing has a gradient.

    Args:
        model: examined on three images.
        steps: transitions wanted.
    """
    x = random_images(model.image, 3)
    for start in (x, None):
        source = "noise" if start is None else "images"
        about = f"{described(model)}: a trajectory from {source}"
        trajectory = list(model.trajectory(start, 3, steps, seeded()))
        demand(len(trajectory) > 1, f"{about} has only {len(trajectory)} step.")
        labels = [step.label for step in trajectory]
        demand(len(set(labels)) == len(labels), f"{about} has a label twice: {', '.join(labels)}.")
        for step in trajectory:
            _demand_intensities(step.images, (3, *model.image.shape), f"{about}, {step.label}: images")
            demand(
                step.metrics.keys() == trajectory[0].metrics.keys(),
                f"{about} has the metrics {_names(step)} at {step.label}, and {_names(trajectory[0])} at its start.",
            )
            for metric, values_B in step.metrics.items():
                demand(
                    values_B.shape == (3,) and bool(torch.isfinite(values_B).all()) and not values_B.requires_grad,
                    f"{about}, {step.label}: {metric.name!r} must be finite, one for each image, without a gradient.",
                )
        for step, again in zip(trajectory, model.trajectory(start, 3, steps, seeded()), strict=True):
            demand_close(again.images, step.images, f"{about} is not repeated by its seed.", atol=1e-6)


def _names(step: TrajectoryStep) -> str:
    return ", ".join(metric.name for metric in step.metrics)


def _demand_levels(images: Tensor, shape: tuple[int, ...], image: ImageSpec, what: str) -> None:
    """Demand uint8 levels of this shape and specification."""
    demand(
        tuple(images.shape) == shape and images.dtype == torch.uint8,
        f"{what} are {images.dtype} of shape {tuple(images.shape)}; they must be uint8 of shape {shape}.",
    )
    demand(int(images.max()) < image.levels, f"{what} have the level {int(images.max())} of 0 to {image.levels - 1}.")


def _demand_intensities(images: Tensor, shape: tuple[int, ...], what: str) -> None:
    """Demand floats in [0, 1] of this shape, without a gradient."""
    demand(tuple(images.shape) == shape, f"{what} have the shape {tuple(images.shape)}; it must be {shape}.")
    low, high = float(images.min()), float(images.max())
    demand(0.0 <= low <= high <= 1.0, f"{what} go from {low:g} to {high:g}; they must stay within 0 to 1.")
    demand(not images.requires_grad, f"{what} require a gradient.")
