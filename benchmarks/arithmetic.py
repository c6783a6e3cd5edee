"""Distance from the arithmetic limit: FLOP of passes and steps, and this machine's rate of matrix products.

In NADE the products are few and the logistic units many: each pixel of each image needs all of them once. So their
number counts as well, at this machine's rate of logistic functions. In all other families they are a small part.
"""

import math
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from gmstudio.families.base import Autoregressive
from gmstudio.nn.products import product

SIDE = 512
"""Side of the matrices: large enough for the full rate, small enough for one time slice of a busy machine."""
SECONDS = 0.5
DENSE = ("markov", "fvbn", "nade", "made")
"""Families that use each weight once per image. Their passes repeat or skip some products to save time or memory, so
FLOP are not counted but computed: a multiplication and an addition per effective parameter."""
PASSES_PER_STEP = 3
"""An autoregressive family's training step in forward passes: the pass itself, gradients of inputs and of weights."""


def flop_counter() -> FlopCounterMode:
    """Torch's counter of floating-point operations, with products that are added to a sum in place."""
    in_place = (torch.ops.aten.addmm_, torch.ops.aten.baddbmm_)
    return FlopCounterMode(display=False, custom_mapping=dict.fromkeys(in_place, _product_flops))


def _product_flops(_sum: torch.Size, a: torch.Size, b: torch.Size, *_factors: Any, **_options: Any) -> int:
    """Floating-point operations of a · b, given their shapes."""
    return 2 * math.prod(a) * b[-1]


def forward_flops(model: Any) -> float:
    """Floating-point operations of scoring one image."""
    if model.card.name in DENSE:
        return 2.0 * float(model.num_parameters())
    images = torch.zeros((2, *model.image.shape), dtype=torch.uint8, device=model.device)
    with torch.no_grad(), flop_counter() as counter:
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
        with flop_counter() as counter:
            torch.autograd.grad(phase.loss(images, generator)["loss"], phase.parameters)
        total += phase.updates_per_step * float(counter.get_total_flops())
    return total


def logistic_functions(model: Any) -> float:
    """Logistic functions that scoring one image takes, in its hidden layers; 0 where they are a small part.

    A training step takes as many: the derivative follows from the value.
    """
    if model.card.name != "nade" or model.config.activation != "sigmoid":
        return 0.0
    layers = model.config.num_layers if model.config.order_agnostic else model.image.num_dims
    return float(layers * model.config.num_hidden)


def product_rate() -> float:
    """FLOP/s at which torch multiplies two large square float32 matrices, with as many threads as are set, at its best.

    The goals of the benchmarks are in these terms. On processors that Intel did not make it is half of what oneDNN
    reaches, see ``fastest_product_rate``.
    """
    a, out = torch.randn(SIDE, SIDE), torch.empty(SIDE, SIDE)
    return 2.0 * SIDE**3 / _best_seconds(lambda: torch.mm(a, a, out=out))


def fastest_product_rate() -> float:
    """The same for the library that multiplies large matrices in a training step, see ``gmstudio.nn.products``."""
    a = torch.randn(SIDE, SIDE)
    return 2.0 * SIDE**3 / _best_seconds(lambda: product(a, a))


def logistic_rate() -> float:
    """Logistic functions a second, of as many float32 numbers, with as many threads as are set, at its best."""
    a, out = torch.randn(SIDE, SIDE), torch.empty(SIDE, SIDE)
    return SIDE**2 / _best_seconds(lambda: torch.sigmoid(a, out=out))


def distance(flops: float, seconds: float, logistics: float = 0.0) -> dict[str, float]:
    """Compare a time with the time that its arithmetic needs at the machine's rates.

    Args:
        flops: floating-point operations of the products in the work.
        seconds: measured time.
        logistics: logistic functions in the work, see ``logistic_functions``.

    Returns:
        ``product_gflops_per_s``, ``arithmetic_floor_s`` and ``times_floor``; ``fastest_gflops_per_s`` and
        ``times_fastest``, the distance at that rate; where there are logistic functions, also ``logistic_g_per_s``,
        their rate, and ``times_products``, the distance from the products alone.
    """
    rate, fastest, logistic_s = product_rate(), fastest_product_rate(), 0.0
    found = {"product_gflops_per_s": rate / 1e9, "fastest_gflops_per_s": fastest / 1e9}
    if logistics:
        found |= {"logistic_g_per_s": logistic_rate() / 1e9, "times_products": seconds * rate / flops}
        logistic_s = logistics / (found["logistic_g_per_s"] * 1e9)
    floor, lowest = flops / rate + logistic_s, flops / fastest + logistic_s
    return {**found, "arithmetic_floor_s": floor, "times_floor": seconds / floor, "times_fastest": seconds / lowest}


def _best_seconds(run: Callable[[], object]) -> float:
    """Shortest time of a call, of those that fit in ``SECONDS``."""
    run()  # warm-up
    best, end = float("inf"), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best
