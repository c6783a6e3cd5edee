"""Distance from the arithmetic limit: FLOP of passes and steps, and this machine's rate of matrix products."""

import time
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from gmstudio.families.base import Autoregressive

SIDE = 512
"""Side of the matrices: large enough for the full rate, small enough for one time slice of a busy machine."""
SECONDS = 0.5
DENSE = ("markov", "fvbn", "nade", "made")
"""Families that use each weight once per image. Their passes repeat or skip some products to save time or memory, so
FLOP are not counted but computed: a multiplication and an addition per effective parameter."""
PASSES_PER_STEP = 3
"""An autoregressive family's training step in forward passes: the pass itself, gradients of inputs and of weights.
The recurrent families compute in place, which a FLOP counter does not register."""


def forward_flops(model: Any) -> float:
    """Floating-point operations of scoring one image."""
    if model.card.name in DENSE:
        return 2.0 * float(model.num_parameters())
    images = torch.zeros((2, *model.image.shape), dtype=torch.uint8, device=model.device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.log_prob(images)
    return float(counter.get_total_flops()) / len(images)


def step_flops(model: Any, batch: int) -> float:
    """Floating-point operations of one training step, all phases: those of its matrix products and convolutions.

    For an autoregressive family, whose implementations vary, those of three forward passes. The optimizer is not
    counted.
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
    """Compare a time with the time that its arithmetic needs at the machine's rate.

    Args:
        flops: floating-point operations of the work.
        seconds: measured time.

    Returns:
        ``product_gflops_per_s``, ``arithmetic_floor_s`` and ``times_floor``.
    """
    rate = product_rate()
    floor = flops / rate
    return {"product_gflops_per_s": rate / 1e9, "arithmetic_floor_s": floor, "times_floor": seconds / floor}
