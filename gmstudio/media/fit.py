"""Fitting of any picture to a model's images (size, colours, levels), with a description of the changes.

Shapes: R rows and S columns of the picture, C channels, H height and W width of the model's images.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.ink import composited, cropped_to_ink, edge_pixels, stretched, unmeasured
from gmstudio.media.levels import grey_values
from gmstudio.media.resize import Floats, area_weights, resample
from gmstudio.protocol.images import ImageSpec, InkStatistics

Fit = Literal["whole", "crop", "ink"]
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Weights of red, green and blue in grey, ITU-R BT.601, as in most image programs."""


@dataclass(frozen=True)
class Fitting:
    """Choices by which a picture becomes a model's image.

    Args:
        fit: ``whole``: with padding in the colour of the picture's edge; ``crop``: center crop; ``ink``: cropped to the
            ink, scaled to that of the data and centred by mass.
        invert: exchange black and white.
        contrast: stretch the contrast, see ``ink.stretched``.
    """

    fit: Fit = "whole"
    invert: bool = False
    contrast: bool = False


PLAIN = Fitting()


def fit_picture(
    picture: NDArray[np.uint8], spec: ImageSpec, fitting: Fitting = PLAIN, ink: InkStatistics | None = None
) -> NDArray[np.uint8]:
    """Convert a picture to an image for a model; the aspect ratio is kept.

    Each new pixel is the mean of the area that it covers. Transparent parts become the ground of the data. A picture
    that fits already is only inverted.

    Args:
        picture: (R, S, 1, 3 or 4) uint8, 0 … 255: grey, RGB, or RGB and opacity.
        spec: shape and levels of the model's images.
        fitting: choices.
        ink: of the data; None: a black ground.

    Returns:
        (C, H, W) uint8 levels.
    """
    if picture.ndim != 3 or picture.shape[2] not in (1, 3, 4) or not picture.size:
        raise ValueError(f"A picture of shape {picture.shape}; it must be (rows, columns, 1, 3 or 4) and not empty.")
    ink = unmeasured(spec) if ink is None else ink
    shades = _coloured(picture, spec.channels, ink, invert=fitting.invert)
    if fits_exactly(picture, spec):
        fitted = shades
    else:
        crops = fitting.fit == "ink"
        fitted = cropped_to_ink(shades, spec, ink.box) if crops else _placed(shades, spec, fitting.fit)
        if fitting.contrast:
            fitted = stretched(fitted, np.median(edge_pixels(shades), axis=0), ink)
    levels = (fitted * (spec.levels - 1)).round().clip(0, spec.levels - 1)
    return np.ascontiguousarray(levels.astype(np.uint8).transpose(2, 0, 1))


def fits_exactly(picture: NDArray[np.uint8], spec: ImageSpec) -> bool:
    """Test whether a picture has the size, the colours and the levels of the model's images."""
    if picture.shape != (spec.height, spec.width, spec.channels):
        return False
    return bool(np.isin(picture, grey_values(spec.levels)).all())


def fit_description(picture: NDArray[np.uint8], spec: ImageSpec, fitting: Fitting) -> str:
    """Predicate for messages, for example ``was 640×480 RGB, converted to 8×8 grey with 16 levels, padded``."""
    rows, columns, channels = picture.shape
    if fits_exactly(picture, spec):
        return "was inverted" if fitting.invert else "needs no conversion"
    kind = {1: "grey", 3: "RGB", 4: "RGB with transparency"}[channels]
    wanted = "RGB" if spec.channels == 3 else "grey"
    text = f"was {columns}×{rows} {kind}, converted to {spec.width}×{spec.height} {wanted} with {spec.levels} levels"
    if channels == 4:
        text += ", laid on the data's ground"
    if fitting.fit == "ink":
        text += ", cropped to the ink and centered by mass"
    elif rows * spec.width != columns * spec.height:
        text += ", center-cropped" if fitting.fit == "crop" else ", padded"
    return text + (", inverted" if fitting.invert else "") + (", contrast stretched" if fitting.contrast else "")


def _coloured(picture: NDArray[np.uint8], channels: int, ink: InkStatistics, *, invert: bool) -> Floats:
    """(R, S, C) 0 … 1."""
    shades: Floats = picture.astype(np.float32) / np.float32(255.0)
    if invert:
        colours = shades.shape[2] if shades.shape[2] < 4 else 3
        shades[..., :colours] = 1.0 - shades[..., :colours]
    if shades.shape[2] == 4:
        shades, _inverted = composited(shades, ink.ground)
    if channels == 1 and shades.shape[2] == 3:
        grey: Floats = (shades @ LUMA)[..., None]
        return grey
    if channels == 3 and shades.shape[2] == 1:
        return np.repeat(shades, 3, axis=2)
    return shades


def _placed(shades_RSC: Floats, spec: ImageSpec, fit: Fit) -> Floats:
    """(H, W, C): scaled by one factor along both axes and centred, the rim filled with the colour of the edge."""
    rows, columns, channels = shades_RSC.shape
    height, width = spec.height, spec.width
    scales = Fraction(height, rows), Fraction(width, columns)
    scale = max(scales) if fit == "crop" else min(scales)
    weights_HR, weights_WS = area_weights(rows, height, scale), area_weights(columns, width, scale)
    sums_CHW = resample(shades_RSC.transpose(2, 0, 1), weights_HR, weights_WS)
    covered_HW1 = np.outer(weights_HR.sum(1), weights_WS.sum(1))[..., None]
    rim_C = np.median(edge_pixels(shades_RSC), axis=0)
    fitted: Floats = (sums_CHW.transpose(1, 2, 0) + (1.0 - covered_HW1) * rim_C).astype(np.float32)
    assert fitted.shape == (height, width, channels)
    return fitted
