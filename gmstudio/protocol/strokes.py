"""A drawing as text: the strokes whose soft profiles make a density of points.

Text: strokes separated by semicolons, each ``radius x,y x,y …``: whole thousandths of the side of the window, from its
lower left corner; a minus sign before the radius erases. ``40 200,500 800,500; -20 500,500`` is a line with a hole.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gmstudio.protocol.config import ConfigError

Floats = NDArray[np.float64]

WINDOW = (-4.0, 4.0)
"""Ends of both axes of a drawing."""
UNIT = 1000
"""Steps of the coordinates along a side."""
MAX_CHARACTERS = 80_000
MAX_STROKES = 2000
MAX_STROKE_POINTS = 6000
"""Of all strokes together."""
RADII = (4, 200)
"""Smallest and largest radius, in thousandths of the side."""
TOLERANCE = 1.5
"""Distance from the line, in thousandths, below which a point of a stroke is left out of its text."""
_STROKE = re.compile(r"(-?)(\d{1,4})((?:\s+\d{1,4},\d{1,4})+)")


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
        ConfigError: of the field ``strokes``, when the text is no list of strokes, or too long.
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


def stroke_text(stroke: Stroke) -> str:
    """Text of a stroke; points that lie on the line between others are left out."""
    radius = min(max(round(stroke.radius * UNIT), RADII[0]), RADII[1])
    places = np.clip(np.rint(stroke.points * UNIT), 0, UNIT).astype(int)
    kept = _corners(places.astype(float))
    pairs = " ".join(f"{x},{y}" for x, y in places[kept])
    return f"{'-' if stroke.erases else ''}{radius} {pairs}"


def with_strokes(text: str, strokes: Sequence[Stroke]) -> str:
    """Text of a drawing with more strokes."""
    return "; ".join(filter(None, (text.strip().rstrip(";"), *map(stroke_text, strokes))))


def _corners(points: Floats) -> list[int]:
    """Indices of the points that a line within ``TOLERANCE`` needs (Ramer 1972; Douglas & Peucker 1973)."""
    kept, waiting = {0, len(points) - 1}, [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        distances = _distances(points[first + 1 : last], points[first], points[last])
        farthest = int(distances.argmax())
        if distances[farthest] > TOLERANCE:
            middle = first + 1 + farthest
            kept.add(middle)
            waiting += [(first, middle), (middle, last)]
    return sorted(kept)


def _distances(points: Floats, begin: Floats, end: Floats) -> Floats:
    along = end - begin
    length = float(along @ along)
    share = np.clip((points - begin) @ along / length, 0, 1) if length else np.zeros(len(points))
    result: Floats = np.linalg.norm(points - begin - share[:, None] * along, axis=1)
    return result


def _stroke(part: str, number: int) -> Stroke:
    match = _STROKE.fullmatch(part)
    if match is None:
        raise _refusal(
            f"Stroke {number} is {part[:40]!r}: write a radius and points in thousandths of the side, for "
            "example 40 200,500 800,500."
        )
    radius = int(match[2])
    if not RADII[0] <= radius <= RADII[1]:
        raise _refusal(f"The radius of stroke {number} is {radius}; it must be from {RADII[0]} to {RADII[1]}.")
    points = np.array([[int(v) for v in pair.split(",")] for pair in match[3].split()], float)
    if points.max() > UNIT:
        raise _refusal(f"Stroke {number} has the coordinate {points.max():g}; the window ends at {UNIT}.")
    return Stroke(radius / UNIT, points / UNIT, erases=bool(match[1]))


def _refusal(sentence: str) -> ConfigError:
    return ConfigError({"strokes": sentence})
