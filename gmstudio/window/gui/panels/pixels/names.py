"""Names of channels, sub-pixels and models, and numbers, in the texts of the Pixels panel."""

from gmstudio.window.state.pixels.snapshot import PixelSnapshot

CHANNELS = {1: ("",), 3: ("red", "green", "blue")}
SHORT = 16
"""Most letters of a shortened name."""


def where(state: PixelSnapshot, step: int) -> str:
    """Place of a sub-pixel, counted from 0: ``row 3, column 5, red``."""
    channel, row, column = state.place_of(step)
    colour = CHANNELS[state.spec.channels][channel]
    return f"row {row}, column {column}" + (f", {colour}" if colour else "")


def decimal(value: float, digits: int) -> str:
    """Number with a fixed count of decimals, never a negative zero: ``0.000``, ``−0.25``."""
    return f"{value:z.{digits}f}".replace("-", "−")


def signed(value: float) -> str:
    """Difference with its sign and three significant digits: ``+0.12``, ``−3.4``; ``0`` where there is none."""
    return f"{value:+.3g}".replace("-", "−") if value else "0"


def subscript(number: int) -> str:
    """Digits as subscripts."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def shortened(names: tuple[str, str]) -> tuple[str, str]:
    """Names of two models, elided at the end, or in the middle where they begin alike."""
    alike = names[0][: SHORT - 1] == names[1][: SHORT - 1]
    own, other = (_elided(name, SHORT // 2 if alike else 0) for name in names)
    return own, other


def _elided(name: str, tail: int) -> str:
    """Name with at most ``SHORT`` letters, the last ``tail`` ones among them."""
    if len(name) <= SHORT:
        return name
    return f"{name[: SHORT - 1 - tail].rstrip(' ,')}…{name[len(name) - tail :].lstrip(' ,')}"
