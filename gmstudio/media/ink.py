"""Ground and ink of images: their statistics, compositing on the ground, and cropping to the ink.

Shapes: N images, C channels, H height, W width; R rows and S columns of a picture.
"""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.resize import Floats, area_weights, resample
from gmstudio.protocol.images import ImageSpec, InkStatistics

INK_IMAGES = 200
"""Images of a data set that are measured."""
GROUND_NEAR = 0.1
"""Largest difference from the ground of a pixel that belongs to it."""
PLAIN_SHARE = 0.5
"""Share of the pixels at the edge that belong to a plain ground."""
INK_SHARE = 0.3
"""Ink is what differs from the ground by this share of the largest difference."""
LEAST_CONTRAST = 0.05


def measure_ink(images: NDArray[np.uint8], levels: int) -> InkStatistics:
    """Measure ground and ink of images.

    The width of a stroke is twice its area over its perimeter; the perimeter of soft-edged ink is its total variation
    (coarea formula).

    Args:
        images: (N, C, H, W) levels, N at least 1.
        levels: their number.
    """
    values = images.astype(np.float32) / np.float32(levels - 1)
    edge_MC = np.concatenate([edge_pixels(image.transpose(1, 2, 0)) for image in values])
    ground_C = np.median(edge_MC, axis=0)
    plain = float(np.mean(np.abs(edge_MC - ground_C).max(1) <= GROUND_NEAR)) >= PLAIN_SHARE
    ink_NHW = np.abs(values - ground_C[:, None, None]).max(1)
    strokes = [_stroke_width(ink_HW) for ink_HW in ink_NHW]
    boxes = [max(box[1] - box[0], box[3] - box[2]) for box in map(ink_box, ink_NHW)]
    return InkStatistics(
        ground=tuple(map(float, ground_C)),
        plain=plain,
        stroke=max(1.0, float(np.median(strokes))),
        box=float(np.median(boxes)),
    )


def _stroke_width(ink_HW: Floats) -> float:
    padded = np.pad(ink_HW, 1)
    down, right = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    variation = float(np.hypot(down, right).sum())
    return 2 * float(ink_HW.sum()) / variation if variation else 0.0


def unmeasured(image: ImageSpec) -> InkStatistics:
    """Statistics where there are no images to measure: a black ground, and the proportions of MNIST."""
    side = min(image.height, image.width)
    return InkStatistics((0.0,) * image.channels, plain=False, stroke=max(1.0, side / 9), box=max(1.0, side * 20 / 28))


def edge_pixels(picture_RSC: Floats) -> Floats:
    """(M, C) pixels of the edge of a picture."""
    return np.concatenate((picture_RSC[0], picture_RSC[-1], picture_RSC[:, 0], picture_RSC[:, -1]))


def composited(picture_RS4: Floats, ground_C: tuple[float, ...]) -> tuple[Floats, bool]:
    """Lay a transparent picture on a ground.

    Where its colours are those of the ground, so that nothing would be seen, they are inverted.

    Args:
        picture_RS4: RGB and opacity, 0 … 1.
        ground_C: intensities of the ground, one or three channels.

    Returns:
        (R, S, 3) the picture, and True when it was inverted.
    """
    colours, opacity = picture_RS4[..., :3], picture_RS4[..., 3:]
    ground_3 = np.broadcast_to(np.asarray(ground_C, np.float32), 3)
    laid: Floats = (colours * opacity + (1 - opacity) * ground_3).astype(np.float32)
    if float(np.abs(laid - ground_3).max()) >= LEAST_CONTRAST or float(opacity.max()) < LEAST_CONTRAST:
        return laid, False
    return ((1 - colours) * opacity + (1 - opacity) * ground_3).astype(np.float32), True


def ink_box(ink_RS: Floats) -> tuple[int, int, int, int]:
    """Bounding box of the ink: first row, row after the last, first column, column after the last."""
    inked = ink_RS >= max(LEAST_CONTRAST, INK_SHARE * float(ink_RS.max()))
    if not inked.any():
        return 0, ink_RS.shape[0], 0, ink_RS.shape[1]
    rows, columns = np.flatnonzero(inked.any(1)), np.flatnonzero(inked.any(0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def cropped_to_ink(picture_RSC: Floats, image: ImageSpec, box: float) -> Floats:
    """Crop a picture to its ink, scale that to a box and put its centre of mass into the middle pixel, as for MNIST.

    Args:
        picture_RSC: (R, S, C), 0 … 1; its ground is the median of its edge.
        image: size of the result.
        box: larger side of the ink's bounding box, pixels of the result.

    Returns:
        (H, W, C).

    Source: LeCun, Cortes & Burges, The MNIST database of handwritten digits.
    """
    ground_C = np.median(edge_pixels(picture_RSC), axis=0).astype(np.float32)
    away_RSC = picture_RSC - ground_C
    top, bottom, left, right = ink_box(np.abs(away_RSC).max(2))
    ink = away_RSC[top:bottom, left:right]
    rows, columns = ink.shape[:2]
    scale = min(box / max(rows, columns), image.height / rows, image.width / columns)
    height, width = max(1, round(rows * scale)), max(1, round(columns * scale))
    across, along = (
        area_weights(rows, height, Fraction(height, rows)),
        area_weights(columns, width, Fraction(width, columns)),
    )
    small_HWC = resample(np.ascontiguousarray(ink.transpose(2, 0, 1)), across, along).transpose(1, 2, 0)
    mass_HW = np.abs(small_HWC).sum(2)
    first_row = _first(mass_HW.sum(1), image.height)
    first_column = _first(mass_HW.sum(0), image.width)
    fitted = np.zeros((image.height, image.width, picture_RSC.shape[2]), np.float32)
    fitted[first_row : first_row + height, first_column : first_column + width] = small_HWC
    return fitted + ground_C


def _first(masses: Floats, side: int) -> int:
    """First pixel of those with these masses, whose centre comes into the middle pixel of ``side``; none is cut."""
    size, total = len(masses), float(masses.sum())
    centre = float((masses * (np.arange(size) + 0.5)).sum()) / total if total else size / 2
    return max(0, min(math.ceil(side // 2 - centre), side - size))


def stretched(fitted_HWC: Floats, ground_C: NDArray[np.floating], ink: InkStatistics) -> Floats:
    """Stretch the contrast of an image to the whole range.

    On a plain ground of the data, the picture's ground becomes that one and what differs most from it the other end, so
    that ink on paper becomes white on black where the data are; otherwise the darkest becomes 0, the lightest 1.

    Args:
        fitted_HWC: (H, W, C), 0 … 1.
        ground_C: ground of the picture.
        ink: of the data.
    """
    if ink.plain and fitted_HWC.shape[2] == 1:
        away = fitted_HWC - np.float32(ground_C[0])
        extreme = float(away.flat[int(np.abs(away).argmax())])
        if abs(extreme) < LEAST_CONTRAST:
            return fitted_HWC
        there = np.float32(ink.ground[0])
        other = np.float32(0.0 if there > 0.5 else 1.0)
        return (there + (other - there) * (away / np.float32(extreme)).clip(0, 1)).astype(np.float32)
    low, high = float(fitted_HWC.min()), float(fitted_HWC.max())
    if high - low < LEAST_CONTRAST:
        return fitted_HWC
    return ((fitted_HWC - np.float32(low)) / np.float32(high - low)).astype(np.float32)
