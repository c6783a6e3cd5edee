"""Layers that show points and the distribution that they were drawn from; words on both."""

import math

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.array import Array
from gmstudio.protocol.plane_layers import Dots, Heat, Paths, PlaneLayer
from gmstudio.protocol.points import PointAxis, PointsDescribed

MOST_UNLIKE = 3.0
"""Ratio of the lengths of two axes up to which they have one scale."""
HEADROOM = 1.08
"""Upper end of the axis of probabilities, in the largest one."""
_SPREAD_SEED = 1
Floats = NDArray[np.float64]


def plane_axes(described: PointsDescribed) -> tuple[PointAxis, PointAxis]:
    """Horizontal and vertical axis; of points of a line, the vertical one has their probability in a cell."""
    if len(described.axes) == 2:
        return described.axes[0], described.axes[1]
    return described.axes[0], PointAxis("probability of a cell", 0.0, HEADROOM * _highest(described))


def are_alike(axes: tuple[PointAxis, ...]) -> bool:
    """Whether a unit should be as long on both axes: not on those of a table with other ranges, nor on a line."""
    lengths = [axis.high - axis.low for axis in axes]
    return len(axes) == 2 and max(lengths) <= MOST_UNLIKE * min(lengths)


def layers_of(described: PointsDescribed, *, density: bool, points: bool) -> list[PlaneLayer]:
    """Layers of points: map of the distribution and dots, or on a line its probabilities and the shares of the points.

    Args:
        described: the points.
        density: show the distribution, where it is known.
        points: show the points.
    """
    layers: list[PlaneLayer] = []
    if len(described.axes) == 1:
        if points:
            shares = _shares(described)
            name = f"share of {_counted(described)}"
            layers.append(Paths(name=name, points=_steps(described.axes[0], shares), series=-1))
        if density and described.truth is not None:
            truth = described.truth.numpy()[0].astype(float)
            steps = _steps(described.axes[0], truth)
            layers.insert(0, Paths(name="p*(x)", points=steps, series=0, filled=True))
        return layers
    across, up = described.axes
    if density and described.truth is not None:
        extent = (across.low, across.high, up.low, up.high)
        layers.append(Heat(name="p*(x)", values=described.truth, extent=extent))
    if points:
        layers.append(_dots(described))
    return layers


def _dots(described: PointsDescribed) -> Dots:
    """Points as dots, each at a place of its own within its cell."""
    levels = described.points.numpy().astype(float)
    spread = np.random.RandomState(_SPREAD_SEED).random_sample(levels.shape)
    places = np.stack(
        [
            axis.low + (levels[:, d] + spread[:, d]) * (axis.high - axis.low) / described.image.levels
            for d, axis in enumerate(described.axes)
        ],
        axis=1,
    )
    return Dots(
        name=_counted(described), points=Array.of(places.astype(np.float32)), series=-1, groups=described.labels
    )


def _counted(described: PointsDescribed) -> str:
    """Number of points that are shown, in words."""
    count, total = described.points.shape[0], described.sizes["train"]
    return f"{count:,} training points" if count == total else f"{count:,} of {total:,} training points"


def _shares(described: PointsDescribed) -> Floats:
    counts = np.bincount(described.points.numpy()[:, 0], minlength=described.image.levels)
    shares: Floats = counts / max(1, counts.sum())
    return shares


def _highest(described: PointsDescribed) -> float:
    truth = 0.0 if described.truth is None else float(described.truth.numpy().max())
    return max(truth, float(_shares(described).max())) or 1.0


def _steps(axis: PointAxis, values: Floats) -> Array:
    """Outline (1, T, 2) of bars over the cells of an axis."""
    edges = np.linspace(axis.low, axis.high, len(values) + 1)
    x = np.repeat(edges, 2)
    y = np.concatenate([[0.0], np.repeat(values, 2), [0.0]])
    return Array.of(np.stack([x, y], axis=1)[None].astype(np.float32))


def numbers_text(described: PointsDescribed) -> str:
    """Entropy, and the cells that training points occupy, in one line."""
    dims, levels = len(described.axes), described.image.levels
    cells = f"{levels}×{levels}" if dims == 2 else f"{levels}"
    entropy = "p* is unknown"
    if described.entropy is not None:
        most = dims * math.log(levels)
        entropy = f"Entropy of p* {described.entropy:.3f} nats (uniform: {most:.3f})"
    return f"{entropy} · {100 * described.occupied:.3g} % of {cells} cells occupied"
