"""Time and memory of training steps and samples of one model, and the arithmetic and numbers that they need."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.arithmetic import forward_flops, step_flops
from benchmarks.models import randomize
from benchmarks.scaling.axes import Point
from benchmarks.scaling.memory import step_memory
from benchmarks.training import BareLoop, random_images
from gmstudio.families.base import Autoregressive, Sampler

REPEATS = 3
SAMPLES = (1, 64)


@dataclass(frozen=True)
class Cost:
    """What a work takes, and what its formula says that it needs.

    Args:
        measured: seconds, or MiB.
        formula: FLOP, or MiB of weights, gradients, moments of Adam and what the backward pass needs.
    """

    measured: float
    formula: float


def costs(family: str, point: Point, seconds: float, before: Mapping[str, Cost], limit_s: float) -> dict[str, Cost]:
    """Measure a training step, one and 64 samples, and memory.

    Args:
        family: key in ``FAMILIES``.
        point: the configuration.
        seconds: for each measurement, at least three repeats.
        before: costs of the point before, from which this one's are foreseen.
        limit_s: what is foreseen to take longer, once, is left out.
    """
    model: Any = point.model(family)
    loop = BareLoop(model, random_images(point.image), point.batch)
    found = {}
    flops = step_flops(model, point.batch)
    if _foreseen_s(flops, before.get("step")) <= limit_s:
        found["step"] = Cost(_median_s(loop.step, seconds), flops)
        found["memory"] = Cost(*step_memory(family, point))
    randomize(model.eval())
    for count in SAMPLES if isinstance(model, Sampler) else ():
        flops = _sample_flops(model, count)
        if _foreseen_s(flops, before.get(f"sample {count}")) <= limit_s:
            found[f"sample {count}"] = Cost(_sample_s(model, count, seconds), flops)
    return found


def _foreseen_s(flops: float, before: Cost | None) -> float:
    """Seconds that a work takes if it grows like its arithmetic; 0 at the first point."""
    return 0.0 if before is None else before.measured * flops / before.formula


def _sample_s(model: Any, count: int, seconds: float) -> float:
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        return _median_s(lambda: model.sample(count, generator=generator), seconds)


def _sample_flops(model: Any, count: int) -> float:
    """Of one forward pass per image where pixels are drawn one by one; else of what ``sample`` computes."""
    if isinstance(model, Autoregressive):
        return forward_flops(model) * count
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        model.sample(count, generator=torch.Generator().manual_seed(0))
    return float(counter.get_total_flops())


def _median_s(work: Callable[[], Any], seconds: float) -> float:
    """Median seconds of a call, after one to warm up."""
    work()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < REPEATS or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)
