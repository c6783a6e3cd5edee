"""Layers and canvases for the tests of planes."""

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Dots, Heat
from gmstudio.protocol.points import PointAxis

X1, X2 = PointAxis("x₁", -4.0, 4.0), PointAxis("x₂", -2.0, 2.0)


def heat(values: NDArray[np.floating], **options: object) -> Heat:
    """Map over X1 and X2."""
    return Heat(name="p(x)", values=Array.of(values.astype(np.float32)), extent=(-4, 4, -2, 2), **options)  # type: ignore[arg-type]


def dots(count: int, seed: int = 0) -> Dots:
    """Normal points."""
    return Dots(name="data", points=Array.of(np.random.default_rng(seed).normal(size=(count, 2))))
