"""Logarithmic axis of a plot, labelled in plain numbers between powers of ten too."""

import math
from collections.abc import Iterator
from itertools import pairwise

import pyqtgraph  # type: ignore[import-untyped]

LABEL_GAP_PX = 24
"""Smallest distance of two labels."""
STEPS = (5.0, 2.0, 1.0)
MAX_CANDIDATES = 200
PLAIN = (1e-4, 1e6)
"""Numbers from here to below there are written without a power of ten."""
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


class LogAxis(pyqtgraph.AxisItem):  # type: ignore[misc]  # pyqtgraph has no types
    """Axis that follows ``setLogMode`` and labels a logarithmic range of any length."""

    def logTickValues(self, low: float, high: float, size: float, _linear: object) -> list[tuple[None, list[float]]]:
        """Logarithms of the numbers to label; called by pyqtgraph."""
        return [(None, log_ticks(low, high, LABEL_GAP_PX / max(size, 1.0)))]

    def logTickStrings(self, values: list[float], scale: float, _spacing: object) -> list[str]:
        """Texts of the labels; called by pyqtgraph."""
        return [plain_number(10.0**value * scale) for value in values]


def log_ticks(low: float, high: float, gap: float) -> list[float]:
    """Logarithms (base 10) of round numbers in a range, as many as keep their distance.

    Args:
        low: logarithm of the lower end.
        high: logarithm of the upper end.
        gap: smallest distance of two labels, as a share of the range.
    """
    best: list[float] = []
    for values in _candidates(low, high):
        ticks = [value for value in values if low <= value <= high]
        distances = [after - before for before, after in pairwise(ticks)]
        if len(ticks) > len(best) and min(distances, default=math.inf) >= gap * (high - low):
            best = ticks
    return best


def plain_number(value: float) -> str:
    """Text of a round number: ``80``, ``1.25``, ``0.001``; ``2·10⁻⁷`` only where zeros would have to be counted."""
    if value == 0 or PLAIN[0] <= abs(value) < PLAIN[1]:
        return f"{value:.9g}"
    mantissa, exponent = f"{value:.5e}".split("e")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPTS)
    mantissa = f"{float(mantissa):g}"
    return power if mantissa == "1" else f"{mantissa}·{power}"


def _candidates(low: float, high: float) -> Iterator[list[float]]:
    """Sets of logarithms of round numbers: powers of ten, also 2 and 5 times these, and multiples of a round step."""
    first, last = math.floor(low), math.ceil(high)
    for every in range(max(1, (last - first) // 4), 0, -1):
        yield [float(power) for power in range(first, last + 1) if power % every == 0]
    if last - first > MAX_CANDIDATES // 9:
        return
    for digits in ((1, 3), (1, 2, 5), (1, 2, 3, 5, 7)):
        yield [power + math.log10(digit) for power in range(first, last + 1) for digit in digits]
    start, end = 10.0**low, 10.0**high
    top = math.floor(math.log10(end - start)) if end > start else first
    for power in (top, top - 1):
        for step in STEPS:
            unit = step * 10.0**power
            numbers = range(math.ceil(start / unit), math.floor(end / unit) + 1) if unit else range(0)
            if len(numbers) <= MAX_CANDIDATES:
                yield [math.log10(number * unit) for number in numbers if number > 0]
