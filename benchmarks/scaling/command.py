"""How cost grows: times and memory along every axis, with fitted exponents."""

import math
import time
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from benchmarks.scaling.axes import SIZE, VALUES, WORDS, AxisName, points, width_of
from benchmarks.scaling.datasets import measure_datasets
from benchmarks.scaling.growth import exponent
from benchmarks.scaling.measured import Cost, CostMeter
from benchmarks.scaling.memory import StepMemory
from gmstudio.engine.runtime.building import family_class
from gmstudio.system.heap import keep_freed_memory

FAMILIES = ("made", "pixelcnn", "vae")
"""One of each mechanism: masked layers, convolutions pixel by pixel, a code decoded at once."""
QUANTITIES = {"step": "ms", "sample 1": "ms", "sample 64": "ms", "memory": "MiB"}


def measure(
    families: Sequence[str],
    axes: Sequence[AxisName],
    seconds: float,
    limit_s: float,
    size: int = SIZE,
    minutes: float = math.inf,
) -> dict[str, Any]:
    """Measure families along axes.

    Args:
        families: keys in ``FAMILIES``.
        axes: what grows, one at a time.
        seconds: for each measurement.
        limit_s: a step or samples that are foreseen to take longer are left out, and named.
        size: rows and columns, where they do not grow.
        minutes: for all of it, in equal parts for the families; axes and points beyond are left out, and named.

    Returns:
        ``families``: family → axis → for each quantity ``values``, what was ``measured`` there (ms or MiB), its
        ``formula`` (FLOP or MiB) and the exponents of both; ``left_out``: what was foreseen to take too long; and the
        seconds that all of it ``took_s``.
    """
    keep_freed_memory()  # as the engine does
    began, found = time.perf_counter(), {}
    with StepMemory() as memory:
        for number, family in enumerate(families, 1):
            meter = CostMeter(family, memory, seconds, limit_s, began + 60 * minutes * number / len(families))
            found[family] = _family(family, meter, axes, 10 * seconds, size)
    return {
        "benchmark": "scaling",
        "image": f"{size}×{size}",
        "families": found,
        "seconds": seconds,
        "limit_s": limit_s,
        "took_s": time.perf_counter() - began,
        "threads": torch.get_num_threads(),
    }


def _family(
    family: str, meter: CostMeter, axes: Iterable[AxisName], seconds_of_data: float, size: int
) -> dict[str, Any]:
    found: dict[str, Any] = {"title": family_class(family).card.title}
    for axis in axes:
        if meter.is_over:
            found[axis] = {"words": WORDS[axis], "left_out": ["everything"]}
        elif axis == "data":
            found[axis] = {"words": WORDS[axis], **measure_datasets(family, seconds_of_data, size)}
        else:
            found[axis] = {"words": WORDS[axis], **_axis(family, meter, axis, size)}
        if axis == "width":
            found[axis]["whole"] = width_of(family)[1]
    return found


def _axis(family: str, meter: CostMeter, axis: AxisName, size: int) -> dict[str, Any]:
    values: list[int] = []
    measured: list[dict[str, Cost]] = []
    for point in points(family, axis, size):
        measured.append(meter.costs(point, measured[-1] if measured else {}, samples=axis != "batch"))
        values.append(point.value)
    return summary(values, measured)


def summary(values: Sequence[int], measured: Sequence[dict[str, Cost]]) -> dict[str, Any]:
    """Costs by quantity instead of by value, with exponents, and what is missing."""
    found: dict[str, Any] = {}
    for quantity, unit in QUANTITIES.items():
        there = [(value, costs[quantity]) for value, costs in zip(values, measured, strict=True) if quantity in costs]
        if not there:
            continue
        factor = 1000.0 if unit == "ms" else 1.0
        at = [value for value, _ in there]
        found[quantity] = {
            "unit": unit,
            "values": at,
            "measured": [factor * cost.measured for _, cost in there],
            "formula": [cost.formula for _, cost in there],
        }
        if len(there) > 1:
            found[quantity] |= {
                "exponent": exponent(at, [cost.measured for _, cost in there]),
                "exponent_of_formula": exponent(at, [cost.formula for _, cost in there]),
            }
    found["left_out"] = [
        f"{quantity} at {value}"
        for quantity in found
        for value in values
        if quantity in QUANTITIES and value not in found[quantity]["values"]
    ]
    return found


def axis_names(names: Sequence[str]) -> list[AxisName]:
    """Check the names of axes; none: all.

    Raises:
        ValueError: when there is no such axis.
    """
    for name in names:
        if name not in VALUES:
            raise ValueError(f"--axis {name}: there is no such axis; choose from {', '.join(VALUES)}.")
    return [axis for axis in VALUES if axis in names or not names]
