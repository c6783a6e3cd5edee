"""How far from the limit something is: the arithmetic of passes and steps, and the rate of this machine's products."""

import time
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from gmstudio.families.base import Autoregressive

SIDE = 512
"""Of the matrices: large enough for the full rate, small enough to be done between two turns of a busy machine."""
SECONDS = 0.5
DENSE = ("markov", "fvbn", "nade", "made")
"""Families that use each weight once an image. Their own passes repeat or skip some products to save time or memory,
so that these are not counted but known: a multiplication and an addition for each weight, masked ones too."""
PASSES_PER_STEP = 3
"""An autoregressive family's training step in forward passes: itself, the gradients of the inputs and of the weights.
The recurrent ones among them compute in place, which a counter of operations does not see."""


def forward_flops(model: Any) -> float:
    """Floating-point operations of scoring one image."""
    if model.card.name in DENSE:
        return 2.0 * float(model.num_parameters())
    images = torch.zeros((2, *model.image.shape), dtype=torch.uint8, device=model.device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.log_prob(images)
    return float(counter.get_total_flops()) / len(images)


def step_flops(model: Any, batch: int) -> float:
    """Floating-point operations of one training step, all phases: counted in the products and convolutions it makes.

    Of an autoregressive family, whose ways to compute are many, those of three forward passes. Only what has to be
    multiplied counts, not the optimizer.
    """
    if isinstance(model, Autoregressive):
        return forward_flops(model) * batch * PASSES_PER_STEP
    images = torch.zeros((batch, *model.image.shape), dtype=torch.uint8, device=model.device)
    generator = torch.Generator(model.device).manual_seed(0)
    total = 0.0
    for phase in model.phases():
        with FlopCounterMode(display=False) as counter:
            torch.autograd.grad(phase.loss(images, generator)["loss"], phase.parameters)
        total += phase.updates_per_step * float(counter.get_total_flops())
    return total


def product_rate() -> float:
    """FLOP/s of a float32 product of two large square matrices with as many threads as are set, at its best."""
    a, out = torch.randn(SIDE, SIDE), torch.empty(SIDE, SIDE)
    torch.mm(a, a, out=out)  # warm-up
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.mm(a, a, out=out)
        best = min(best, time.perf_counter() - start)
    return 2.0 * SIDE**3 / best


def distance(flops: float, seconds: float) -> dict[str, float]:
    """How far from the limit.

    Args:
        flops: that the work needs.
        seconds: that it took.

    Returns:
        ``product_gflops_per_s``, ``arithmetic_floor_s`` and ``times_floor``.
    """
    rate = product_rate()
    floor = flops / rate
    return {"product_gflops_per_s": rate / 1e9, "arithmetic_floor_s": floor, "times_floor": seconds / floor}
