"""Fitting of raw images to one size and colour, in bands of bounded memory.

Shapes: R rows and S columns of a raw image, C channels, H rows and W columns of the result.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.data.importing.raw import RawImage
from gmstudio.data.importing.settings import Fit
from gmstudio.media.fit import LUMA
from gmstudio.media.resize import Floats, area_weights, resample

_BAND_PIXELS = 1 << 19
_KEPT_SIDE = 1024
"""Weights for longer sides are not kept for the next image."""


@dataclass(frozen=True)
class Target:
    """What all images become.

    Args:
        channels: 1 (grey) or 3 (RGB).
        height: rows.
        width: columns.
        fit: treatment of other aspect ratios.
        ground: 0 or 255, which transparent parts are laid on.
    """

    channels: Literal[1, 3]
    height: int
    width: int
    fit: Fit = "crop"
    ground: int = 0

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W)."""
        return self.channels, self.height, self.width


def fit_image(raw: RawImage, target: Target) -> NDArray[np.uint8]:
    """(C, H, W): composited, in the target's colours, scaled by averaging over areas, rounded.

    Grey of colours is their luma (``media.fit.LUMA``). The alpha channel weights nothing: transparent parts take the
    ground before scaling.
    """
    rows, columns, _ = raw.shape
    if (rows, columns) == (target.height, target.width):
        if raw.shape[2] == target.channels:
            return np.ascontiguousarray(raw.transpose(2, 0, 1))
        fitted = _coloured(raw, target)
    else:
        fitted = _scaled(raw, target)
    return np.rint(fitted).clip(0, 255).astype(np.uint8)


def _coloured(band: RawImage, target: Target) -> Floats:
    """(C, R, S) 0 … 255: laid on the ground, in the target's colours."""
    shades = band.astype(np.float32)
    if shades.shape[2] in (2, 4):
        opacity = shades[..., -1:] / np.float32(255)
        shades = shades[..., :-1] * opacity + (1 - opacity) * np.float32(target.ground)
    if target.channels == 1 and shades.shape[2] == 3:
        shades = (shades @ LUMA)[..., None]
    coloured = shades.transpose(2, 0, 1)
    if target.channels == 3 and len(coloured) == 1:
        coloured = np.repeat(coloured, 3, axis=0)
    return np.ascontiguousarray(coloured)


def _scaled(raw: RawImage, target: Target) -> Floats:
    rows, columns, _ = raw.shape
    height, width = target.height, target.width
    down, across = Fraction(height, rows), Fraction(width, columns)
    if target.fit != "stretch":
        down = across = max(down, across) if target.fit == "crop" else min(down, across)
    weights_HR, weights_WS = _weights(rows, height, down), _weights(columns, width, across)
    sums = np.zeros(target.shape, np.float32)
    band = max(1, _BAND_PIXELS // columns)
    for top in range(0, rows, band):
        shades = _coloured(raw[top : top + band], target)
        sums += resample(shades, weights_HR[:, top : top + band], weights_WS)
    if target.fit == "pad":
        uncovered_HW = 1 - np.outer(weights_HR.sum(1), weights_WS.sum(1))
        sums += uncovered_HW.astype(np.float32) * _rim(raw, target)[:, None, None]
    return sums


def _rim(raw: RawImage, target: Target) -> Floats:
    """(C,) median colour of the edge."""
    sides = (raw[:1], raw[-1:], raw[:, :1], raw[:, -1:])
    edge_CM = np.concatenate([_coloured(side, target).reshape(target.channels, -1) for side in sides], axis=1)
    rim_C: Floats = np.median(edge_CM, axis=1).astype(np.float32)
    return rim_C


def _weights(old: int, new: int, scale: Fraction) -> Floats:
    return _kept_weights(old, new, scale) if old <= _KEPT_SIDE else area_weights(old, new, scale)


_kept_weights = lru_cache(maxsize=64)(area_weights)
