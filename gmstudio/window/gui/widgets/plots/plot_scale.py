"""Scale of one axis of a plot: linear or logarithmic."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HEADROOM = 1.05
"""Upper end of the scale of bars, as a multiple of the tallest."""


def ticks(low: float, high: float, count: int = 4) -> list[float]:
    """Round numbers between two ends, about ``count`` of them."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low:
        return [low]
    raw = (high - low) / count
    decade = 10.0 ** math.floor(math.log10(raw))
    step = next(decade * factor for factor in (1, 2, 5, 10) if decade * factor >= raw)
    first = math.ceil(low / step - 1e-9)
    return [number * step for number in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class PlotScale:
    """Ends of an axis.

    Args:
        low: lower end; above 0 where the axis is logarithmic.
        high: upper end, above the lower one.
        log: the axis is logarithmic.
    """

    low: float
    high: float
    log: bool = False

    @classmethod
    def of(
        cls, values: Floats, ends: tuple[float, float] | None, *, log: bool = False, with_zero: bool = False
    ) -> "PlotScale":
        """Scale for values.

        Args:
            values: of all lines; those that have no place are left out.
            ends: of the axis; None: as the values need.
            log: logarithmic; then only positive values have a place.
            with_zero: zero belongs to a linear axis.
        """
        known = values[np.isfinite(values) & ((values > 0) | (not log))]
        if with_zero and not log:
            known = np.append(known, 0.0)
        low, high = ends or (float(known.min(initial=np.inf)), float(known.max(initial=-np.inf)))
        if log and low <= 0:
            low = min(1.0, high / 10) if high > 0 else 1.0
        if not (math.isfinite(low) and math.isfinite(high)):
            low = 1.0 if log else 0.0
            high = low
        if high <= low:
            high = low * 10.0 if log else low + 1.0
        return cls(low, high, log)

    def shares(self, values: Floats) -> Floats:
        """Positions of values: 0 at the lower end, 1 at the upper; NaN where a value has no place."""
        if not self.log:
            return (values - self.low) / (self.high - self.low)
        logs = np.log(np.where(values > 0, values, np.nan))
        shares: Floats = (logs - math.log(self.low)) / math.log(self.high / self.low)
        return shares

    def value(self, share: float) -> float:
        """Value at a position."""
        if self.log:
            return self.low * math.exp(share * math.log(self.high / self.low))
        return self.low + share * (self.high - self.low)

    def labels(self, count: int) -> list[tuple[float, str]]:
        """Round numbers to write: position and text of each, about ``count``."""
        if self.log:
            from gmstudio.window.gui.widgets.plots.log_axis import log_ticks, plain_number

            low, high = math.log10(self.low), math.log10(self.high)
            every = math.ceil((high - low) / (count + 1))
            whole = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
            powers = [power for power in whole if power % every == 0]
            if len(powers) < 2:  # less than two powers of ten: other round numbers too
                values = sorted(10.0**log for log in log_ticks(low, high, 0.5 / count))
            else:
                values = [10.0**power for power in powers]
            texts = [plain_number(value) for value in values]
        else:
            values = ticks(self.low, self.high, count)
            texts = [
                f"{value:.6g}".replace("-", "−") if abs(value) > 1e-9 * (self.high - self.low) else "0"
                for value in values
            ]
        return list(zip(self.shares(np.array(values)).tolist(), texts, strict=True))
