"""Projection: the code whose image is nearest to a given one, by optimization."""

import math
import time
from collections.abc import Iterator

import torch
from torch import Tensor

from gmstudio.engine.runtime.inspection import check_levels, exploring, latent_of
from gmstudio.families.base import Encoder, Family, Latent
from gmstudio.nn.plain_adam import PlainAdam
from gmstudio.protocol.array import Array
from gmstudio.protocol.base import Event
from gmstudio.protocol.latents import (
    ImageProjected,
    ProjectImage,
)

MAX_STEPS = 10_000
NUM_STARTS = 8
LEARNING_RATE = 0.05
REPORTS_HZ = 15.0


def project(model: Family, command: ProjectImage) -> Iterator[Event | None]:
    """Minimize the squared difference between the decoded means and the image, from several codes at once.

    Args:
        model: a family with ``decode``; where it can encode, one of the starts is the image's own code.
        command: the image and the number of steps.

    Returns:
        A generator of None after each step and of ``ImageProjected``, the last one done.

    Raises:
        ValueError: at once, when the image does not fit the model or the steps are out of range.
    """
    latent_of(model)
    image = check_levels(command.image.numpy(), model.image)
    if not 1 <= command.steps <= MAX_STEPS:
        raise ValueError(f"{command.steps} steps of the optimization; choose 1 to {MAX_STEPS:,}.")
    return _optimize(model, torch.from_numpy(image)[None].to(model.device), command)


def _optimize(model: Family, x: Tensor, command: ProjectImage) -> Iterator[Event | None]:
    latent = latent_of(model)
    target = x.float() / (model.image.levels - 1)
    codes = _starting_codes(model, latent, x, command.seed).requires_grad_(True)
    adam = PlainAdam([codes], lr=LEARNING_RATE)
    reported_at = 0.0
    for step in range(1, command.steps + 1):
        before = codes.detach().clone()
        errors = _gradient_step(model, latent, codes, target, adam)
        done = step == command.steps
        if done or time.perf_counter() - reported_at >= 1 / REPORTS_HZ:
            reported_at = time.perf_counter()
            best = int(errors.nan_to_num(math.inf).argmin())
            yield ImageProjected(
                request=command.request,
                run=command.run,
                code=Array.of(before[best].float().cpu().numpy()),
                error=float(errors[best].sqrt()),
                step=step,
                steps=command.steps,
                done=done,
            )
        yield None


def _gradient_step(model: Family, latent: Latent, codes: Tensor, target: Tensor, adam: torch.optim.Optimizer) -> Tensor:
    """Take one gradient step; return the mean squared errors (N,) of the decoded means before it."""
    with exploring(model, grad=True):
        means = latent.decode(codes).float()
        errors = (means - target).square().flatten(1).mean(1)
        (codes.grad,) = torch.autograd.grad(errors.sum(), codes)  # leaves the gradients of the weights alone
    adam.step()
    if latent.latent.prior == "bernoulli":
        with torch.no_grad():
            codes.clamp_(0.0, 1.0)
    return errors.detach()


def _starting_codes(model: Family, latent: Latent, x: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (NUM_STARTS, latent.latent.num_dims)
    if latent.latent.prior == "bernoulli":
        codes = torch.rand(shape, generator=generator)
    else:
        codes = torch.randn(shape, generator=generator)
    codes = codes.to(model.device)
    if isinstance(model, Encoder):
        with exploring(model):
            codes[0] = model.encode(x)[0].float()
    return codes
