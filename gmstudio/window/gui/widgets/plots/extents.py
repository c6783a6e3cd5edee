"""Ranges of numbers that a plot shows."""

from collections.abc import Sequence


def union(extents: Sequence[tuple[float, float] | None]) -> tuple[float, float] | None:
    """Smallest range that holds all; None where there is none."""
    found = [extent for extent in extents if extent is not None]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None


def fits(extent: tuple[float, float], view: tuple[float, float], room: float) -> bool:
    """Test that all values are in view and fill it but for a share ``room``."""
    inside = view[0] <= extent[0] and extent[1] <= view[1]
    return inside and extent[1] - extent[0] >= (1 - room) * (view[1] - view[0])
