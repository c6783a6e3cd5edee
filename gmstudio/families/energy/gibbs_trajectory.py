"""Trajectory of a Boltzmann machine: chains of block Gibbs sampling, shown step by step.

Shapes: B chains, D sub-pixels.
"""

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from gmstudio.families.base import TrajectoryStep
from gmstudio.families.energy.restricted_boltzmann import RestrictedBoltzmann
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.metrics import DISTANCE, Metric

FREE_ENERGY = Metric("free energy", "F(x)", "nats", help="−log of the unnormalized probability of the image.")


def gibbs_trajectory(
    machine: RestrictedBoltzmann,
    image: ImageSpec,
    start_BD: Tensor,
    steps: int,
    shown: Literal["mean", "sample"],
    generator: torch.Generator | None,
) -> Iterator[TrajectoryStep]:
    """States of the chains, the first one included, with metrics of the images drawn.

    Args:
        machine: whose p(h|x) and p(x|h) are drawn from in turn.
        image: specification of the images.
        start_BD: integer states.
        steps: Gibbs steps.
        shown: the pixels' means given the hidden units, or the images drawn from them.
        generator: source of all noise.
    """
    x_BD, means_BD = start_BD, start_BD.to(machine.weight_VH) / (image.levels - 1)
    for step in range(steps + 1):
        if step:
            x_BD, means_BD = machine.gibbs_step(x_BD, generator)
        yield _step(machine, image, x_BD, means_BD if shown == "mean" else None, start_BD, step)


@torch.no_grad()
def _step(
    machine: RestrictedBoltzmann, image: ImageSpec, x_BD: Tensor, means_BD: Tensor | None, start_BD: Tensor, step: int
) -> TrajectoryStep:
    activation_BJ = machine.activation(machine.units.statistics(x_BD))
    apart_BD = (x_BD - start_BD).to(activation_BJ) / (image.levels - 1)
    if means_BD is None:
        means_BD = x_BD.to(activation_BJ) / (image.levels - 1)
    metrics = {FREE_ENERGY: machine.free_energy(x_BD, activation_BJ), DISTANCE: apart_BD.square().mean(1).sqrt()}
    label = f"Gibbs step {step}" if step else "start"
    return TrajectoryStep(means_BD.unflatten(1, image.shape), metrics, label, step)
