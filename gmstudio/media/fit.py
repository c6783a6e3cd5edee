"""Fits any picture to a model's images: size, colours and levels, and says in words what was done.

Shapes: R rows and S columns of the picture, C channels, H height and W width of the model's images.
"""

from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.levels import grey_values
from gmstudio.media.resize import Floats, area_weights, resample
from gmstudio.protocol.images import ImageSpec

Fit = Literal["whole", "crop"]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Grey of a colour, ITU-R BT.601, as PNG programs reckon it."""


def fit_picture(
    picture: NDArray[np.uint8], spec: ImageSpec, fit: Fit = "whole", *, invert: bool = False
) -> NDArray[np.uint8]:
    """Make a model's image of a picture; the aspect ratio is kept and the picture centred.

    Each new pixel is the mean of the area that it covers. Transparent parts are white, as on paper.

    Args:
        picture: (R, S, 1, 3 or 4) uint8, 0 … 255: grey, RGB, or RGB and opacity.
        spec: what the model's images are.
        fit: ``whole``: all of it is seen, and the empty rim takes the colour of its edge; ``crop``: it fills the image,
            and what stands out is cut off.
        invert: black becomes white.

    Returns:
        (C, H, W) uint8 levels.
    """
    if picture.ndim != 3 or picture.shape[2] not in (1, 3, 4) or not picture.size:
        raise ValueError(f"A picture of shape {picture.shape}; it must be (rows, columns, 1, 3 or 4) and not empty.")
    shades = _coloured(picture, spec.channels)
    if invert:
        shades = (1.0 - shades).astype(np.float32)
    fitted = _placed(shades, spec.height, spec.width, fit)
    levels = (fitted * (spec.levels - 1)).round().clip(0, spec.levels - 1)
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(2, 0, 1))


def fits_exactly(picture: NDArray[np.uint8], spec: ImageSpec) -> bool:
    """Whether a picture has the size and the colours of the model's images, and its levels."""
    if picture.shape != (spec.height, spec.width, spec.channels):
        return False
    return bool(np.isin(picture, grey_values(spec.levels)).all())


def fit_description(picture: NDArray[np.uint8], spec: ImageSpec, fit: Fit, *, invert: bool) -> str:
    """What ``fit_picture`` does to a picture, for example ``was 640×480 RGB, made 8×8 grey with 16 levels``."""
    rows, columns, channels = picture.shape
    if fits_exactly(picture, spec):
        return "fits as it is" + (", inverted" if invert else "")
    kind = {1: "grey", 3: "RGB", 4: "RGB with transparency"}[channels]
    wanted = "RGB" if spec.channels == 3 else "grey"
    words = f"was {columns}×{rows} {kind}, made {spec.width}×{spec.height} {wanted} with {spec.levels} levels"
    if rows * spec.width != columns * spec.height:
        words += ", its sides cut off" if fit == "crop" else ", with a rim in the colour of its edge"
    return words + (", inverted" if invert else "")


def _coloured(picture: NDArray[np.uint8], channels: int) -> Floats:
    """(R, S, C) 0 … 1."""
    shades: Floats = picture.astype(np.float32) / np.float32(255.0)
    if shades.shape[2] == 4:
        opacity = shades[..., 3:]
        shades = (shades[..., :3] * opacity + (1.0 - opacity)).astype(np.float32)
    if channels == 1 and shades.shape[2] == 3:
        grey: Floats = (shades @ LUMA)[..., None]
        return grey
    if channels == 3 and shades.shape[2] == 1:
        return np.repeat(shades, 3, axis=2)
    return shades


def _placed(shades_RSC: Floats, height: int, width: int, fit: Fit) -> Floats:
    """(H, W, C): scaled by one factor along both axes and centred, the rim filled with the colour of the edge."""
    rows, columns, channels = shades_RSC.shape
    scales = Fraction(height, rows), Fraction(width, columns)
    scale = min(scales) if fit == "whole" else max(scales)
    weights_HR, weights_WS = area_weights(rows, height, scale), area_weights(columns, width, scale)
    sums_CHW = resample(shades_RSC.transpose(2, 0, 1), weights_HR, weights_WS)
    covered_HW1 = np.outer(weights_HR.sum(1), weights_WS.sum(1))[..., None]
    rim_C = np.median(_edge(shades_RSC), axis=0)
    fitted: Floats = (sums_CHW.transpose(1, 2, 0) + (1.0 - covered_HW1) * rim_C).astype(np.float32)
    assert fitted.shape == (height, width, channels)
    return fitted


def _edge(shades_RSC: Floats) -> Floats:
    """(N, C) pixels of the picture's edge."""
    sides = (shades_RSC[0], shades_RSC[-1], shades_RSC[:, 0], shades_RSC[:, -1])
    return np.concatenate(sides)
