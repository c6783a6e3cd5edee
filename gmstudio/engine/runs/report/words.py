"""The value of a report in words."""

import math

from gmstudio.engine.runs.report.content import Figure


def headline(figure: Figure) -> str:
    """Write the value with its standard error and unit; one that is a bound says so."""
    sign = "≤ " if figure.is_bound else ""
    return f"{sign}{_with_error(figure.value, figure.error)} {figure.unit}".strip()


def bits_line(figure: Figure) -> str:
    """Write the value in bits per dimension; empty where it has none."""
    if math.isnan(figure.bits):
        return ""
    sign = "≤ " if figure.is_bound else ""
    return f"{sign}{_with_error(figure.bits, figure.bits_error)} bits/dim"


def measured_line(figure: Figure) -> str:
    """Say how the value was measured, and what the error is."""
    error = "" if math.isnan(figure.error) else " ± is the standard error of the mean over them."
    return f"Measured on {figure.measured}.{error}"


def _with_error(value: float, error: float) -> str:
    if math.isnan(error) or error <= 0:
        return f"{value:.4g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:,.{digits}f} ± {error:.{digits}f}"
