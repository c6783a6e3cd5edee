"""Conversion of many images at once to the size, colours and levels of a model, with a sentence that says how.

One picture is fitted as ``media.fit`` does it with the choice ``whole``: the aspect ratio is kept, each new pixel is
the mean of the area that it covers, and what the picture does not cover has the median colour of its edge. Levels are
made as the data sources make them (``media.levels.quantize``), so that images of another number of levels become
what a source of the model's levels would have given.

Shapes: N images, R rows and S columns before, C channels, H rows and W columns after.
"""

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from gmstudio.media.fit import LUMA
from gmstudio.media.levels import quantize, to_display
from gmstudio.media.resize import Floats, area_weights, resample
from gmstudio.protocol.images import ImageSpec

Images = NDArray[np.uint8]


def check_convertible(spec: ImageSpec, target: ImageSpec) -> None:
    """Check that images of one kind can become those of another.

    Raises:
        ValueError: when one of them are points or sequences (one row), whose columns are no places of a picture.
    """
    if spec == target:
        return
    if min(spec.height, target.height) == 1 and spec.shape != target.shape:
        raise ValueError(
            f"The images are {spec}, the model's are {target}: rows of points or of a sequence are no picture, so "
            "they are not converted. Choose images of the model's shape, or another run."
        )


def convert(images: Images, spec: ImageSpec, target: ImageSpec) -> Images:
    """Convert images to another size, other colours and levels; the same images where nothing differs.

    Args:
        images: (N, C, R, S) levels of ``spec``.
        spec: shape and levels of the images.
        target: wanted ones.

    Returns:
        (N, C', H, W) levels of ``target``.

    Raises:
        ValueError: see ``check_convertible``.
    """
    if spec == target:
        return images
    check_convertible(spec, target)
    return quantize(_fitted(to_display(images, spec.levels), target), 255, target.levels)


def conversion_text(spec: ImageSpec, target: ImageSpec) -> str:
    """Sentence on what ``convert`` does; empty where nothing differs."""
    if spec == target:
        return ""
    steps = []
    if (spec.height, spec.width) != (target.height, target.width):
        steps.append("scaled by averaging over areas")
        if spec.height * target.width != spec.width * target.height:
            steps.append("padded with the colour of the edge")
    if spec.channels != target.channels:
        steps.append("colours averaged to grey" if target.channels == 1 else "grey repeated in three channels")
    if spec.levels != target.levels:
        steps.append(_levels_step(spec.levels, target.levels))
    return f"Converted from {spec} to {target}: {', '.join(steps)}."


def pictures_text(sizes: set[tuple[int, int]], *, coloured: bool, target: ImageSpec) -> str:
    """Sentence on the conversion of picture files of any sizes.

    Args:
        sizes: (rows, columns) of the files.
        coloured: whether one of them has colours.
        target: shape and levels that they got.
    """
    if len(sizes) == 1:
        ((height, width),) = sizes
        size = f"{height}×{width}"
    else:
        size = f"{len(sizes)} sizes"
    steps = []
    if sizes != {(target.height, target.width)}:
        steps.append("scaled by averaging over areas")
        if any(height * target.width != width * target.height for height, width in sizes):
            steps.append("padded with the colour of the edge")
    if coloured and target.channels == 1:
        steps.append("colours averaged to grey")
    if not coloured and target.channels == 3:
        steps.append("grey repeated in three channels")
    if target.levels != 256:
        steps.append(_levels_step(256, target.levels))
    if not steps:
        return ""
    return f"Converted from {size} {'RGB' if coloured else 'grey'}, 256 levels to {target}: {', '.join(steps)}."


def _levels_step(before: int, after: int) -> str:
    if after == 2:
        return "binarized at half intensity"
    return f"levels spread over {after}" if after > before else f"quantized to {after} levels"


def fit_pictures(pictures: Images, target: ImageSpec) -> Images:
    """Fit pictures to a size and colours, and quantize them.

    Args:
        pictures: (N, C, R, S) uint8 intensities 0 … 255, C 1 or 3.
        target: wanted shape and levels.

    Returns:
        (N, C', H, W) levels.
    """
    return quantize(_fitted(pictures, target), 255, target.levels)


def _fitted(pictures: Images, target: ImageSpec) -> Images:
    """(N, C, R, S) intensities → (N, C', H, W) intensities, rounded."""
    channels, rows, columns = pictures.shape[1:]
    same_size = (rows, columns) == (target.height, target.width)
    if same_size and channels == target.channels:
        return pictures
    shades: Floats = pictures.astype(np.float32)
    if channels == 3 and target.channels == 1:
        shades = np.einsum("ncrs,c->nrs", shades, LUMA)[:, None]
    elif channels == 1 and target.channels == 3:
        shades = np.repeat(shades, 3, axis=1)
    if not same_size:
        shades = _placed(shades, target.height, target.width)
    return np.rint(shades).clip(0, 255).astype(np.uint8)


def _placed(shades: Floats, height: int, width: int) -> Floats:
    """(N, C, R, S) → (N, C, H, W): scaled by one factor along both axes and centred, the rim in the edge's colour."""
    rows, columns = shades.shape[2:]
    scale = min(Fraction(height, rows), Fraction(width, columns))
    weights_HR, weights_WS = area_weights(rows, height, scale), area_weights(columns, width, scale)
    placed = resample(shades, weights_HR, weights_WS)
    if Fraction(height, rows) != Fraction(width, columns):
        edge = np.concatenate((shades[:, :, 0], shades[:, :, -1], shades[..., 0], shades[..., -1]), axis=2)
        uncovered_HW = 1 - np.outer(weights_HR.sum(1), weights_WS.sum(1))
        placed = placed + uncovered_HW.astype(np.float32) * np.median(edge, axis=2)[:, :, None, None]
    fitted: Floats = placed.astype(np.float32)
    return fitted
