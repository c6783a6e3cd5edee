"""Colour scale from low (dark) to high (bright), for maps and densities."""

import numpy as np
from numpy.typing import NDArray

_ANCHORS = np.array(
    [(14, 10, 36), (62, 18, 104), (136, 34, 112), (204, 62, 84), (244, 128, 44), (252, 204, 84), (255, 250, 205)]
)
"""Anchors of the scale; lightness increases monotonically, so that it is legible without colour."""


def heat_table() -> NDArray[np.uint8]:
    """Colour table of the scale, (256, 3) RGB, lowest first."""
    at = np.linspace(0.0, len(_ANCHORS) - 1.0, 256)
    channels = [np.interp(at, np.arange(len(_ANCHORS)), _ANCHORS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def heat_colours(values: NDArray[np.floating], top: float) -> NDArray[np.uint8]:
    """Colours of values between 0 and ``top``, (…, 3) RGB; larger values are clipped to ``top``, NaN counts as 0."""
    share = np.nan_to_num(values / top, nan=0.0).clip(0.0, 1.0)
    colours: NDArray[np.uint8] = heat_table()[(share * 255).round().astype(np.uint8)]
    return colours
