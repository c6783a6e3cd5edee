"""Colours of the points of a map: by class or by a value, and their colour table.

The table has the background, up to ``MOST`` colours, the same colours dimmed, and one for unknown values.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor

from gmstudio.media.heat import heat_table
from gmstudio.window.gui.theme import theme

MOST = 120
"""Different colours; classes beyond repeat them."""
UNKNOWN = 2 * MOST + 1
DIMMED_SHARE = 0.72
_SERIES = 8
_VARIANTS = (100, 160, 62)
"""Lightness of the second and third eight classes, percent of the first."""
_HEAT_DARK, _HEAT_LIGHT = (44, 256), (0, 222)
"""Part of the colour scale that stands out from the background."""


@dataclass(frozen=True, eq=False)
class MapColours:
    """Colour of each point.

    Args:
        codes: (N,) uint8: 0 hidden, 1 … ``MOST`` a colour, ``UNKNOWN`` no value.
        heat: the colours are a scale from low to high; otherwise they are of classes.
        text: further description of each point, for example its value; empty: there is none.
    """

    codes: NDArray[np.uint8]
    heat: bool = False


def class_colour(label: int) -> QColor:
    """Colour of a class; the first eight are those of curves, the next are lighter and darker."""
    base = theme().series(label)
    percent = _VARIANTS[label // _SERIES % len(_VARIANTS)]
    return base if percent == 100 else base.lighter(percent)


def class_codes(labels: NDArray[np.int64] | None, count: int, hidden: frozenset[int] = frozenset()) -> MapColours:
    """Colour points by class.

    Args:
        labels: (N,) int64; None: all points have one colour.
        count: number of points.
        hidden: classes that are not shown.
    """
    if labels is None:
        return MapColours(np.ones(count, np.uint8))
    codes = (labels % MOST + 1).astype(np.uint8)
    if hidden:
        codes[np.isin(labels, list(hidden))] = 0
    return MapColours(codes)


def value_codes(values: NDArray[np.float64], low: float, high: float) -> MapColours:
    """Colour points by value.

    Args:
        values: (N,); those that are not finite have the colour of unknown ones.
        low: value of the lowest colour; smaller values have it, too.
        high: value of the highest colour.
    """
    known = np.isfinite(values)
    span = high - low if high > low else 1.0
    share = np.clip((np.where(known, values, low) - low) / span, 0.0, 1.0)
    codes = (1 + np.round(share * (MOST - 1))).astype(np.uint8)
    codes[~known] = UNKNOWN
    return MapColours(codes, heat=True)


def value_range(values: NDArray[np.float64], low_percent: float, high_percent: float) -> tuple[float, float] | None:
    """Return the quantiles of finite values; None where there are none.

    Args:
        values: (N,).
        low_percent: 0 to 100.
        high_percent: 0 to 100.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    low, high = np.percentile(known, [min(low_percent, high_percent), max(low_percent, high_percent)])
    return float(low), float(high)


def heat_colour(share: float) -> QColor:
    """Colour of the scale at a share from 0 to 1."""
    low, high = _HEAT_DARK if theme().dark else _HEAT_LIGHT
    red, green, blue = heat_table()[round(low + (high - 1 - low) * share)].tolist()
    return QColor(red, green, blue)


def colour_table(*, heat: bool) -> list[int]:
    """Return the colour table of a map's picture, ``0xffRRGGBB``: 256 entries."""
    base = theme().color("base")
    plain = [heat_colour(index / (MOST - 1)) if heat else class_colour(index) for index in range(MOST)]
    dimmed = [_mixed(colour, base, DIMMED_SHARE) for colour in plain]
    table = [base, *plain, *dimmed, theme().color("muted")]
    table += [base] * (256 - len(table))
    return [colour.rgb() for colour in table]


def dimmed_codes(codes: NDArray[np.uint8], bright: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return codes in which all points but the bright ones are dimmed."""
    dim = ~bright & (codes >= 1) & (codes <= MOST)
    return np.where(dim, codes + MOST, codes).astype(np.uint8)


def _mixed(colour: QColor, other: QColor, share: float) -> QColor:
    return QColor.fromRgbF(
        colour.redF() * (1 - share) + other.redF() * share,
        colour.greenF() * (1 - share) + other.greenF() * share,
        colour.blueF() * (1 - share) + other.blueF() * share,
    )
