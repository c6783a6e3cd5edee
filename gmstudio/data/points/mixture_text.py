"""Mixtures of Gaussians as text: a weight, the means and the standard deviations of each component."""

import math
from dataclasses import dataclass

import numpy as np

from gmstudio.data.points.components import Components
from gmstudio.protocol.config import ConfigError

MAX_TEXT = 8000
MAX_COMPONENTS = 200
WEIGHT_TOLERANCE = 1e-6
MARGIN = 4.0
"""Standard deviations between the outermost means and the ends of the axes."""


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture.

    Args:
        components: its K Gaussians, each a class of its own; the weights sum to 1.
        weight_sum: of the weights as they were written.
        ends: of the axes, which hold all components.
    """

    components: Components
    weight_sum: float
    ends: tuple[tuple[float, float], ...]


def parse_mixture(text: str, dims: int, field: str) -> Mixture:
    """Read components that are separated by semicolons, each ``weight mean … deviation …``.

    Args:
        text: for example ``0.3 -2 0.4; 0.7 1 0.9`` of one dimension.
        dims: 1 or 2 means and deviations of each.
        field: name of the setting, for refusals.

    Raises:
        ConfigError: when a component is incomplete, a number is none, or a weight or deviation is negative.
    """
    if len(text) > MAX_TEXT:
        raise _refusal(field, f"The text has {len(text):,} characters; at most {MAX_TEXT:,} are read. Shorten it.")
    written = [part for part in text.replace("\n", ";").split(";") if part.strip()]
    if not written:
        raise _refusal(field, f"Components is empty; write one, for example {_example(dims)}.")
    if len(written) > MAX_COMPONENTS:
        raise _refusal(
            field, f"There are {len(written)} components; at most {MAX_COMPONENTS} are read. Leave some out."
        )
    rows = np.array([_row(part, number, dims, field) for number, part in enumerate(written, start=1)])
    weights, means, deviations = rows[:, 0], rows[:, 1 : 1 + dims], rows[:, 1 + dims :]
    total = float(weights.sum())
    if not total > 0:
        raise _refusal(field, "All weights are 0; enter one above 0.")
    components = Components.gaussians(weights / total, means, deviations, np.arange(len(rows)))
    low, high = (means - MARGIN * deviations).min(axis=0), (means + MARGIN * deviations).max(axis=0)
    return Mixture(components, total, tuple(_rounded_ends(float(a), float(b)) for a, b in zip(low, high, strict=True)))


def _row(part: str, number: int, dims: int, field: str) -> list[float]:
    fields = part.replace(",", " ").split()
    wanted = 1 + 2 * dims
    if len(fields) != wanted:
        numbers = "1 number" if len(fields) == 1 else f"{len(fields)} numbers"
        raise _refusal(
            field,
            f"Component {number} ({part.strip()[:40]!r}) has {numbers}, not {wanted}: write weight, mean and standard "
            f"deviation, for example {_example(dims)}.",
        )
    values = []
    for text in fields:
        try:
            values.append(float(text))
        except ValueError:
            values.append(math.nan)
        if not math.isfinite(values[-1]) or abs(values[-1]) > 1e6:
            raise _refusal(
                field,
                f"{text[:40]!r} of component {number} is no number from −1,000,000 to 1,000,000. Use decimal points.",
            )
    if values[0] < 0:
        raise _refusal(field, f"The weight of component {number} is {values[0]:g}; it must be 0 or more.")
    for deviation in values[1 + dims :]:
        if deviation < 1e-6:
            raise _refusal(
                field, f"A standard deviation of component {number} is {deviation:g}; it must be 0.000001 or more."
            )
    return values


def _rounded_ends(low: float, high: float) -> tuple[float, float]:
    """Ends on multiples of a tenth of their distance's power of ten, outside ``low`` and ``high``."""
    step = 10.0 ** math.floor(math.log10((high - low) / 2)) / 2
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _example(dims: int) -> str:
    return "0.3 -2 0.4; 0.7 1 0.9" if dims == 1 else "0.5 -1 0 0.8 0.5; 0.5 2 1 0.4 0.9"


def _refusal(field: str, sentence: str) -> ConfigError:
    return ConfigError({field: sentence})
