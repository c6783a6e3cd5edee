"""Images, noise and models to examine: tiny image specifications, random images, randomized and trained models.

Shapes: B batch, C channels, H height, W width, L levels, D sub-pixels (C·H·W), Z latent dimensions.
"""

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from gmstudio.families.base import Autoregressive, Family, Latent, PixelSession
from gmstudio.nn.plain_adam import PlainAdam
from gmstudio.protocol.images import ImageSpec

BINARY = ImageSpec(1, 3, 3, 2)
GREY = ImageSpec(1, 2, 2, 4)
COLOUR_ROW = ImageSpec(3, 1, 2, 3)
COLOUR = ImageSpec(3, 2, 2, 3)
COUNTABLE = (BINARY, GREY, COLOUR_ROW)
"""Specifications with so few images that all of them can be summed over."""
SMALL = (BINARY, GREY, COLOUR)
"""Specifications that a law is examined on by default: binary, grey and colour."""
MAX_COUNTABLE = 2**17
NOISE_SEEDS = 2**20
"""Added to a seed, so that noise on parameters is independent of the initial parameters of the same seed."""

ModelT = TypeVar("ModelT")
ModuleT = TypeVar("ModuleT", bound=nn.Module)


def seeded(seed: int = 0) -> torch.Generator:
    """A generator on the CPU with this seed."""
    return torch.Generator().manual_seed(seed)


def random_images(image: ImageSpec, n: int, seed: int = 0, dtype: torch.dtype = torch.uint8) -> Tensor:
    """(n, C, H, W) independent levels, each as likely as the others."""
    return torch.randint(image.levels, (n, *image.shape), generator=seeded(seed)).to(dtype)


def all_images(image: ImageSpec, chunk: int = 4096) -> Iterator[Tensor]:
    """Every image of a specification, (B, C, H, W) uint8 with at most ``chunk`` of them at a time.

    Raises:
        ValueError: when there are more than ``MAX_COUNTABLE`` images.
    """
    if image.levels**image.num_dims > MAX_COUNTABLE:
        raise ValueError(
            f"There are {image.levels}^{image.num_dims} images of {image}, and at most {MAX_COUNTABLE:,} are summed "
            f"over. Examine this law on a smaller image, for example {GREY}."
        )
    values = torch.tensor(list(itertools.product(range(image.levels), repeat=image.num_dims)), dtype=torch.uint8)
    yield from values.view(-1, *image.shape).split(chunk)


def every_image(image: ImageSpec) -> Tensor:
    """All images of a specification at once: (N, C, H, W) uint8; see ``all_images``."""
    return torch.cat(list(all_images(image)))


def image_numbers(x: Tensor, image: ImageSpec) -> Tensor:
    """Index of each image (B, C, H, W) in the order of ``all_images``: (B,) int64."""
    powers = image.levels ** torch.arange(image.num_dims - 1, -1, -1)
    return (x.flatten(1).long() * powers).sum(1)


def changed(x: Tensor, position: tuple[int, int, int], levels: int) -> Tensor:
    """A copy of one image (1, C, H, W) with a value half of all levels away at (channel, row, column)."""
    copied = x.clone()
    channel, row, column = position
    copied[0, channel, row, column] = (int(copied[0, channel, row, column]) + max(1, levels // 2)) % levels
    return copied


def random_codes(model: Latent, n: int, seed: int = 0) -> Tensor:
    """(n, Z) codes: probabilities for binary units, else normal with deviation 1.5, which reaches unlikely codes."""
    if model.latent.prior == "bernoulli":
        return torch.rand(n, model.latent.num_dims, generator=seeded(seed))
    return 1.5 * torch.randn(n, model.latent.num_dims, generator=seeded(seed))


def labels_of(label: int | None, batch: int) -> Tensor | None:
    """(B,) int64, one label for all images of a batch; None for none."""
    return None if label is None else torch.full((batch,), label)


def log_prob(model: Autoregressive, x: Tensor, order: Tensor | None = None, label: int | None = None) -> Tensor:
    """``model.log_prob`` of images given an order and a label, without gradients: (B,) nats."""
    score: Callable[..., Tensor] = model.log_prob
    with torch.no_grad():
        return score(x, **_conditions(order, labels_of(label, len(x))))


def open_session(
    model: Autoregressive, batch: int, order: Tensor | None = None, label: int | None = None, seed: int = 7
) -> PixelSession:
    """``model.pixel_session`` given an order and a label, with noise of this seed."""
    pixel_session: Callable[..., PixelSession] = model.pixel_session
    return pixel_session(batch, generator=seeded(seed), **_conditions(order, labels_of(label, batch)))


def finish(session: PixelSession) -> Tensor:
    """Draw and place all sub-pixels that are left: (B, C, H, W) uint8."""
    while session.position is not None:
        session.place(session.draw())
    return session.images.clone()


def _conditions(order: Tensor | None, labels: Tensor | None) -> dict[str, Tensor]:
    """Keyword arguments for the conditions that there are: a model without any need not accept them."""
    given = {"order": order, "labels": labels}
    return {name: value for name, value in given.items() if value is not None}


def described(model: object) -> str:
    """A model in the words of a sentence: ``NADE of 2×2 grey, 4 levels``."""
    image = getattr(model, "image", None)
    return type(model).__name__ if image is None else f"{type(model).__name__} of {image}"


def copied(model: ModelT) -> ModelT:
    """A copy that shares nothing with the model, and that can be trained or changed in its place."""
    return copy.deepcopy(model)


def randomized(model: ModuleT, spread: float, seed: int = 0) -> ModuleT:
    """Add Gaussian noise to all parameters, in place.

    A fresh network often ignores its input, so a law might hold for no better reason.

    Args:
        model: changed and returned.
        spread: standard deviation of the noise.
        seed: of the noise.
    """
    noise = seeded(NOISE_SEEDS + seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(spread * torch.randn(parameter.shape, generator=noise).to(parameter))
    return model


def train(model: Family, batch: Tensor, steps: int, learning_rate: float = 1e-3, seed: int = 1) -> list[float]:
    """Train all phases on one batch by Adam, in place.

    Args:
        model: trained.
        batch: (B, C, H, W) integers.
        steps: updates of each phase, times its ``updates_per_step``.
        learning_rate: before each phase's own scale.
        seed: of the noise in the losses.

    Returns:
        The sum of the phases' losses at each step.
    """
    noise, phases = seeded(seed), model.train().phases()
    optimizers = [
        PlainAdam(phase.parameters, learning_rate * phase.learning_rate_scale, betas=phase.betas) for phase in phases
    ]
    for phase in phases:
        if phase.before_update is not None:  # a family that counts images counts these once
            phase.before_update(batch, len(batch))
    losses = []
    for _ in range(steps):
        total = 0.0
        for phase, optimizer in zip(phases, optimizers, strict=True):
            for _ in range(phase.updates_per_step):
                optimizer.zero_grad()
                loss = phase.loss(batch, noise)["loss"]
                loss.backward()
                optimizer.step()
                if phase.after_update is not None:
                    phase.after_update()
            total += loss.item()
        losses.append(total)
    return losses


def state_of(model: nn.Module) -> dict[str, Any]:
    """A copy of all parameters and buffers, by name."""
    return {name: value.clone() for name, value in model.state_dict().items()}
