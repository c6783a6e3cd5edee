"""Ten marks of labels in scatter plots, distinct in shape as well as in colour."""

import math

Polygon = tuple[tuple[float, float], ...]
"""Corners x, y; y grows downwards."""


def _regular(corners: int, turn: float, radius: float = 1.0) -> Polygon:
    angles = [turn + 2 * math.pi * corner / corners for corner in range(corners)]
    return tuple((radius * math.sin(angle), -radius * math.cos(angle)) for angle in angles)


def _star() -> Polygon:
    outer, inner = _regular(5, 0.0, 1.25), _regular(5, math.pi / 5, 0.5)
    return tuple(corner for pair in zip(outer, inner, strict=True) for corner in pair)


def _plus(width: float, turn: float) -> Polygon:
    arm = [(width, width), (width, 1.15), (-width, 1.15), (-width, width)]
    corners: list[tuple[float, float]] = []
    for quarter in range(4):
        angle = turn + quarter * math.pi / 2
        sine, cosine = math.sin(angle), math.cos(angle)
        corners += [(x * cosine - y * sine, x * sine + y * cosine) for x, y in arm[:3]]
    return tuple(corners)


def _bar(width: float, height: float) -> Polygon:
    return ((-width, -height), (width, -height), (width, height), (-width, height))


MARKS: tuple[Polygon, ...] = (
    _regular(16, 0.0),
    _bar(0.9, 0.9),
    _regular(3, 0.0, 1.25),
    ((0.0, -1.3), (0.8, 0.0), (0.0, 1.3), (-0.8, 0.0)),
    _regular(3, math.pi, 1.25),
    _plus(0.38, 0.0),
    _star(),
    _plus(0.38, math.pi / 4),
    _bar(1.2, 0.5),
    _bar(0.5, 1.2),
)
"""About one unit around (0, 0): disc, square, triangle, diamond, triangle upside down, plus, star, cross, two bars."""


def mark_of(label: int) -> Polygon:
    """Return the mark of a label; they repeat after ten."""
    return MARKS[label % len(MARKS)]
