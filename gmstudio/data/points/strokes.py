"""The density of a drawing (``gmstudio.protocol.strokes``).

A stroke has a soft profile across, exp(−d²/2r²) at the distance d from its line, r its radius: where strokes cross, the
larger value holds. An eraser takes the share of its profile away from what was drawn before.
"""

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.strokes import Stroke

Floats = NDArray[np.float64]

FINE = 256
"""Cells along a side of the grid on which the profile is computed: those of the finest grid of points."""
SPACING = 0.25
"""Distance of dabs in radii: between two of them the profile is lower than a line's by less than a hundredth."""
MANY_DABS = 4000
"""Dabs above which those that nearly coincide are drawn once, at the places of a lattice."""
_REACH = 4.0
"""Radii beyond which a dab is 0."""
EMPTY = "Nothing is drawn. Draw a stroke with the brush, or choose another shape."


def stroke_density(strokes: list[Stroke], levels: int) -> Floats:
    """Mass of each cell, (L, L) with row x₂ and column x₁, not normalized: the profile, summed within each cell.

    Args:
        strokes: in the order in which they were drawn.
        levels: L, a divisor of ``FINE``.
    """
    fine = np.zeros((FINE, FINE))
    for (radius, erases), alike in groupby(strokes, key=lambda stroke: (stroke.radius, stroke.erases)):
        profile = _profile([stroke.points for stroke in alike], radius)
        if erases:
            fine *= 1 - profile
        else:
            np.maximum(fine, profile, out=fine)
    each = FINE // levels
    summed: Floats = fine.reshape(levels, each, levels, each).sum(axis=(1, 3))
    return summed


def _profile(lines: list[Floats], radius: float) -> Floats:
    """(FINE, FINE) profile of lines: the largest of round dabs close to one another."""
    profile = np.zeros((FINE, FINE))
    centres = (np.arange(FINE) + 0.5) / FINE
    spacing = SPACING * radius
    dabs = np.concatenate([_spaced(points, spacing) for points in lines])
    if len(dabs) > MANY_DABS:
        dabs = np.unique(np.rint(dabs / spacing), axis=0) * spacing
    starts = np.searchsorted(centres, dabs - _REACH * radius)
    stops = np.searchsorted(centres, dabs + _REACH * radius)
    for (x, y), (left, bottom), (right, top) in zip(dabs, starts, stops, strict=True):
        across = np.exp(-0.5 * np.square((centres[left:right] - x) / radius))
        up = np.exp(-0.5 * np.square((centres[bottom:top] - y) / radius))
        part = profile[bottom:top, left:right]
        np.maximum(part, up[:, None] * across, out=part)
    return profile


def _spaced(points: Floats, spacing: float) -> Floats:
    """(M, 2) places along a line at about equal distances of at most ``spacing``, its ends among them."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    places = np.linspace(0.0, along[-1], int(np.ceil(along[-1] / spacing)) + 1)
    return np.stack([np.interp(places, along, points[:, axis]) for axis in range(2)], axis=1)
