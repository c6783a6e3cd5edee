"""Metrics: a number's name, symbol, unit and relation, apart from its value and from how it is displayed."""

from typing import Literal

import msgspec

from gmstudio.protocol.array import Array

Relation = Literal["=", "≥", "≤", "≈"]


class Metric(msgspec.Struct, frozen=True):
    """A quantity that is computed of codes, images or states.

    Args:
        name: in words, for example ``free energy``.
        symbol: as the literature writes it, for example ``log p(x)``; empty: it has none.
        unit: for example ``nats``; empty: none.
        relation: of the quantity to the value: ``≥`` where the value is a lower bound of it, ``≈`` an estimate.
        help: definition, one sentence.
    """

    name: str
    symbol: str = ""
    unit: str = ""
    relation: Relation = "="
    help: str = ""

    @property
    def title(self) -> str:
        """Symbol, or name where there is none, with the unit in parentheses: ``free energy (nats)``."""
        shown = self.symbol or self.name
        return f"{shown} ({self.unit})" if self.unit else shown


class MetricValues(msgspec.Struct, frozen=True):
    """Values of one metric.

    Args:
        metric: the quantity.
        values: float32, of the shape that the message says.
    """

    metric: Metric
    values: Array


DISTANCE = Metric(
    name="distance from the start",
    unit="RMS",
    help="Root mean square difference of the pixels (0 … 1) from the image that the chain started at.",
)
