"""Options that several commands share."""

import math
from typing import Annotated

import typer

from gmstudio.protocol.training_settings import MAX_SEED

DeviceOption = Annotated[
    str, typer.Option("--device", help="Device: auto (CUDA, then MPS, then CPU), cpu, cuda, cuda:1 or mps.")
]


AcceptChangedOption = Annotated[
    bool,
    typer.Option("--accept-changed-data", help="Use the run's data though they differ from those it was trained on."),
]


class Whole:
    """Parser of whole numbers within limits; another one is refused with the value, the limits and the remedy.

    Args:
        low: smallest value.
        high: largest value.
        remedy: what to do instead, a sentence.
    """

    __name__ = "integer"

    def __init__(self, low: int, high: int, remedy: str) -> None:
        self.low, self.high, self.remedy = low, high, remedy

    def __call__(self, value: str | int) -> int:
        """Parse and check a value."""
        try:
            number = int(value)
        except ValueError:
            number = self.low - 1
        if not self.low <= number <= self.high:
            raise typer.BadParameter(f"{value} is no whole number from {self.low:,} to {self.high:,}. {self.remedy}")
        return number


class Real:
    """Parser of numbers within limits, see ``Whole``; NaN is none."""

    __name__ = "number"

    def __init__(self, low: float, high: float, remedy: str) -> None:
        self.low, self.high, self.remedy = low, high, remedy

    def __call__(self, value: str | float) -> float:
        """Parse and check a value."""
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not self.low <= number <= self.high:
            raise typer.BadParameter(f"{value} is no number from {self.low:g} to {self.high:g}. {self.remedy}")
        return number


SEED = Whole(0, MAX_SEED, "Choose another seed.")


def parse_setting(text: str) -> tuple[str, str | None]:
    """Split ``field=value``; an empty value is None.

    Raises:
        ValueError: without an equals sign.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"--set {text}: write field=value.")
    return name.strip(), value or None
