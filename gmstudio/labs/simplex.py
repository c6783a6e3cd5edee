"""Probabilities that a person types: refused below zero, divided by their sum."""

import numpy as np

from gmstudio.labs.base import Numbers

TOLERANCE = 1e-9


def normalized(values: Numbers, name: str = "probability") -> tuple[Numbers, str]:
    """Return probabilities proportional to typed numbers, and a sentence where they had to be changed.

    Args:
        values: of any shape.
        name: of one of them in a sentence.

    Raises:
        ValueError: when one is below 0, or all are 0.
    """
    if (values < 0).any():
        raise ValueError(f"A {name} is {float(values.min()):g}; type 0 or more.")
    total = float(values.sum())
    if total <= 0:
        raise ValueError(f"Each {name} is 0 and they cannot sum to 1; type at least one number above 0.")
    if abs(total - 1.0) <= TOLERANCE:
        return np.array(values), ""
    return values / total, f"The numbers summed to {total:.6g}; each was divided by it, so that they sum to 1."
