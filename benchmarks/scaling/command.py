"""How cost grows: times and memory along every axis, with fitted exponents."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from benchmarks.scaling.axes import SIZE, VALUES, WORDS, AxisName, points
from benchmarks.scaling.datasets import measure_datasets
from benchmarks.scaling.growth import exponent
from benchmarks.scaling.measured import Cost, costs
from gmstudio.engine.runtime.building import family_class

QUANTITIES = {"step": "ms", "sample 1": "ms", "sample 64": "ms", "memory": "MiB"}


def measure(
    families: Sequence[str], axes: Sequence[AxisName], seconds: float, limit_s: float, size: int = SIZE
) -> dict[str, Any]:
    """Measure families along axes.

    Args:
        families: keys in ``FAMILIES``.
        axes: what grows, one at a time.
        seconds: for each measurement.
        limit_s: a step or samples that are foreseen to take longer are left out, and named.
        size: rows and columns, where they do not grow.

    Returns:
        ``families``: family → axis → for each quantity ``values``, what was ``measured`` there (ms or MiB), and the
        exponents of that and of its formula; ``left_out``: what was foreseen to take too long.
    """
    return {
        "benchmark": "scaling",
        "image": f"{size}×{size}",
        "families": {family: _family(family, axes, seconds, limit_s, size) for family in families},
        "threads": torch.get_num_threads(),
    }


def _family(family: str, axes: Iterable[AxisName], seconds: float, limit_s: float, size: int) -> dict[str, Any]:
    found: dict[str, Any] = {"title": family_class(family).card.title}
    for axis in axes:
        if axis == "data":
            found[axis] = {"words": WORDS[axis], **measure_datasets(family, 10 * seconds, size)}
        else:
            found[axis] = {"words": WORDS[axis], **_axis(family, axis, seconds, limit_s, size)}
    return found


def _axis(family: str, axis: AxisName, seconds: float, limit_s: float, size: int) -> dict[str, Any]:
    values: list[int] = []
    measured: list[dict[str, Cost]] = []
    for point in points(family, axis, size):
        measured.append(costs(family, point, seconds, measured[-1] if measured else {}, limit_s))
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
        found[quantity] = {"unit": unit, "values": at, "measured": [factor * cost.measured for _, cost in there]}
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
