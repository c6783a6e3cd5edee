"""Exponents of growth: the slope of a line through the logarithms."""

from collections.abc import Sequence

import numpy as np


def exponent(values: Sequence[float], costs: Sequence[float]) -> float:
    """Slope b of the least-squares line log cost = a + b · log value: cost grows like value to the power of b.

    Args:
        values: on the axis, above 0, two or more different ones.
        costs: measured or counted there, above 0.

    Raises:
        ValueError: when there are fewer than two points, or a number is not above 0.
    """
    x, y = np.asarray(values, dtype=np.float64), np.asarray(costs, dtype=np.float64)
    if len(x) < 2 or len(x) != len(y) or len(set(x.tolist())) < 2:
        raise ValueError(f"{len(x)} values and {len(y)} costs determine no exponent; measure two points or more.")
    if not ((x > 0).all() and (y > 0).all()):
        raise ValueError("An exponent needs values and costs above 0.")
    x, y = np.log(x), np.log(y)
    x = x - x.mean()
    return float((x * (y - y.mean())).sum() / (x * x).sum())
