"""Time and memory of training steps and samples of one model, and the arithmetic and numbers that they need."""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from benchmarks.arithmetic import flop_counter, forward_flops, step_flops
from benchmarks.models import randomize
from benchmarks.scaling.axes import Point
from benchmarks.scaling.memory import StepMemory
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


class CostMeter:
    """Measures configurations of a family. What belongs to several axes is measured once.

    Args:
        family: key in ``FAMILIES``.
        memory: measures that of the steps.
        seconds: for each measurement, at least three repeats.
        limit_s: what is foreseen to take longer, once, is left out.
        end: time of ``perf_counter`` from which on nothing more is measured.
    """

    def __init__(self, family: str, memory: StepMemory, seconds: float, limit_s: float, end: float = math.inf) -> None:
        self._family = family
        self._memory = memory
        self._seconds = seconds
        self._limit_s = limit_s
        self._end = end
        self._known: dict[tuple[object, ...], Cost] = {}

    @property
    def is_over(self) -> bool:
        """Nothing more is measured."""
        return time.perf_counter() >= self._end

    def costs(self, point: Point, before: Mapping[str, Cost], *, samples: bool = True) -> dict[str, Cost]:
        """Measure a training step, its memory, and one and 64 samples.

        Args:
            point: the configuration.
            before: costs of the point before, from which this one's are foreseen.
            samples: draw samples, too; they do not depend on the batch of a step.
        """
        model: Any = point.model(self._family)
        found = self._step_costs(model, point, before.get("step"))
        randomize(model.eval())
        for count in SAMPLES if samples and isinstance(model, Sampler) else ():
            name = f"sample {count}"
            key = (name, point.image, *sorted(point.config.items()))
            flops = _sample_flops(model, count)
            if key not in self._known and self._fits(flops, before.get(name)):
                self._known[key] = Cost(_sample_s(model, count, self._seconds), flops)
            if key in self._known:
                found[name] = self._known[key]
        return found

    def _step_costs(self, model: Any, point: Point, before: Cost | None) -> dict[str, Cost]:
        keys = {name: (name, point.image, point.batch, *sorted(point.config.items())) for name in ("step", "memory")}
        flops = step_flops(model, point.batch)
        if keys["step"] not in self._known and self._fits(flops, before):
            loop = BareLoop(model, random_images(point.image), point.batch)
            self._known[keys["step"]] = Cost(_median_s(loop.step, self._seconds), flops)
            self._known[keys["memory"]] = Cost(*self._memory.measure(self._family, point))
        return {name: self._known[key] for name, key in keys.items() if key in self._known}

    def _fits(self, flops: float, before: Cost | None) -> bool:
        """Test whether a work, if it grows like its arithmetic from the point before, stays within the limits."""
        foreseen_s = 0.0 if before is None else before.measured * flops / before.formula
        return foreseen_s <= self._limit_s and not self.is_over


def _sample_s(model: Any, count: int, seconds: float) -> float:
    generator = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        return _median_s(lambda: model.sample(count, generator=generator), seconds)


def _sample_flops(model: Any, count: int) -> float:
    """Of one forward pass per image where pixels are drawn one by one; else of what ``sample`` computes."""
    if isinstance(model, Autoregressive):
        return forward_flops(model) * count
    with torch.inference_mode(), flop_counter() as counter:
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
