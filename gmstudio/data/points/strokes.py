"""A density drawn by hand: strokes as text, and the density that they make.

Text: strokes separated by semicolons, each ``radius x,y x,y …``: whole thousandths of the side of the window, from its
lower left corner; a minus sign before the radius erases. ``40 200,500 800,500; -20 500,500`` is a line with a hole.

A stroke has a soft profile across, exp(−d²/2r²) at the distance d from its line, r its radius: where strokes cross, the
larger value holds. An eraser takes the share of its profile away from what was drawn before.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.config import ConfigError

Floats = NDArray[np.float64]

UNIT = 1000
"""Steps of the coordinates along a side."""
MAX_CHARACTERS = 80_000
MAX_STROKES = 2000
MAX_STROKE_POINTS = 6000
"""Of all strokes together."""
RADII = (4, 200)
"""Smallest and largest radius, in thousandths of the side."""
FINE = 256
"""Cells along a side of the grid on which the profile is computed: those of the finest grid of points."""
_REACH = 4.0
"""Radii beyond which a profile is 0."""
_STROKE = re.compile(r"(-?)(\d{1,4})((?:\s+\d{1,4},\d{1,4})+)")
EMPTY = "Nothing is drawn. Draw a stroke with the brush, or choose another shape."


@dataclass(frozen=True, eq=False)
class Stroke:
    """A stroke of the brush or of the eraser.

    Args:
        radius: of the profile, in sides of the window.
        points: (N, 2) places on the line, 0 to 1 from the lower left corner.
        erases: it takes away.
    """

    radius: float
    points: Floats
    erases: bool = False


def parse_strokes(text: str) -> list[Stroke]:
    """Read strokes from their text; an empty text has none.

    Raises:
        ConfigError: when the text is no list of strokes, or too long.
    """
    if len(text) > MAX_CHARACTERS:
        raise _refusal(f"The drawing has {len(text):,} characters; at most {MAX_CHARACTERS:,} are read. Draw less.")
    written = [part.strip() for part in text.split(";") if part.strip()]
    if len(written) > MAX_STROKES:
        raise _refusal(f"The drawing has {len(written):,} strokes; at most {MAX_STROKES:,} are read. Draw fewer.")
    strokes = [_stroke(part, number) for number, part in enumerate(written, start=1)]
    count = sum(len(stroke.points) for stroke in strokes)
    if count > MAX_STROKE_POINTS:
        raise _refusal(f"The strokes have {count:,} points; at most {MAX_STROKE_POINTS:,} are read. Draw less.")
    return strokes


def _stroke(part: str, number: int) -> Stroke:
    match = _STROKE.fullmatch(part)
    if match is None:
        raise _refusal(
            f"Stroke {number} ({part[:40]!r}) is none: write a radius and points in thousandths of the side, for "
            "example 40 200,500 800,500."
        )
    radius = int(match[2])
    if not RADII[0] <= radius <= RADII[1]:
        raise _refusal(f"The radius of stroke {number} is {radius}; it must be from {RADII[0]} to {RADII[1]}.")
    points = np.array([[int(v) for v in pair.split(",")] for pair in match[3].split()], float)
    if points.max() > UNIT:
        raise _refusal(f"Stroke {number} has the coordinate {points.max():g}; the window ends at {UNIT}.")
    return Stroke(radius / UNIT, points / UNIT, erases=bool(match[1]))


def stroke_density(strokes: list[Stroke], levels: int) -> Floats:
    """Mass of each cell, (L, L) with row x₂ and column x₁, not normalized: the profile, summed within each cell.

    Args:
        strokes: in the order in which they were drawn.
        levels: L, a divisor of ``FINE``.
    """
    fine = np.zeros((FINE, FINE))
    for stroke in strokes:
        _draw(fine, stroke)
    each = FINE // levels
    summed: Floats = fine.reshape(levels, each, levels, each).sum(axis=(1, 3))
    return summed


def _draw(fine: Floats, stroke: Stroke) -> None:
    """Draw one stroke onto (FINE, FINE) profile values, in place."""
    own = np.full_like(fine, np.inf)
    centres = (np.arange(FINE) + 0.5) / FINE
    reach = _REACH * stroke.radius
    points = stroke.points
    for begin, end in zip(points[: max(1, len(points) - 1)], points[1:] if len(points) > 1 else points, strict=True):
        low, high = np.minimum(begin, end) - reach, np.maximum(begin, end) + reach
        (left, bottom), (right, top) = np.searchsorted(centres, low), np.searchsorted(centres, high)
        if left == right or bottom == top:
            continue
        part = own[bottom:top, left:right]
        np.minimum(part, _squared_distances(centres[left:right], centres[bottom:top], begin, end), out=part)
    profile = np.where(own < reach**2, np.exp(-0.5 * own / stroke.radius**2), 0.0)
    if stroke.erases:
        fine *= 1 - profile
    else:
        np.maximum(fine, profile, out=fine)


def _squared_distances(x: Floats, y: Floats, begin: Floats, end: Floats) -> Floats:
    """(Y, X) squared distances of places from the line from ``begin`` to ``end``."""
    along = end - begin
    length = float(along @ along)
    dx, dy = x[None, :] - begin[0], y[:, None] - begin[1]
    share = np.clip((dx * along[0] + dy * along[1]) / length, 0.0, 1.0) if length else np.zeros((1, 1))
    result: Floats = np.square(dx - share * along[0]) + np.square(dy - share * along[1])
    return result


def _refusal(sentence: str) -> ConfigError:
    return ConfigError({"strokes": sentence})
