"""Scales of coordinate sliders: σ, a Gaussian quantile, or a number from 0 to 1."""

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

from gmstudio.window.gui.widgets.number_input import parse_number

_NORMAL = NormalDist()


@dataclass(frozen=True)
class SliderScale:
    """Conversion between coordinates, integer slider ticks and text.

    Args:
        kind: ``linear``: tick / ``per_unit``; ``quantile``: the coordinate below which a standard normal falls in
            tick / ``per_unit`` percent of its draws.
        low: first tick.
        high: last tick.
        per_unit: ticks per unit.
        step: ticks of an arrow key.
        page: ticks of Page Up.
        marks: ticks that are marked on the track.
        heads: ticks with labels, and the labels.
        least: smallest coordinate that can be typed.
        most: largest.
    """

    kind: Literal["linear", "quantile"]
    low: int
    high: int
    per_unit: int
    step: int
    page: int
    marks: tuple[int, ...]
    heads: tuple[tuple[int, str], ...]
    least: float
    most: float

    def value(self, tick: float) -> float:
        """Coordinate at a tick."""
        if self.kind == "linear":
            return tick / self.per_unit
        return round(_NORMAL.inv_cdf(tick / self.per_unit / 100), 4)

    def tick(self, value: float) -> float:
        """Position of a coordinate in ticks, also beyond the ends."""
        if self.kind == "linear":
            return value * self.per_unit
        return _NORMAL.cdf(value) * 100 * self.per_unit

    def beyond(self, value: float) -> int:
        """Side on which a coordinate exceeds the ticks: -1 below the first, 1 beyond the last, 0 between."""
        tick = self.tick(value)
        return -1 if tick < self.low - 0.5 else 1 if tick > self.high + 0.5 else 0

    @property
    def zero(self) -> int:
        """Tick of the coordinate 0."""
        return round(self.tick(0.0))

    def format(self, value: float) -> str:
        """Format a coordinate for the field."""
        if self.kind == "linear":
            return f"{value:.2f}".replace("-0.00", "0.00")
        return f"{100 * _NORMAL.cdf(value):.1f}%"

    def read(self, typed: str) -> float:
        """Parse a typed coordinate by the rule of ``parse_number``.

        Raises:
            ValueError: for text that is no number, ambiguous, or a number beyond the limits.
        """
        number = parse_number(typed.strip().removesuffix("%").removesuffix("σ"), integer=False)
        low, high = (0.1, 99.9) if self.kind == "quantile" else (self.least, self.most)
        if not low <= number <= high:
            raise ValueError(f"“{typed.strip()}” is out of range.")
        return self.value(number * self.per_unit) if self.kind == "quantile" else number

    @property
    def limits(self) -> str:
        """Description of the values that can be typed."""
        if self.kind == "quantile":
            return "a percentage from 0.1 to 99.9 (quantile of the normal prior)"
        unit = " (σ)" if self.most > 1 else ""
        return f"a number from {self.least:g} to {self.most:g}{unit}"

    def stepped(self, value: float, steps: int) -> float:
        """Coordinate moved by a number of arrow-key steps, within the limits."""
        moved = self.value(min(self._last, max(self._first, self.tick(value) + steps * self.step)))
        return min(self.most, max(self.least, moved if math.isfinite(moved) else value))

    @property
    def _first(self) -> float:
        return self.low if self.kind == "quantile" else self.tick(self.least)

    @property
    def _last(self) -> float:
        return self.high if self.kind == "quantile" else self.tick(self.most)


SIGMA = SliderScale(
    kind="linear",
    low=-300,
    high=300,
    per_unit=100,
    step=10,
    page=100,
    marks=tuple(range(-300, 301, 100)),
    heads=((-300, "-3σ"), (0, "0"), (300, "3σ")),
    least=-6.0,
    most=6.0,
)
QUANTILE = SliderScale(
    kind="quantile",
    low=1,
    high=999,
    per_unit=10,
    step=10,
    page=100,
    marks=(1, 250, 500, 750, 999),
    heads=((1, "0.1 %"), (500, "50 %"), (999, "99.9 %")),
    least=-6.0,
    most=6.0,
)
SHARE = SliderScale(
    kind="linear",
    low=0,
    high=100,
    per_unit=100,
    step=5,
    page=25,
    marks=(0, 25, 50, 75, 100),
    heads=((0, "0"), (50, "½"), (100, "1")),
    least=0.0,
    most=1.0,
)
