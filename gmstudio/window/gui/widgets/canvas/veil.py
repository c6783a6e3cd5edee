"""Veil over the sampled pixels outside a receptive field, and the colour of its blind spot.

Shapes: C channels, H height, W width.
"""

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QColor, QImage

from gmstudio.window.gui.theme import theme

OPACITY = 0.62
"""Share of the background in pixels outside the receptive field."""
BLIND_OPACITY = 0.5
BLIND_SERIES = 3
"""Curve colour of the blind spot, which no other mark on the image has."""


def blind_colour() -> QColor:
    """Colour of the blind spot."""
    return theme().series(BLIND_SERIES)


def veil_of(
    placed: NDArray[np.bool_],
    context: NDArray[np.bool_],
    current: tuple[int, int] | None,
    blind: NDArray[np.bool_] | None,
) -> QImage:
    """Veil in a neutral grey, so that greys keep their hue; only the blind spot has a colour.

    Where the receptive field is empty there is nothing to distinguish, and no veil.

    Args:
        placed: (C, H, W) sampled sub-pixels.
        context: (C, H, W) the receptive field.
        current: the next pixel, which stays as it is, or None.
        blind: (H, W) the blind spot, or None.
    """
    grey = theme().color("window").lightness()
    outside = placed.mean(axis=0, dtype=np.float64) * (1 - context.mean(axis=0, dtype=np.float64))
    if current is not None:
        outside[current] = 0.0
    colours = np.full((*outside.shape, 3), grey, np.uint8)
    opacity = OPACITY * outside if context.any() else np.zeros_like(outside)
    if blind is not None:
        colour = blind_colour()
        colours[blind] = (colour.red(), colour.green(), colour.blue())
        opacity[blind] = BLIND_OPACITY
    return argb(colours, opacity * 255)


def argb(colours: NDArray[np.uint8], alpha: NDArray[np.floating]) -> QImage:
    """Image with transparency from (H, W, 3) RGB and (H, W) opacity 0 … 255."""
    height, width = alpha.shape
    bgra = np.empty((height, width, 4), np.uint8)
    bgra[..., :3] = (colours[..., ::-1] * (alpha[..., np.newaxis] / 255.0)).round()
    bgra[..., 3] = alpha.round()
    return QImage(bgra.data, width, height, width * 4, QImage.Format.Format_ARGB32_Premultiplied).copy()
