"""Made sets of the plane: curves, centres and squares with Gaussian noise.

All lie in the window from −4 to 4 on both axes, and have the sizes that are usual for flows in two dimensions
(W. Grathwohl, R. T. Q. Chen, J. Bettencourt, I. Sutskever and D. Duvenaud, FFJORD, ICLR 2019). A curve is a mixture of
many Gaussians along it, so that the probability of each cell is exact.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.points.components import Components

SIDE = 4.0
"""Half the side of the window, in units of the axes."""
PER_CURVE = 1200
"""Gaussians along a curve: neighbours are closer than a fifth of a cell of 256."""
USUAL_NOISE = {
    "moons": 0.2,
    "ring": 0.2,
    "pinwheel": 0.18,
    "swiss_roll": 0.16,
    "checkerboard": 0.0,
    "grid": 0.2,
    "spirals": 0.16,
}
"""Shape → standard deviation, in units of the axes."""
ARMS = 5
"""Of the pinwheel."""
GRID_SIDE, GRID_SPACING = 5, 1.5
Floats = NDArray[np.float64]


def made_components(shape: str, noise: float) -> tuple[Components, tuple[str, ...]]:
    """Return a shape of ``USUAL_NOISE`` as components, and the names of its classes (empty: it has none)."""
    return _MAKERS[shape](noise)


def _moons(noise: float) -> tuple[Components, tuple[str, ...]]:
    """Half circles of radius 2; those of radius 1 around (0, 0) and (1, 0.5), moved by (−0.5, −0.25) and doubled."""
    angle = np.pi * _midpoints(PER_CURVE)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    lower = np.stack([1 - np.cos(angle), 0.5 - np.sin(angle)], axis=1)
    centres = 2 * (np.concatenate([upper, lower]) - [0.5, 0.25])
    return _even(centres, noise, 2), ("upper moon", "lower moon")


def _ring(noise: float) -> tuple[Components, tuple[str, ...]]:
    angle = 2 * np.pi * _midpoints(2 * PER_CURVE)
    return _even(2.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1), noise, 1), ()


def _pinwheel(noise: float) -> tuple[Components, tuple[str, ...]]:
    """Arms whose radius is Gaussian, N(2, 0.6²), turned the further the larger it is: by e^(r/2) / 4."""
    radius = np.linspace(0.2, 3.8, PER_CURVE)
    weights = np.exp(-0.5 * np.square((radius - 2) / 0.6))
    parts = []
    for arm in range(ARMS):
        angle = 2 * np.pi * arm / ARMS + 0.25 * np.exp(radius / 2)
        parts.append(radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    classes = np.repeat(np.arange(ARMS), PER_CURVE)
    components = Components.gaussians(np.tile(weights, ARMS), np.concatenate(parts), np.array([noise]), classes)
    return components, tuple(f"arm {arm + 1}" for arm in range(ARMS))


def _swiss_roll(noise: float) -> tuple[Components, tuple[str, ...]]:
    """Spiral t (cos t, sin t) / 4, t uniform from 3π/2 to 9π/2."""
    t = 1.5 * np.pi * (1 + 2 * _midpoints(4 * PER_CURVE))
    return _even(0.25 * t[:, None] * np.stack([np.cos(t), np.sin(t)], axis=1), noise, 1), ()


def _spirals(noise: float) -> tuple[Components, tuple[str, ...]]:
    """Two arms of one and a half turns; the angle is the root of a uniform one, so that the arms are evenly thick."""
    t = 3 * np.pi * np.sqrt(_midpoints(2 * PER_CURVE))
    arm = t[:, None] / 3 * np.stack([-np.cos(t), np.sin(t)], axis=1)
    return _even(np.concatenate([arm, -arm]), noise, 2), ("first spiral", "second spiral")


def _checkerboard(noise: float) -> tuple[Components, tuple[str, ...]]:
    """Eight squares of side 2."""
    places = [(i, j) for i in range(4) for j in range(4) if (i + j) % 2 == 0]
    centres = 2.0 * np.array(places) - 3.0
    spread, widths = np.full_like(centres, noise), np.full_like(centres, 2.0)
    return Components(np.ones(len(centres)), centres, spread, widths, np.zeros(len(centres), np.int64)), ()


def _grid(noise: float) -> tuple[Components, tuple[str, ...]]:
    steps = GRID_SPACING * (np.arange(GRID_SIDE) - (GRID_SIDE - 1) / 2)
    centres = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    count = len(centres)
    components = Components.gaussians(np.ones(count), centres, np.array([noise]), np.arange(count))
    return components, tuple(f"mode {number + 1}" for number in range(count))


def _even(centres: Floats, noise: float, num_classes: int) -> Components:
    """Gaussians of equal weight; the classes follow one another."""
    classes = np.repeat(np.arange(num_classes), len(centres) // num_classes)
    return Components.gaussians(np.ones(len(centres)), centres, np.array([noise]), classes)


def _midpoints(count: int) -> Floats:
    result: Floats = (np.arange(count) + 0.5) / count
    return result


_MAKERS: dict[str, Callable[[float], tuple[Components, tuple[str, ...]]]] = {
    "moons": _moons,
    "ring": _ring,
    "pinwheel": _pinwheel,
    "swiss_roll": _swiss_roll,
    "checkerboard": _checkerboard,
    "grid": _grid,
    "spirals": _spirals,
}
